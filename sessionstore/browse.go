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

	// WalkAll is WalkUser for the sessions of everybody.
	WalkAll(ctx context.Context, page func([]Found) error) error

	// FindID returns the session of that public name (Key.ID) that the walks would
	// hand out, and false when there is none. It looks at the name of every session,
	// and opens that one.
	FindID(ctx context.Context, id string) (Found, bool, error)

	// Count is how many sessions are live.
	Count(ctx context.Context) (int, error)

	// RevokeKeys ends those sessions, also those that cannot be read, and reports
	// how many had not ended before. Those that had ended idle do not count, and come
	// back no more; one that cannot be read counts, where only its content could say
	// that it had. With an error come those that have ended by then. Of no keys it
	// has all that was ended before confirmed, by a store that waits for replicas.
	RevokeKeys(ctx context.Context, keys ...Key) (int, error)
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
}
