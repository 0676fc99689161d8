package sessionstore

import (
	"context"
	"errors"
	"time"
)

// The definite answers of a Store. Any other error means "cannot tell": the
// store was not reached, or what it holds cannot be read. Cannot tell is never
// taken for "no session" and never signs anybody out.
var (
	// ErrNotFound says for certain that there is no such session: it never
	// was, has expired, or was revoked.
	ErrNotFound = errors.New("no such session")
	// ErrNotHere says that a session is not good here, and may be at another
	// gateway of the store: nobody is served by it, and it is not ended. No store
	// answers so; a gateway's configuration does.
	ErrNotHere = errors.New("the session is not good at this gateway")
	// ErrConflict says that the session was written by somebody else since it
	// was read: read it again and decide anew.
	ErrConflict = errors.New("session was changed in the meantime")
	// ErrTooMany says that the person has as many sessions as they may have,
	// so that there is no new one.
	ErrTooMany = errors.New("the person has as many sessions as they may have")

	// ErrUnconfirmed says that it has been done as far as the store goes by itself, and
	// that fewer of its replicas have confirmed it than must: a failover may undo it. It
	// is no definite answer; to ask again asks them again.
	ErrUnconfirmed = errors.New("so that a failover may undo it")

	// ErrPart says that some sessions may have been passed over of those that were to be
	// looked through: what was handed out is there, and may not be all there is.
	ErrPart = errors.New("some sessions may have been passed over")
)

// Store keeps sessions. Its methods may be called concurrently, honour the
// deadline of their context, and never hand out an expired session.
type Store interface {
	// Get returns the session of that key. The error is ErrNotFound when
	// there is none; any other error means "cannot tell".
	Get(ctx context.Context, key Key) (*Session, error)

	// Create keeps a new session, with Version 1, within the limit: in one step
	// it ends those that are too many and returns them, or it answers
	// ErrTooMany and changes nothing. With another error, too, come those that
	// have ended.
	Create(ctx context.Context, s *Session, limit Limit) ([]Ended, error)

	// Update replaces the session of s.Key if the store still holds it at
	// s.Version, and returns what it now holds. It answers ErrNotFound when
	// the session is gone (a write never brings a revoked session back) and
	// ErrConflict when its version has moved. Life and activity (CreatedAt,
	// ExpiresAt, IdleTimeout, LastSeenAt) and the person (User.ID) stay as
	// they are.
	Update(ctx context.Context, s *Session) (*Session, error)

	// Touch notes that the person was active, which puts the idle timeout
	// off. It leaves the version alone, never moves LastSeenAt back, and
	// answers ErrNotFound when the session is gone. It may come late: somebody
	// who was seen before the idle end stays, as long as the store still holds
	// their session, which it does for Grace.
	Touch(ctx context.Context, s *Session, seen time.Time) error

	// Beat proves that the store can be written. Each gateway calls it every
	// BeatEvery; once there was a beat, the time without any does not count as
	// idleness of any session: see Outages.
	Beat(ctx context.Context) error

	// Revoke ends the session, and returns what it was: nil when it cannot be
	// read, or when it is already gone, which is no error. Of those who end one at
	// the same time, one alone is told what it was. With an error it may have ended
	// all the same.
	Revoke(ctx context.Context, key Key) (*Session, error)

	// List returns the person's live sessions, the newest first. One that
	// cannot be read hides none of the others: with an *UnreadableError, which
	// names those, come all that can be read. With any other error comes none.
	// Many are read in pages: those that begin or end meanwhile may be on it.
	List(ctx context.Context, userID int64) ([]*Session, error)

	// RevokeUser ends all sessions of the person but those excepted, also those
	// that cannot be read, and reports how many it ended. Many end in pages, between
	// which others have the store: one that begins meanwhile may stay. With an error
	// comes how many have ended by then; to ask again ends the rest.
	RevokeUser(ctx context.Context, userID int64, except ...Key) (int, error)

	Attempts
	Leases
	Links
	Numbers
	Owners
}

// Attempts counts sign-in attempts in the store, so that a limit holds across
// all gateways that share it. Counting is exact under concurrency.
type Attempts interface {
	// Take counts one attempt in the bucket, whose window begins with its
	// first attempt. When the bucket already holds limit attempts nothing is
	// counted, and Wait says when its window ends.
	Take(ctx context.Context, bucket string, limit int, window time.Duration) (Taken, error)

	// Return takes one attempt back out of the bucket: it did not fail after all.
	Return(ctx context.Context, bucket string) error

	// Forget empties the bucket.
	Forget(ctx context.Context, bucket string) error
}

// Taken is what Attempts.Take answers.
type Taken struct {
	// Count is how many attempts the bucket now holds.
	Count int
	// Wait is zero when the attempt was counted; else how long until the
	// bucket's window ends.
	Wait time.Duration
}

// Leases let one of many gateways do what must be done once. A lease is no
// guard by itself: its holder may be stopped while it runs out. What is written
// under a lease is therefore a Store.Update, which its version fences.
type Leases interface {
	// Hold takes the lease of that name for so long, or prolongs it for the
	// holder that has it; it never cuts it short. It reports false when another
	// has it. Lives are kept to the millisecond, and are one at least.
	Hold(ctx context.Context, name, holder string, life time.Duration) (bool, error)

	// Release gives the lease back, if that holder still has it.
	Release(ctx context.Context, name, holder string) error
}

// Links find sessions by what somebody else calls them, such as the sid and
// the sub of an OpenID provider.
type Links interface {
	// Link notes that the session may be asked for by that name, for so long
	// at least. The session need not exist yet. To link it again prolongs the
	// link and never cuts it short.
	Link(ctx context.Context, name string, key Key, life time.Duration) error

	// Linked returns the sessions that were linked to the name and have not
	// outlived their links, each once and in no order. Some may have ended.
	Linked(ctx context.Context, name string) ([]Key, error)

	// IsLinked reports whether Linked would return the session, which may have
	// ended. It costs the same however many others are linked to the name.
	IsLinked(ctx context.Context, name string, key Key) (bool, error)

	// Unlink forgets the links of that name to those sessions.
	Unlink(ctx context.Context, name string, keys ...Key) error
}

// MaxNumber is the last number that Numbers gives, and with it the largest id
// that a person can have, wherever it comes from: 2^53-1, the largest integer
// that JavaScript reads exactly.
const MaxNumber = 1<<53 - 1

// Numbers hands out numbers to those who have none. Some may be left out: the
// highest says little of how many there are.
type Numbers interface {
	// Number returns the number of that name: the same one each time, to every
	// gateway and for good, and never that of another name. It lies between 1
	// and MaxNumber.
	Number(ctx context.Context, name string) (int64, error)

	// Numbered reports whether that number was given to anybody. One that was
	// left out may count as given.
	Numbered(ctx context.Context, n int64) (bool, error)
}

// Sweeper is a Store that does not drop expired sessions by itself.
type Sweeper interface {
	// Sweep removes what has expired, indexes and attempts included, and
	// reports how many sessions went.
	Sweep(ctx context.Context) (int, error)
}
