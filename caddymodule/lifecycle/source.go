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
	// SessionID is what the source calls its session, and Subject the person.
	// Without a SessionID all sessions of the person are meant; with both, those
	// of that session and those of the person of which the source has told no
	// session of its own.
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
	ended, known, err := l.endNamed(ctx, out)
	if err == nil {
		err = l.Store.Link(ctx, used, someKey, max(out.Expires.Sub(l.Now()), 0)+logoutLeeway)
	}
	if err != nil {
		return err
	}
	told := Event{Kind: EndedAtSource, Login: out.Login, Count: ended}
	if ended == 0 && known {
		told.Kind = NoneEndedAtSource
	}
	l.Events.Happened(told)
	return nil
}

// endNamed ends the sessions that are meant and reports how many those were,
// and whether the person has any by now, of whatever session of the source. A
// sign-in of the source's session may be under way and have no name yet, so
// that it ended is written down first.
func (l *Sessions) endNamed(ctx context.Context, out SignOut) (ended int, known bool, err error) {
	if out.SessionID == "" {
		ended, err = l.endLinked(ctx, sourceName("sub", out.Login, out.Subject))
		return ended, ended > 0, err
	}
	if err = l.Store.Link(ctx, sourceName("out", out.Login, out.SessionID), someKey, signInTime); err != nil {
		return 0, false, err
	}
	names := []string{sourceName("sid", out.Login, out.SessionID)}
	if out.Subject != "" {
		names = append(names, sourceName("lone", out.Login, out.Subject))
	}
	for _, name := range names {
		n, err := l.endLinked(ctx, name)
		if ended += n; err != nil {
			return ended, false, err
		}
	}
	if out.Subject == "" {
		return ended, false, nil
	}
	of, err := l.endUnnamed(ctx, out)
	return ended + of.ended, of.left > 0, err
}

// ofPerson is what became of the sessions that a person has.
type ofPerson struct{ ended, left int }

// endUnnamed ends sessions of the person that have no session of the source and
// were begun before they were linked as such. One that cannot be opened ends
// too: nobody can tell that it has another one.
func (l *Sessions) endUnnamed(ctx context.Context, out SignOut) (of ofPerson, err error) {
	name := sourceName("sub", out.Login, out.Subject)
	keys, err := l.Store.Linked(ctx, name)
	if err != nil {
		return of, err
	}
	for _, key := range keys {
		s, err := l.Backing.Get(ctx, key)
		switch {
		case errors.Is(err, sessionstore.ErrNotFound):
			continue // gone, or just being made: then it has the names that it needs
		case err == nil && s.SourceSession != "":
			of.left++
			continue
		case err != nil && !sessionstore.IsUnreadable(err):
			return of, err
		}
		if err := l.End(ctx, key); err != nil {
			return of, err
		}
		of.ended++
	}
	return of, nil
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
	return namesOf(s)
}

// namesLeft are the names that a session may have been given, here or where its
// login has a source.
func (l *Sessions) namesLeft(s *sessionstore.Session) []string {
	if !l.hasSource(s.Method) && l.hasLogin(s.Method) {
		return nil
	}
	return namesOf(s)
}

func namesOf(s *sessionstore.Session) []string {
	names := []string{sourceName("sub", s.Method, s.Subject)}
	if s.SourceSession != "" {
		return append(names, sourceName("sid", s.Method, s.SourceSession))
	}
	return append(names, sourceName("lone", s.Method, s.Subject))
}

// rename links a session that is built anew to the session that its source
// tells by now, before the session says so: no session lives that the source
// cannot name. What it was called before stays good, for either may end.
func (l *Sessions) rename(ctx context.Context, s *sessionstore.Session, source string) error {
	if source == "" || source == s.SourceSession || !l.hasSource(s.Method) {
		return nil
	}
	return l.Store.Link(ctx, sourceName("sid", s.Method, source), s.Key, s.ExpiresAt.Sub(l.Now()))
}

// renamed ends a session whose source has ended its own while it was renamed,
// and forgets that it had none.
func (l *Sessions) renamed(ctx context.Context, before, s *sessionstore.Session) error {
	if s.SourceSession == before.SourceSession || !l.hasSource(s.Method) {
		return nil
	}
	if out, err := l.signedOutAtSource(ctx, s); out || err != nil {
		return errors.Join(err, l.endRebuilt(ctx, s))
	}
	if before.SourceSession == "" {
		return l.Store.Unlink(ctx, sourceName("lone", s.Method, before.Subject), s.Key)
	}
	return nil
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
