package lifecycle

import (
	"context"
	"errors"
	"time"

	"example.com/sidegate/sessionstore"
)

// SignOut is what a login's source says when it wants sessions ended: one of
// its own sessions, or all of a person's.
type SignOut struct {
	Login string
	// SessionID is what the source calls its session; empty means all sessions
	// of the person, whom it knows as Subject.
	SessionID, Subject string
	// ID tells this message from all others, until Expires.
	ID      string
	Expires time.Time
}

// ErrReplayed says that the same message came before.
var ErrReplayed = errors.New("the logout token came before")

const (
	// signInTime is longer than a sign-in takes from the provider's tokens to
	// its session.
	signInTime = 5 * time.Minute
	// logoutTime bounds the work for one message.
	logoutTime = 30 * time.Second
	// logoutLeeway is how long a message is remembered past its time, for
	// clocks that disagree.
	logoutLeeway = 15 * time.Minute
)

// someKey stands where a name is only to be known: it is no session's.
var someKey = sessionstore.NewSecret(0).Key()

// EndAtSource ends what the source's message names. A message counts as used
// once that is done, and not before: what failed, with a store that could not
// even be told of it, may be sent again. Used is one whose ID is linked to
// anything; then the error is ErrReplayed.
func (l *Sessions) EndAtSource(ctx context.Context, out SignOut) error {
	// From here on the source's patience must not leave it half done.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTime)
	defer cancel()
	used := sourceName("jti", out.Login, out.ID)
	before, err := l.Store.Linked(ctx, used)
	if err != nil {
		return err
	}
	if len(before) > 0 {
		return ErrReplayed
	}
	name, err := l.nameToEnd(ctx, out)
	if err != nil {
		return err
	}
	ended, err := l.endLinked(ctx, name)
	if err == nil {
		err = l.Store.Link(ctx, used, someKey, max(out.Expires.Sub(l.Now()), 0)+logoutLeeway)
	}
	if err != nil {
		return err
	}
	l.Events.Happened(Event{Kind: EndedAtSource, Login: out.Login, Count: ended})
	return nil
}

// nameToEnd is the name of the sessions that are to end. A sign-in of the
// source's session may be under way and have no name yet, so that it ended is
// written down first.
func (l *Sessions) nameToEnd(ctx context.Context, out SignOut) (string, error) {
	if out.SessionID == "" {
		return sourceName("sub", out.Login, out.Subject), nil
	}
	err := l.Store.Link(ctx, sourceName("out", out.Login, out.SessionID), someKey, signInTime)
	return sourceName("sid", out.Login, out.SessionID), err
}

// signedOutAtSource reports whether the session's source has lately ended its
// own session, of which this one is.
func (l *Sessions) signedOutAtSource(ctx context.Context, s *sessionstore.Session) (bool, error) {
	if s.SourceSession == "" {
		return false, nil
	}
	out, err := l.Store.Linked(ctx, sourceName("out", s.Method, s.SourceSession))
	return len(out) > 0, err
}

// sourceNames are the names by which the session's source may ask for its end:
// its own session's, and the person's.
func (l *Sessions) sourceNames(s *sessionstore.Session) []string {
	if !l.hasSource(s.Method) {
		return nil
	}
	names := []string{sourceName("sub", s.Method, s.Subject)}
	if s.SourceSession != "" {
		names = append(names, sourceName("sid", s.Method, s.SourceSession))
	}
	return names
}

func sourceName(kind, login, value string) string { return kind + "\x00" + login + "\x00" + value }

// endLinked ends the sessions of that name. It ends them twice: one that was
// being made meanwhile either finds its link gone, and ends itself, or is there
// for the second time (see create).
func (l *Sessions) endLinked(ctx context.Context, name string) (int, error) {
	keys, err := l.Store.Linked(ctx, name)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	if err := l.EndAll(ctx, keys); err != nil {
		return 0, err
	}
	if err := l.Store.Unlink(ctx, name, keys...); err != nil {
		return 0, err
	}
	if err := l.EndAll(ctx, keys); err != nil {
		for _, key := range keys { // to be found again
			err = errors.Join(err, l.Store.Link(ctx, name, key, l.Lifetime))
		}
		return 0, err
	}
	return len(keys), nil
}
