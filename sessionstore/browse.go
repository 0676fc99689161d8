package sessionstore

import "context"

// Browser is a Store that operators look through. It works in pages, between
// which everybody else has the store to themselves: how many sessions there are
// makes it longer, and nobody wait longer. Its methods honour the deadline of
// their context, and have none of their own for the whole of their work.
type Browser interface {
	// WalkUser hands out all of the person's sessions that the store still keeps, in
	// no order: those that live, and those that have ended idle (Found.Ended), since
	// activity that is written late has such a one live again. One whose whole life is
	// over is left out. Those that begin or end meanwhile may be among them or not;
	// one that is kept all the while comes at least once. It stops at the first error
	// of page, and returns that.
	WalkUser(ctx context.Context, userID int64, page func([]Found) error) error

	// WalkAll is WalkUser for the sessions of everybody. Where a part of them may have
	// been passed over it is an error that is ErrPart: see Reaching.
	WalkAll(ctx context.Context, page func([]Found) error) error

	// FindID returns the session of that public name (Key.ID) that the walks would
	// hand out, and false when there is none. It looks at the name of every session,
	// and opens that one. One that is found is certain, whatever cannot be reached.
	FindID(ctx context.Context, id string) (Found, bool, error)

	// Count is how many sessions are live.
	Count(ctx context.Context) (int, error)

	// RevokeFound ends those sessions, also those that cannot be read, and reports how
	// many it ended that were not found Ended. Those that had ended idle do not count,
	// and come back no more. It goes on where some of them cannot be ended: with an error
	// come those that have ended all the same. Of none it has all that was ended before
	// confirmed, by a store that waits for replicas.
	RevokeFound(ctx context.Context, found ...Found) (int, error)
}

// Found is a session that a Browser came across.
type Found struct {
	Key Key
	// Session is nil when it cannot be read, and Err then says why.
	Session *Session
	Err     error
	// Ended says that it has ended idle, as far as the store knows, and is kept for
	// activity that is written late (Grace). One that cannot be read, and may live,
	// has not.
	Ended bool
	// UserID is whose it is where the store knows that of one that cannot be read, by
	// where it came across it; else 0.
	UserID int64
}

// KeysOf are the keys of what was found.
func KeysOf(found []Found) []Key {
	keys := make([]Key, len(found))
	for i, f := range found {
		keys[i] = f.Key
	}
	return keys
}

type reachingKey struct{}

// Reaching returns a context in which Browser.WalkAll goes on where some sessions cannot
// be reached, and answers why when it has handed out all others: for who ends them, as
// those that are there need not live on for the sake of the others. Who lists or counts
// must not take a part for the whole.
func Reaching(ctx context.Context) context.Context {
	return context.WithValue(ctx, reachingKey{}, true)
}

// IsReaching reports whether the context is one of Reaching.
func IsReaching(ctx context.Context) bool { return ctx.Value(reachingKey{}) != nil }
