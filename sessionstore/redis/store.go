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
	// included, even when its context has no deadline; where it reads or ends many
	// sessions in pages, each page of them. 0 means DefaultTimeout.
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
	// lookups is how look-ups reach the server.
	lookups *lookups
}

var (
	_ sessionstore.Store   = (*Store)(nil)
	_ sessionstore.Browser = (*Store)(nil)
)

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
	st.lookups = newLookups(st.timeout)
	return st
}

// Get returns the session of that key: see sessionstore.Store. An idle session
// ends by Redis' clock alone, since a gateway whose clock is wrong must sign
// nobody out by that.
func (st *Store) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	s, err := st.read(ctx, key)
	return s, st.failed("asking redis for a session", err)
}

// read gets a session and opens it. Of a guess it asks first whether there is
// anything.
func (st *Store) read(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	q := question{key: st.sessionKey(key), guess: sessionstore.IsGuess(ctx)}
	if q.guess {
		switch err := st.ask(ctx, q).err; {
		case err == goredis.Nil: //nolint:errorlint // see below
			return nil, sessionstore.ErrNotFound
		case err != nil:
			return nil, err
		}
		q.guess = false
	}
	found := st.ask(ctx, q)
	record, kept, err := found.record, found.kept, found.err
	// It must be this very value: a sentinel that knows no such primary answers
	// with it too, and that comes wrapped.
	if err == goredis.Nil { //nolint:errorlint // see above
		return nil, st.confirmNone(ctx, key)
	}
	if err != nil {
		return nil, err
	}
	s, err := st.open(key, record)
	if err != nil || s.IdleTimeout <= 0 || kept > sessionstore.Grace || kept < 0 {
		return s, err
	}
	// Kept for no longer than sessions that have ended idle: it may be one.
	if err := st.confirmLive(ctx, s); err != nil {
		return nil, err
	}
	return s, nil
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

// fetch reads a value.
func (st *Store) fetch(ctx context.Context, key string) (value []byte, err error) {
	err = twice(ctx, func() error {
		value, err = st.client.Get(ctx, key).Bytes()
		return err
	})
	return value, err
}

// ask asks for a session, again when the connection turned out to be broken.
func (st *Store) ask(ctx context.Context, q question) (a answer) {
	_ = twice(ctx, func() error {
		switch client := st.client.(type) {
		case *goredis.Client:
			a = st.lookups.ask(ctx, client, q)
		case *goredis.ClusterClient:
			a = st.askNode(ctx, client, q)
		default:
			a = st.runGet(ctx, q)
		}
		return a.err
	})
	return a
}

// askNode asks the node of a cluster that has the slot. Where it refuses, such as
// when it has the slot no more, the client of the cluster knows whom to ask.
func (st *Store) askNode(ctx context.Context, cluster *goredis.ClusterClient, q question) answer {
	node, err := cluster.MasterForKey(ctx, q.key)
	a := answer{err: err}
	if err == nil {
		a = st.lookups.ask(ctx, node, q)
	}
	switch a.err = shown(a.err); {
	case a.err == nil || a.err == goredis.Nil: //nolint:errorlint // see read
	case alive(a.err), errors.Is(a.err, goredis.ErrClosed):
		return st.runGet(ctx, q)
	case !errors.Is(a.err, context.Canceled):
		cluster.ReloadState(ctx) // as reveal does
	}
	return a
}

// runGet asks by a script, for a cluster of whose nodes one sends a command on to
// another: a script goes as a whole.
func (st *Store) runGet(ctx context.Context, q question) answer {
	said, err := getScript.Run(ctx, st.client, []string{q.key}).Slice()
	if err != nil {
		return answer{err: err}
	}
	if len(said) == 2 {
		value, isText := said[0].(string)
		millis, isNumber := said[1].(int64)
		if isText && isNumber {
			return answer{record: []byte(value), kept: time.Duration(millis) * time.Millisecond}
		}
	}
	return answer{err: errors.New("redis did not answer with a session and its time to live")}
}

// twice reads for a second time when the first connection turned out to be
// broken: after a restart of Redis the pool may still hold such ones. Only reads
// are repeated; a write that was sent may have been done.
func twice(ctx context.Context, read func() error) error {
	err := read()
	if broken(err) && ctx.Err() == nil {
		err = read()
	}
	return err
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
