package redis

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

// Defaults of Options.
const (
	DefaultKeyPrefix = "sidegate:"
	DefaultTimeout   = 500 * time.Millisecond
	// DefaultWaitTimeout is for replicas in the same data centre, which
	// confirm within milliseconds.
	DefaultWaitTimeout = 250 * time.Millisecond
)

// Options of a Store; the zero value is good.
type Options struct {
	// KeyPrefix begins every key, so that several gateways can share a server.
	// It must hold no braces, which would move the keys to another slot of
	// Redis Cluster. Empty means DefaultKeyPrefix.
	KeyPrefix string
	// Timeout bounds every operation as a whole, waiting for a connection
	// included, even when its context has no deadline. 0 means DefaultTimeout.
	Timeout time.Duration
	// WaitReplicas is how many replicas must have confirmed a revocation or a
	// new number, else it is reported as "cannot tell": one that only the
	// primary knows of is lost with it, and the session rises again or the
	// number becomes somebody else's. 0, the default, waits for none. Creating
	// and updating never wait.
	WaitReplicas int
	// WaitTimeout bounds that wait, on top of Timeout; for a number there are
	// two. 0 means
	// DefaultWaitTimeout.
	WaitTimeout time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Store keeps sessions in Redis. It is safe for concurrent use.
type Store struct {
	client  goredis.UniversalClient
	sealer  *sessionstore.Sealer
	prefix  string
	timeout time.Duration
	wait    confirmation
	now     func() time.Time
}

var _ sessionstore.Store = (*Store)(nil)

// New returns a store on a client, which should be one that Open has made and
// which remains the caller's to close. Nothing is sent until the store is used.
func New(client goredis.UniversalClient, sealer *sessionstore.Sealer, opts Options) *Store {
	st := &Store{client: client, sealer: sealer, prefix: opts.KeyPrefix, timeout: opts.Timeout, now: opts.Now}
	if st.prefix == "" {
		st.prefix = DefaultKeyPrefix
	}
	if st.timeout <= 0 {
		st.timeout = DefaultTimeout
	}
	if opts.WaitReplicas > 0 {
		st.wait = confirmation{replicas: opts.WaitReplicas, within: opts.WaitTimeout}
		if st.wait.within <= 0 {
			st.wait.within = DefaultWaitTimeout
		}
	}
	if st.now == nil {
		st.now = time.Now
	}
	return st
}

// Get returns the session of that key: see sessionstore.Store. An idle session
// ends when Redis drops it, by Redis' clock alone, since a gateway whose clock
// is wrong must sign nobody out by that.
func (st *Store) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	s, err := st.read(ctx, key)
	return s, failed("asking redis for a session", err)
}

// read gets a session and opens it.
func (st *Store) read(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	record, err := st.fetch(ctx, st.sessionKey(key))
	// It must be this very value: a sentinel that knows no such primary answers
	// with it too, and that comes wrapped.
	if err == goredis.Nil { //nolint:errorlint // see above
		return nil, st.confirmNone(ctx, key)
	}
	if err != nil {
		return nil, err
	}
	return st.open(key, record)
}

// errNotNone is what a look-up answers that was in two minds.
var errNotNone = errors.New("redis answered that there is no session, and then that there is: ask again, and see whether a failover is under way")

// confirmNone makes sure that there is no such session, by a write that changes
// nothing. Only a primary takes it: a server that was replaced while we were
// connected may not know of sessions that were created since, and so must not
// say that there are none.
func (st *Store) confirmNone(ctx context.Context, key sessionstore.Key) error {
	err := st.client.ZRem(ctx, st.sessionKey(key), "").Err()
	switch {
	case err == nil:
		return sessionstore.ErrNotFound
	case goredis.HasErrorPrefix(err, "WRONGTYPE"):
		return errNotNone
	}
	return err
}

// open opens a record. A session past its absolute end is gone even if
// somebody took the time to live off its key.
func (st *Store) open(key sessionstore.Key, record []byte) (*sessionstore.Session, error) {
	s, err := st.sealer.Open(key, record)
	if err != nil {
		return nil, err
	}
	if !st.now().Before(s.ExpiresAt) {
		return nil, sessionstore.ErrNotFound
	}
	return s, nil
}

// fetch reads a value, for a second time when the first connection turned out
// to be broken: after a restart of Redis the pool may still hold such ones.
// Only reads are repeated; a write that was sent may have been done.
func (st *Store) fetch(ctx context.Context, key string) ([]byte, error) {
	value, err := st.client.Get(ctx, key).Bytes()
	if broken(err) && ctx.Err() == nil {
		value, err = st.client.Get(ctx, key).Bytes()
	}
	return value, err
}

// broken reports whether a connection broke while it was in use. A time-out is
// no broken connection, and asking again would only double it; nor is a server
// that takes no connections.
func broken(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op != "dial" && !op.Timeout()
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// bound puts the store's own time-out on a context.
func (st *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, st.timeout)
}
