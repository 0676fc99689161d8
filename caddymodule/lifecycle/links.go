package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"time"

	"example.com/sidegate/sessionstore"
)

// links are the names by which the source of a login may ask for the end of
// sessions: that of its own session, and the person's. The store keeps them
// beside the sessions, for as long as those live.
type links struct{ config *Config }

// unlinkTime bounds how long somebody who has signed out waits for names to be
// forgotten.
const unlinkTime = 2 * time.Second

// errEndedMeanwhile says that the source ended a session while it was made.
var errEndedMeanwhile = errors.New("the sign-in's source ended the session while it was being made")

// of are the names of a session, if its login has a source.
func (l *links) of(s *sessionstore.Session) []string {
	if !l.config.hasSource(s.Method) {
		return nil
	}
	return namesOf(s)
}

// left are the names that a session may have been given, here or where its
// login has a source.
func (l *links) left(s *sessionstore.Session) []string {
	if !l.config.hasSource(s.Method) && l.config.hasLogin(s.Method) {
		return nil
	}
	return namesOf(s)
}

func namesOf(s *sessionstore.Session) []string {
	names := []string{sourceName("sub", s.Method, s.Subject)}
	for _, former := range s.FormerSources {
		names = append(names, sourceName("sid", s.Method, former))
	}
	if s.SourceSession != "" {
		return append(names, sourceName("sid", s.Method, s.SourceSession))
	}
	return append(names, sourceName("lone", s.Method, s.Subject))
}

func sourceName(kind, login, value string) string { return kind + "\x00" + login + "\x00" + value }

// add gives a session that is about to be made its names.
func (l *links) add(ctx context.Context, s *sessionstore.Session) error {
	for _, name := range l.of(s) {
		if err := l.config.Store.Link(ctx, name, s.Key, l.config.Lifetime); err != nil {
			return err
		}
	}
	return nil
}

// stillThere gives errEndedMeanwhile when the source has asked for the end of
// a session that was just made.
func (l *links) stillThere(ctx context.Context, s *sessionstore.Session) error {
	if out, err := l.signedOut(ctx, s); out || err != nil {
		return cmp.Or(err, errEndedMeanwhile)
	}
	for _, name := range l.of(s) {
		linked, err := l.config.Store.IsLinked(ctx, name, s.Key)
		if !linked || err != nil {
			return cmp.Or(err, errEndedMeanwhile)
		}
	}
	return nil
}

// signedOut reports whether the session's source has lately ended its own
// session, of which this one is.
func (l *links) signedOut(ctx context.Context, s *sessionstore.Session) (bool, error) {
	if s.SourceSession == "" {
		return false, nil
	}
	out, err := l.config.Store.Linked(ctx, l.config.Vouching.outName(s.Method, s.SourceSession))
	return len(out) > 0, err
}

// outName is where it is written down that a source has ended its session. It
// is that of the source, for two may call theirs by one name.
func (v *Vouching) outName(login, session string) string {
	if v != nil && v.config.Sources[login] != "" {
		login += "\x00" + v.config.Sources[login]
	}
	return sourceName("out", login, session)
}

// rename links a session that is built anew to the session that its source
// tells by now, before the session says so: no session lives that the source
// cannot name. What it was called before stays good, for either may end.
func (l *links) rename(ctx context.Context, s *sessionstore.Session, source string) error {
	if source == "" || source == s.SourceSession || !l.config.hasSource(s.Method) {
		return nil
	}
	return l.config.Store.Link(ctx, sourceName("sid", s.Method, source), s.Key, s.ExpiresAt.Sub(l.config.Now()))
}

// renamed forgets that a session had none of its source, if it has one by now.
// It reports whether the session must end: its source has ended that one while
// it was renamed, or it cannot be told.
func (l *links) renamed(ctx context.Context, before, s *sessionstore.Session) (end bool, err error) {
	if s.SourceSession == before.SourceSession || !l.config.hasSource(s.Method) {
		return false, nil
	}
	if out, err := l.signedOut(ctx, s); out || err != nil {
		return true, err
	}
	if before.SourceSession == "" {
		err = l.config.Store.Unlink(ctx, sourceName("lone", s.Method, before.Subject), s.Key)
	}
	return false, err
}

// forget drops the names of sessions that have ended: nobody need find them
// any more. They have ended whether that succeeds or not, and what is left of
// their names ends when they would have.
func (l *links) forget(ctx context.Context, ended ...*sessionstore.Session) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlinkTime)
	defer cancel()
	named := make(map[string][]sessionstore.Key)
	for _, s := range ended {
		for _, name := range l.left(s) {
			named[name] = append(named[name], s.Key)
		}
	}
	for name, keys := range named {
		if l.config.Store.Unlink(ctx, name, keys...) != nil {
			return
		}
	}
}
