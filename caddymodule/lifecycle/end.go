package lifecycle

import (
	"context"
	"slices"

	"example.com/sidegate/sessionstore"
)

// End revokes a session, and has what is kept for it elsewhere go. One that is
// gone already is no error.
func (l *Sessions) End(ctx context.Context, key sessionstore.Key) error {
	if err := l.Store.Revoke(ctx, key); err != nil {
		return err
	}
	l.Ended(key)
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

// EndOthers ends all sessions of the session's person but that one.
func (l *Sessions) EndOthers(ctx context.Context, s *sessionstore.Session) error {
	_, err := l.Store.RevokeUser(ctx, s.User.ID, s.Key)
	return err
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
