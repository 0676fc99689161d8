package lifecycle

import (
	"context"
	"slices"
	"time"

	"example.com/sidegate/sessionstore"
)

// End revokes a session, and has what is kept for it elsewhere go. One that is
// gone already is no error.
func (l *Sessions) End(ctx context.Context, key sessionstore.Key) error {
	was, err := l.Store.Revoke(ctx, key)
	if err != nil {
		return err
	}
	l.Ended(key)
	if was != nil {
		l.unlink(ctx, was)
	}
	return nil
}

// EndAll is End for each of the keys; it stops at the first that could not be
// ended.
func (l *Sessions) EndAll(ctx context.Context, keys []sessionstore.Key) error {
	for _, key := range keys {
		if err := l.End(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// unlinkTime bounds how long somebody who has signed out waits for names to be
// forgotten.
const unlinkTime = 2 * time.Second

// EndOthers ends all sessions of the session's person but that one.
func (l *Sessions) EndOthers(ctx context.Context, s *sessionstore.Session) error {
	// Only what can be read has names to be forgotten. What cannot, and what
	// begins meanwhile, ends all the same; then its names end by themselves.
	known, _ := l.Store.List(ctx, s.User.ID)
	if _, err := l.Store.RevokeUser(ctx, s.User.ID, s.Key); err != nil {
		return err
	}
	known = slices.DeleteFunc(known, func(other *sessionstore.Session) bool { return other.Key == s.Key })
	for _, other := range known {
		l.Ended(other.Key)
	}
	l.unlink(ctx, known...)
	return nil
}

// unlink forgets the names of sessions that have ended: nobody need find them
// any more. They have ended whether that succeeds or not, and what is left of
// their names ends when they would have.
func (l *Sessions) unlink(ctx context.Context, ended ...*sessionstore.Session) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlinkTime)
	defer cancel()
	named := make(map[string][]sessionstore.Key)
	for _, s := range ended {
		for _, name := range l.namesLeft(s) {
			named[name] = append(named[name], s.Key)
		}
	}
	for name, keys := range named {
		if l.Store.Unlink(ctx, name, keys...) != nil {
			return
		}
	}
}

// Of returns the live sessions of a person, the newest first. With a
// *sessionstore.UnreadableError come those that can be read.
func (l *Sessions) Of(ctx context.Context, userID int64) ([]*sessionstore.Session, error) {
	return l.Store.List(ctx, userID)
}

// Find returns the key of one of the person's sessions by its id, which is no
// credential. false: they have none of that id. One that cannot be read is
// found as well, to be ended.
func (l *Sessions) Find(ctx context.Context, own *sessionstore.Session, id string) (sessionstore.Key, bool, error) {
	if id == own.Key.ID() {
		return own.Key, true, nil
	}
	sessions, err := l.Store.List(ctx, own.User.ID)
	keys, listed := sessionstore.Unreadable(err)
	if err != nil && !listed {
		return sessionstore.Key{}, false, err
	}
	for _, s := range sessions {
		keys = append(keys, s.Key)
	}
	i := slices.IndexFunc(keys, func(key sessionstore.Key) bool { return key.ID() == id })
	if i < 0 {
		return sessionstore.Key{}, false, nil
	}
	return keys[i], true, nil
}
