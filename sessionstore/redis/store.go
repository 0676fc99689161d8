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
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Store keeps sessions in Redis. It is safe for concurrent use.
type Store struct {
	client  goredis.UniversalClient
	sealer  *sessionstore.Sealer
	prefix  string
	timeout time.Duration
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
	if st.now == nil {
		st.now = time.Now
	}
	return st
}

// Ping asks whether Redis answers and lets us in.
func (st *Store) Ping(ctx context.Context) error {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	return failed("asking redis whether it is there", st.client.Ping(ctx).Err())
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
	if errors.Is(err, goredis.Nil) {
		return nil, sessionstore.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return st.open(key, record)
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
