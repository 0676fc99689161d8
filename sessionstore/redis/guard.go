package redis

import (
	"context"
	"errors"
	"net"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// guard puts a breaker before one server.
type guard struct {
	breaker breaker
	// encrypted says that TLS is spoken to it.
	encrypted bool
	// ofCluster hides what went wrong from the client of the cluster, which
	// would send a command again whose connection broke or timed out, although
	// it may have been done.
	ofCluster bool
}

func newGuard(opts *goredis.Options, ofCluster bool) *guard {
	return &guard{breaker: breaker{now: time.Now}, encrypted: opts.TLSConfig != nil, ofCluster: ofCluster}
}

// hidden is an error that go-redis must not know again.
type hidden struct{ cause error }

// Error implements error.
func (h *hidden) Error() string { return h.cause.Error() }

// DialHook implements goredis.Hook. It tells a handshake that was not answered
// from a server that cannot be reached: a Redis without TLS takes the first
// message for half a command, and waits for the rest.
func (g *guard) DialHook(next goredis.DialHook) goredis.DialHook {
	if !g.encrypted {
		return next
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		var op *net.OpError
		if timedOut(err) && (!errors.As(err, &op) || op.Op != "dial") {
			err = &unshaken{err}
		}
		return conn, err
	}
}

// unshaken is a TLS handshake that was not answered in time.
type unshaken struct{ cause error }

// Error implements error.
func (u *unshaken) Error() string { return "no answer to the TLS handshake: " + u.cause.Error() }

// Unwrap returns the time-out.
func (u *unshaken) Unwrap() error { return u.cause }

// ProcessHook implements goredis.Hook.
func (g *guard) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		if greeting(cmd) {
			return next(ctx, cmd)
		}
		return g.pass(func() error { return next(ctx, cmd) })
	}
}

// ProcessPipelineHook implements goredis.Hook. Beside greetings a server is sent
// look-ups (see lookups), and a node of a cluster ASKING with the command that is
// asked. A batch of look-ups fails or is answered as one operation.
func (g *guard) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		if len(cmds) == 0 || greeting(cmds[0]) {
			return next(ctx, cmds)
		}
		return g.pass(func() error { return next(ctx, cmds) })
	}
}

func (g *guard) pass(send func() error) error {
	err := g.breaker.allow()
	if err == nil {
		err = send()
		g.breaker.settle(err)
	}
	if g.ofCluster && !alive(err) {
		return &hidden{err}
	}
	return err
}

// greeting reports whether go-redis sends a command by itself on a connection
// that is new. It does so within the operation that needs the connection,
// which has passed the breaker already.
func greeting(cmd goredis.Cmder) bool {
	switch cmd.Name() {
	case "hello", "auth", "select", "client", "readonly":
		return true
	}
	return false
}

// reveal shows the caller of a cluster what guard has hidden. A node that
// cannot be reached may have been replaced, which a client of go-redis would
// find out after a minute: it is told to look now.
type reveal struct{ reload func() }

// DialHook implements goredis.Hook.
func (*reveal) DialHook(next goredis.DialHook) goredis.DialHook { return next }

// ProcessPipelineHook implements goredis.Hook. None is sent to a cluster.
func (*reveal) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

// ProcessHook implements goredis.Hook.
func (r *reveal) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		err := next(ctx, cmd)
		if !alive(err) {
			r.reload()
		}
		return shown(err)
	}
}

// shown is the error that guard has hidden, or err itself.
func shown(err error) error {
	var h *hidden
	if errors.As(err, &h) {
		return h.cause
	}
	return err
}
