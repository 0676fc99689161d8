package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
)

// receive reads answers until the one that is not provisional.
func (x *exchange) receive() (*http.Response, error) {
	if _, err := x.c.in.Peek(1); err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("the app has closed the connection without an answer: %w", err)
		}
		return nil, x.fail(err, false)
	}
	if x.trace != nil && x.trace.GotFirstResponseByte != nil {
		x.trace.GotFirstResponseByte()
	}
	resp, err := x.final()
	if err != nil {
		if errors.Is(err, errTooLarge) || x.c.left <= 0 {
			err = fmt.Errorf("net/http: server response headers exceeded %d bytes; aborted", orDefault(x.t.MaxHeader, 10<<20))
		}
		return nil, x.fail(err, true)
	}
	x.hasHeader()
	x.c.left = noLimit
	x.up.answered(!resp.Close && !x.req.Close)
	return x.deliver(resp)
}

// final passes on the provisional answers before it.
func (x *exchange) final() (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(x.c.in, x.req)
		if err != nil {
			return nil, err
		}
		code := resp.StatusCode
		if code < 100 || code > 199 || code == http.StatusSwitchingProtocols {
			return resp, nil
		}
		if code == http.StatusContinue && x.up.proceed() && x.trace != nil && x.trace.Got100Continue != nil {
			x.trace.Got100Continue()
		}
		if x.trace != nil && x.trace.Got1xxResponse != nil {
			if err := x.trace.Got1xxResponse(code, textproto.MIMEHeader(resp.Header)); err != nil {
				return nil, err
			}
			// Who is told of them sees to how many there are.
			x.c.left = orDefault(x.t.MaxHeader, 10<<20)
		}
	}
}

// deliver gives the answer the body that it has.
func (x *exchange) deliver(resp *http.Response) (*http.Response, error) {
	if resp.StatusCode == http.StatusSwitchingProtocols && asksToSwitch(resp.Header) {
		return x.hand(resp)
	}
	x.lasts = !resp.Close && !x.req.Close && resp.StatusCode > 199
	if x.req.Method == http.MethodHead || resp.ContentLength == 0 {
		x.over = true
		x.finish(true)
		return resp, nil
	}
	x.answer, resp.Body = resp.Body, x
	return resp, nil
}

// hand gives the connection away: what it speaks from here on is not HTTP.
func (x *exchange) hand(resp *http.Response) (*http.Response, error) {
	if !x.up.written() {
		return nil, x.fail(errors.New("the app has switched protocols before the request was written"), true)
	}
	if x.calm != nil && !x.calm() || !x.c.handOver() {
		return nil, x.fail(errors.New("the connection was closed as the app has switched protocols"), true)
	}
	resp.Body = newSwitched(x.c)
	return resp, nil
}

var (
	errReadClosed = errors.New("http: read on closed response body")
	_             = io.ReadCloser((*exchange)(nil))
)

// Read reads the body of the answer. At its end the connection is free, before
// who reads knows of it.
func (x *exchange) Read(p []byte) (int, error) {
	x.mu.Lock()
	closed, err := x.closed, x.err
	x.mu.Unlock()
	if closed {
		return 0, errReadClosed
	}
	if err != nil {
		return 0, err
	}
	n, err := x.answer.Read(p)
	if err == nil {
		return n, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !errors.Is(err, io.EOF) && x.ctx.Err() != nil {
		err = context.Cause(x.ctx)
	}
	x.err = err
	x.end(errors.Is(err, io.EOF))
	return n, err
}

// Close closes the connection of an answer that was not read to its end: what
// is left of it may be without end.
func (x *exchange) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
	x.end(false)
	return nil
}

// end is called with mu.
func (x *exchange) end(read bool) {
	if !x.over {
		x.over = true
		x.finish(read)
	}
}
