package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"
)

// Transport is an http.RoundTripper for plain HTTP/1.1. It answers as
// http.Transport with DisableCompression does, with these differences:
//
//   - a small request body of known length is read before the app is told of the
//     request, so an answer that an app would give before comes after it;
//   - an idle connection is looked at before it is used again, and one on which
//     the app has spoken unasked is closed, not read;
//   - an answer that comes from an app that no longer reads its request is
//     passed on, where http.Transport may report the failed write;
//   - the second try of a request always has a new connection;
//   - the deprecated Request.Cancel does nothing.
//
// Its fields are not to be changed once it is used.
type Transport struct {
	// Dial connects to the app. Its errors are returned as they are.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Begins is told of a request whose body is about to be read, on the goroutine of
	// who asks: no other app can have that body.
	Begins func(*http.Request)
	// Target says where the app of a request is. Default: TCP to its URL's host.
	Target func(*http.Request) (network, address string)

	// NoKeepAlive uses every connection once.
	NoKeepAlive bool
	// IdleTimeout is how long a connection is kept unused. Default: for ever.
	IdleTimeout time.Duration
	// IdlePerHost is how many connections to one app are kept. Default: 2.
	IdlePerHost int
	// MaxPerHost is how many connections to one app there may be; who comes
	// then waits. Default: no limit.
	MaxPerHost int

	// HeaderTimeout is how long the app may think before the header of its
	// answer, once it has the whole request. Default: for ever.
	HeaderTimeout time.Duration
	// ContinueTimeout is how long the body of a request that expects a 100 waits
	// for one. Default: not at all.
	ContinueTimeout time.Duration
	// MaxHeader is how large the header of an answer may be, in bytes.
	// Default: 10 MiB.
	MaxHeader int64
	// ReadBuffer and WriteBuffer are bytes per connection. Default: 4 KiB each.
	ReadBuffer, WriteBuffer int

	pool pool
}

// RoundTrip sends the request and returns the answer with its body still to be
// read. It closes the request's body always, and does not change the request.
func (t *Transport) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	s := &sending{req: req}
	var c *conn
	defer func() {
		// What panics, such as a hook of a trace or the body of a request, may
		// have left a message half read: nobody may have that connection.
		if p := recover(); p != nil {
			if c != nil {
				c.kill()
			}
			resp, err = nil, fmt.Errorf("talking to the app panicked: %v", p)
			s.closeAll()
		}
		s.head.release() // it has left, as far as it ever will
	}()
	if err = t.prepare(s); err != nil {
		s.close()
		return nil, err
	}
	ctx := req.Context()
	for fresh := false; ; fresh = true {
		if ctx.Err() != nil {
			s.close()
			return nil, context.Cause(ctx)
		}
		c, err = t.connect(ctx, s, fresh)
		if err != nil {
			s.close()
			return nil, s.notConnected(err)
		}
		reused := c.used
		s.got(c)
		resp, err = t.exchange(ctx, c, s)
		if err == nil {
			resp.Request = req
			return resp, nil
		}
		var broken *failure
		if !errors.As(err, &broken) {
			return nil, err
		}
		aged := reused || errors.Is(broken.err, errUnasked)
		if !aged || fresh || ctx.Err() != nil || !s.again(broken) {
			return nil, broken.err
		}
	}
}

// notConnected is what is said where there is no connection. Once the body was read
// the request cannot go to another app: reverse_proxy would send it there without. So
// it may not find in the error that it was one of connecting.
func (s *sending) notConnected(err error) error {
	if s.whole {
		return errors.New("connecting once more, for the app has closed before the client had sent its body: " + err.Error())
	}
	return err
}

// CloseIdleConnections closes what no request uses, and what requests use once
// they no longer do, until the next request.
func (t *Transport) CloseIdleConnections() { t.pool.closeIdle() }

func (t *Transport) connect(ctx context.Context, s *sending, fresh bool) (*conn, error) {
	if s.trace != nil && s.trace.GetConn != nil {
		s.trace.GetConn(s.to.address)
	}
	c, err := t.pool.get(ctx, t, s.to, fresh)
	if err != nil {
		if ctx.Err() != nil { // which is what has ended the dial
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	return c, nil
}

// got tells the trace of the connection.
func (s *sending) got(c *conn) {
	if s.trace != nil && s.trace.GotConn != nil {
		info := httptrace.GotConnInfo{Conn: c.net, Reused: c.used, WasIdle: !c.idleAt.IsZero()}
		if info.WasIdle {
			info.IdleTime = time.Since(c.idleAt)
		}
		s.trace.GotConn(info)
	}
}

// failure is why an exchange failed in a way that another try may mend.
type failure struct {
	err error
	// unsent says that not one byte of the request has left.
	unsent bool
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// timeout is the error of an app that has not answered in time.
type timeout struct{}

func (timeout) Error() string        { return "timeout awaiting response headers" }
func (timeout) Timeout() bool        { return true }
func (timeout) Temporary() bool      { return true }
func (timeout) Is(target error) bool { return target == context.DeadlineExceeded }

func orDefault[N int | int64](n, otherwise N) N {
	if n > 0 {
		return n
	}
	return otherwise
}
