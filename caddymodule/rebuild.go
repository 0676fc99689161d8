package caddymodule

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
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

// rebuild asks the login, and the directories, again who the person is and
// writes the session anew. A definite "no" ends the session and gives
// errEnded; any other error means that it stays as it is.
func (g *gateway) rebuild(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	method, ok := g.rebuilder(s.Method)
	if !ok {
		return s, nil // the login is gone from the configuration; it can say nothing
	}
	b, err := g.askAgain(ctx, method, s)
	switch {
	case isDefiniteNo(err):
		return nil, g.endRebuilt(ctx, s)
	case err != nil:
		return nil, g.keepRotated(ctx, s, err)
	case b.user.ID != s.User.ID:
		return nil, g.endRebuilt(ctx, s) // another person has the entry now
	}
	write, from := g.change, s.BuiltAt
	if b.kept != s.Kept {
		write = g.persist
	}
	return write(ctx, s, func(changed *sessionstore.Session) {
		if !changed.BuiltAt.Equal(from) {
			return // another gateway has built it in between, from what is newer
		}
		b.put(changed)
		keepChoice(changed)
	})
}

// persist is change for what must not be lost because the store is away for a
// moment: a source may have replaced a credential, and the old one is spent.
// It goes on when the lease, which is kept in the same store, has run out: the
// session's version and BuiltAt fence what it writes.
func (g *gateway) persist(ctx context.Context, s *sessionstore.Session, edit func(*sessionstore.Session)) (*sessionstore.Session, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTime)
	defer cancel()
	for {
		written, err := g.change(ctx, s, edit)
		if err == nil || errors.Is(err, errEnded) || sleep(ctx, writePause) != nil {
			return written, err
		}
	}
}

// askAgain builds what the session says anew, and writes nothing.
func (g *gateway) askAgain(ctx context.Context, method login.Rebuilder, s *sessionstore.Session) (*built, error) {
	person, err := method.Rebuild(ctx, s)
	if err != nil {
		return nil, err
	}
	b, err := g.build(ctx, method, person, s)
	if err != nil && !isDefiniteNo(err) && person.Kept != nil {
		err = &login.Rotated{Kept: person.Kept, Err: err}
	}
	return b, err
}

// isDefiniteNo tells that the person may no longer be signed in from trouble.
func isDefiniteNo(err error) bool {
	_, refused := errors.AsType[*profile.Refused](err)
	return refused || errors.Is(err, login.ErrUnknown) || errors.Is(err, login.ErrRefused)
}

// keepRotated writes down what the source has replaced though the rest failed:
// a refresh token that was spent must not be presented again, for a provider
// that detects reuse would end the session.
func (g *gateway) keepRotated(ctx context.Context, s *sessionstore.Session, err error) error {
	if rotated, ok := errors.AsType[*login.Rotated](err); ok {
		kept, encodeErr := rotated.Kept.Encode()
		if encodeErr == nil && kept != s.Kept {
			_, encodeErr = g.persist(ctx, s, func(changed *sessionstore.Session) {
				if changed.Kept == s.Kept { // else another gateway has a newer one
					changed.Kept = kept
				}
			})
		}
		err = errors.Join(err, encodeErr)
	}
	if errors.Is(err, profile.ErrInvalid) {
		err = fmt.Errorf("the person's entry is not sound: %w", err)
	}
	return loginFault{err}
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
