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
	before, err := l.config.Store.Linked(ctx, used)
	if err != nil {
		return err
	}
	if len(before) > 0 {
		return ErrReplayed
	}
	ended, known, err := (&ending{l.config, l.ender, out}).endNamed(ctx)
	if err == nil {
		err = l.config.Store.Link(ctx, used, someKey, max(out.Expires.Sub(l.config.Now()), 0)+logoutLeeway)
	}
	if err != nil {
		return err
	}
	told := Event{Kind: EndedAtSource, Login: out.Login, Count: ended}
	if ended == 0 && known {
		told.Kind = NoneEndedAtSource
	}
	l.config.Events.Happened(told)
	return nil
}

// ending is the work for one message.
type ending struct {
	config *Config
	ender  *ender
	SignOut
}

// endNamed ends the sessions that are meant and reports how many those were,
// and whether the person has any by now, of whatever session of the source. A
// sign-in of the source's session may be under way and have no name yet, so
// that it ended is written down first.
func (o *ending) endNamed(ctx context.Context) (ended int, known bool, err error) {
	if o.SessionID == "" {
		ended, err = o.endLinked(ctx, sourceName("sub", o.Login, o.Subject))
		return ended, ended > 0, err
	}
	if err = o.config.Store.Link(ctx, o.config.Vouching.outName(o.Login, o.SessionID), someKey, signInTime); err != nil {
		return 0, false, err
	}
	names := []string{sourceName("sid", o.Login, o.SessionID)}
	if o.Subject != "" {
		names = append(names, sourceName("lone", o.Login, o.Subject))
	}
	for _, name := range names {
		n, err := o.endLinked(ctx, name)
		if ended += n; err != nil {
			return ended, false, err
		}
	}
	if o.Subject == "" {
		return ended, false, nil
	}
	of, err := o.endUnnamed(ctx)
	return ended + of.ended, of.left > 0, err
}

// ofPerson is what became of the sessions that a person has.
type ofPerson struct{ ended, left int }

// endUnnamed ends sessions of the person that have no session of the source and
// were begun before they were linked as such. One that cannot be opened ends
// too: nobody can tell that it has another one.
func (o *ending) endUnnamed(ctx context.Context) (of ofPerson, err error) {
	name := sourceName("sub", o.Login, o.Subject)
	keys, err := o.config.Store.Linked(ctx, name)
	if err != nil {
		return of, err
	}
	for _, key := range keys {
		s, err := o.config.Backing.Get(ctx, key)
		switch {
		case errors.Is(err, sessionstore.ErrNotFound):
			continue // gone, or just being made: then it has the names that it needs
		case err == nil && o.config.Vouching.isOfOther(s):
			continue
		case err == nil && s.SourceSession != "":
			of.left++
			continue
		case err != nil && !sessionstore.IsUnreadable(err):
			return of, err
		}
		how := parting{why: EndAtSource, login: o.Login, unreadable: err != nil}
		if err := o.ender.end(ctx, key, how); err != nil {
			return of, err
		}
		of.ended++
	}
	return of, nil
}

// endLinked ends the sessions of that name. It ends them twice: one that was
// being made meanwhile either finds its link gone, and ends itself, or is there
// for the second time (see beginning.create).
func (o *ending) endLinked(ctx context.Context, name string) (int, error) {
	keys, unreadable, err := o.linked(ctx, name)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	for _, key := range keys {
		how := parting{why: EndAtSource, login: o.Login, unreadable: unreadable[key]}
		if err := o.ender.end(ctx, key, how); err != nil {
			return 0, err
		}
	}
	if err := o.config.Store.Unlink(ctx, name, keys...); err != nil {
		return 0, err
	}
	if err := o.ender.endAll(ctx, keys, parting{why: EndAtSource}); err != nil {
		for _, key := range keys { // to be found again
			err = errors.Join(err, o.config.Store.Link(ctx, name, key, o.config.Lifetime))
		}
		return 0, err
	}
	return len(keys), nil
}

// linked are the sessions of that name, but for those that began at another
// source: a login that asks somebody else by now may call others by that name. It says
// which of them cannot be read.
func (o *ending) linked(ctx context.Context, name string) (keys []sessionstore.Key, unreadable map[sessionstore.Key]bool, err error) {
	all, err := o.config.Store.Linked(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	unreadable = make(map[sessionstore.Key]bool)
	for _, key := range all {
		s, err := o.config.Backing.Get(ctx, key)
		switch {
		case err == nil && o.config.Vouching.isOfOther(s):
			continue
		case err != nil && !errors.Is(err, sessionstore.ErrNotFound) && !sessionstore.IsUnreadable(err):
			return nil, nil, err
		}
		unreadable[key] = sessionstore.IsUnreadable(err)
		keys = append(keys, key)
	}
	return keys, unreadable, nil
}
