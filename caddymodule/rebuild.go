package caddymodule

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/sessionstore"
)

// errEnded says that a session was ended because its person may no longer be
// signed in, or that it was gone already.
var errEnded = errors.New("the session has ended")

// loginFault is the trouble of a login, for which the store is not to blame.
type loginFault struct{ error }

// Unwrap returns what the trouble was.
func (f loginFault) Unwrap() error { return f.error }

// rebuilds is how often a write is tried anew when another came between.
const rebuilds = 3

// rebuild asks the login again who the person is and writes the session anew.
// A definite "no" ends the session and gives errEnded; any other error means
// that it stays as it is.
func (g *gateway) rebuild(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	method, ok := g.rebuilder(s.Method)
	if !ok {
		return s, nil // the login is gone from the configuration; it can say nothing
	}
	person, err := method.Rebuild(ctx, s)
	if errors.Is(err, login.ErrUnknown) || errors.Is(err, login.ErrRefused) {
		return nil, g.endRebuilt(ctx, s)
	}
	if err != nil {
		return nil, loginFault{err}
	}
	user, err := g.app.roles.Build(*person)
	if err != nil {
		return nil, loginFault{fmt.Errorf("the person's entry is not sound: %w", err)}
	}
	if user.ID != s.User.ID {
		return nil, g.endRebuilt(ctx, s) // another person has the entry now
	}
	return g.change(ctx, s, func(changed *sessionstore.Session) {
		changed.User = user
		keepChoice(changed)
	})
}

func (g *gateway) rebuilder(name string) (login.Rebuilder, bool) {
	for _, l := range g.app.logins {
		if l.Name() == name {
			method, ok := l.(login.Rebuilder)
			return method, ok
		}
	}
	return nil, false
}

func (g *gateway) endRebuilt(ctx context.Context, s *sessionstore.Session) error {
	if err := g.end(ctx, s.Key); err != nil {
		return err
	}
	g.app.metrics.endedByLogin.Inc()
	g.app.logger.Info("session ended: its login no longer knows the person",
		zap.String("login", s.Method), zap.Int64("user_id", s.User.ID), zap.String("session", s.Key.ID()))
	return errEnded
}

// change writes a session that edit has changed. When somebody else wrote it
// in between, it is read and edited again.
func (g *gateway) change(ctx context.Context, s *sessionstore.Session, edit func(*sessionstore.Session)) (*sessionstore.Session, error) {
	for try := 1; ; try++ {
		changed := *s
		edit(&changed)
		written, err := g.store.Update(ctx, &changed)
		if errors.Is(err, sessionstore.ErrNotFound) {
			return nil, errEnded
		}
		if !errors.Is(err, sessionstore.ErrConflict) || try == rebuilds {
			return written, err
		}
		if s, err = g.store.Get(ctx, s.Key); err != nil {
			if errors.Is(err, sessionstore.ErrNotFound) {
				err = errEnded
			}
			return nil, err
		}
	}
}

// keepChoice makes the account that the person chose the primary one again,
// as long as it is theirs.
func keepChoice(s *sessionstore.Session) {
	if s.ChosenAccount == "" {
		return
	}
	user, ok := s.User.WithPrimary(s.ChosenAccount)
	if !ok {
		s.ChosenAccount = ""
		return
	}
	s.User = *user
}
