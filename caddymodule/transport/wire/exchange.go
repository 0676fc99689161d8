package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync"
	"time"
)

// exchange is one request and its answer over one connection. It is the body of
// the answer, too, where there is one.
type exchange struct {
	t      *Transport
	c      *conn
	req    *http.Request
	trace  *httptrace.ClientTrace
	ctx    context.Context
	calm   func() bool // ends that the connection dies with the request
	up     *upload     // who writes, unless the caller has done so
	lasts  bool        // whether the connection may have another exchange
	answer io.ReadCloser

	limit  sync.Mutex // of headed and its deadline
	headed bool       // the header of the answer is there

	mu     sync.Mutex
	closed bool  // by who reads the body
	over   bool  // the connection is somebody else's, or dead
	err    error // of the last read
}

// errUnasked is of a connection that the app has closed, or spoken on, while
// the body of the request was waited for.
var errUnasked = errors.New("the app has closed the connection, or spoken unasked, before the request")

// exchange sends the request and reads the header of the answer.
func (t *Transport) exchange(ctx context.Context, c *conn, s *sending) (*http.Response, error) {
	if t.Begins != nil && !s.whole && outgoingLength(s.req) != 0 {
		t.Begins(s.req)
	}
	s.begun = true
	if err := s.readSmall(); err != nil {
		if !t.keep(c) {
			c.kill()
		}
		return nil, err
	}
	if s.whole && !s.looked { // reading it may have taken long
		s.looked = true
		if (c.used || c.look.sees()) && !c.quiet() {
			c.kill()
			return nil, &failure{err: errUnasked, unsent: true}
		}
	}
	x := &exchange{t: t, c: c, req: s.req, trace: s.trace, ctx: ctx}
	if ctx.Done() != nil {
		x.calm = context.AfterFunc(ctx, c.die)
	}
	c.sent, c.failed, c.left = 0, nil, orDefault(t.MaxHeader, 10<<20)
	if err := x.send(s); err != nil {
		return nil, x.fail(err, c.failed == nil)
	}
	return x.receive()
}

// send writes the request, or has it written. An error is of a request that the
// app cannot answer.
func (x *exchange) send(s *sending) error {
	if s.split {
		x.up = startUpload(x, s)
		return nil
	}
	err := s.write(x.c)
	if err != nil && (x.c.failed == nil || x.c.sent == 0) {
		return err
	}
	// A part of it has left, and the app may have answered before it closed.
	x.limitHeader()
	return nil
}

// limitHeader begins the time that the app has to answer: the request is there.
func (x *exchange) limitHeader() {
	if x.t.HeaderTimeout <= 0 {
		return
	}
	x.limit.Lock()
	defer x.limit.Unlock()
	if !x.headed {
		_ = x.c.net.SetReadDeadline(time.Now().Add(x.t.HeaderTimeout)) // or it is closed
	}
}

// hasHeader ends that time: a body takes what it takes.
func (x *exchange) hasHeader() {
	if x.t.HeaderTimeout <= 0 {
		return
	}
	x.limit.Lock()
	defer x.limit.Unlock()
	x.headed = true
	_ = x.c.net.SetReadDeadline(time.Time{}) // or it is closed
}

// fail ends an exchange that has no answer, and says why as well as it can: that the
// request could not be written is rather a cause than what came of it, unless we have
// closed the connection ourselves. It returns once nobody uses the request any more.
func (x *exchange) fail(err error, begun bool) error {
	x.c.kill()
	if x.up != nil {
		x.up.answered(false)
		<-x.up.done
	}
	if x.calm != nil {
		x.calm()
	}
	switch {
	case x.ctx.Err() != nil:
		return context.Cause(x.ctx)
	case x.up != nil && x.up.cause() != nil:
		return x.up.cause()
	case errors.Is(err, os.ErrDeadlineExceeded) && x.t.HeaderTimeout > 0:
		return timeout{}
	case begun:
		return err
	}
	if x.c.failed != nil && !errors.Is(x.c.failed, net.ErrClosed) {
		err = x.c.failed
	}
	return &failure{err: err, unsent: x.c.sent == 0 && x.c.failed != nil}
}

// keep puts the connection away for another exchange. It reports whether it
// has.
func (t *Transport) keep(c *conn) bool {
	return !t.NoKeepAlive && t.IdlePerHost >= 0 && t.pool.put(c)
}

// finish is called once, when the answer is read to its end, or will not be.
func (x *exchange) finish(read bool) {
	quiet := x.calm == nil || x.calm()
	lasts := read && quiet && x.lasts && !x.c.ended && x.c.in.Buffered() == 0 && x.up.written() && x.c.failed == nil
	if lasts && x.t.keep(x.c) {
		x.putIdle(nil)
		return
	}
	x.c.kill()
	x.putIdle(errNotKept)
}

var errNotKept = errors.New("the connection is not used again")

// putIdle tells the trace, whose panic is nobody's: the connection may be that of
// another exchange already.
func (x *exchange) putIdle(err error) {
	defer func() { _ = recover() }()
	if x.trace != nil && x.trace.PutIdleConn != nil && !x.t.NoKeepAlive {
		x.trace.PutIdleConn(err)
	}
}
