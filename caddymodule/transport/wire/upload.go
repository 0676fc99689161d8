package wire

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// awaitWrite is how long an answer that is read to its end waits for the rest
// of its request, as net/http's does. The connection is closed after it.
const awaitWrite = 50 * time.Millisecond

// upload writes a request while its answer is waited for: an app may answer
// before it has all of it. Its methods do nothing for none.
type upload struct {
	done chan struct{}
	err  error // of the body or of the request itself, once it is done
	fine bool  // whether all of it has left, once it is done
	// goOn says whether the body that waits for a 100 is wanted.
	goOn    chan bool
	waiting bool // whether it was not said yet; of the goroutine that reads
}

func startUpload(x *exchange, s *sending) *upload {
	u := &upload{done: make(chan struct{}), waiting: s.expect}
	body := &outgoing{ReadCloser: s.out.Body}
	if s.expect {
		u.goOn = make(chan bool, 1)
		body.wait = func() bool { return u.await(x) }
	}
	out := *s.out
	if body.ReadCloser != nil && body.ReadCloser != http.NoBody {
		out.Body = body
	}
	go u.run(x, &out, body)
	return u
}

func (u *upload) run(x *exchange, out *http.Request, body *outgoing) {
	defer close(u.done)
	err := u.write(x.c, out)
	switch cause := body.failure(); {
	case errors.Is(cause, errUnwanted):
		u.err = nil // the app has answered, and closes
	case errors.Is(cause, errPanicked):
		u.err = cause // who sends it has not failed
	case cause != nil:
		u.err = &BodyError{cause}
	case err != nil && x.c.failed == nil:
		u.err = err
	case err != nil:
		x.limitHeader() // the app may have answered before it has closed
	default:
		u.fine = true
		x.limitHeader()
	}
	if u.err != nil {
		x.c.kill() // the app has half a request
	}
}

func (u *upload) write(c *conn, out *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("writing the request panicked: %v", p)
		}
	}()
	if err := out.Write(c.out); err != nil {
		return err
	}
	return c.out.Flush()
}

// cause is why the request could not be sent whoever the app is.
func (u *upload) cause() error {
	if u == nil {
		return nil
	}
	return u.err
}

// written reports whether all of the request has left, and waits a moment for
// what may be on its way.
func (u *upload) written() bool {
	if u == nil {
		return true
	}
	select {
	case <-u.done:
		return u.fine
	default:
	}
	timer := time.NewTimer(awaitWrite)
	defer timer.Stop()
	select {
	case <-u.done:
		return u.fine
	case <-timer.C:
		return false
	}
}

// proceed lets the body go that waits for a 100, and reports whether it has.
func (u *upload) proceed() bool {
	if u == nil || !u.waiting {
		return false
	}
	u.waiting = false
	u.goOn <- true
	return true
}

// answered ends the wait of the body: it is sent where the connection goes on,
// for the app takes what comes next for it.
func (u *upload) answered(goesOn bool) {
	if u != nil && u.waiting {
		u.waiting = false
		u.goOn <- goesOn
	}
}

// await waits for a 100, or for as long as it may.
func (u *upload) await(x *exchange) bool {
	if x.trace != nil && x.trace.Wait100Continue != nil {
		x.trace.Wait100Continue()
	}
	timer := time.NewTimer(x.t.ContinueTimeout)
	defer timer.Stop()
	select {
	case goOn := <-u.goOn:
		return goOn
	case <-timer.C:
		return true
	}
}

// errUnwanted ends a body that the app has answered without.
var errUnwanted = errors.New("the app has answered without the body")

// errPanicked is of a body that panics as it is read.
var errPanicked = errors.New("reading the body of the request panicked")

// outgoing is a body on its way. It notes what fails, which net/http's writer
// tells in an error that nobody can look into.
type outgoing struct {
	io.ReadCloser
	wait func() bool // before the first byte

	mu  sync.Mutex // net/http may read the first byte on one more goroutine
	err error
}

func (o *outgoing) Read(p []byte) (n int, err error) {
	defer func() {
		if v := recover(); v != nil { // on a goroutine that nobody else recovers
			n, err = 0, fmt.Errorf("%w: %v", errPanicked, v)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			o.mu.Lock()
			o.err = err
			o.mu.Unlock()
		}
	}()
	if wait := o.wait; wait != nil {
		o.wait = nil
		if !wait() {
			return 0, errUnwanted
		}
	}
	return o.ReadCloser.Read(p)
}

func (o *outgoing) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}
