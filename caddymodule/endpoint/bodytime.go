package endpoint

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// bodyTime bounds how long the whole body of a request may take to come, by our
// own clock: the server sets the connection's deadline anew with each byte, so
// that somebody who sends one now and then would be waited for without end.
const bodyTime = 10 * time.Second

// errSlow says that the body did not come in time.
var errSlow = errors.New("the request's body took too long")

// timedBody is a body that must have come in time.
type timedBody struct {
	io.ReadCloser
	timer *time.Timer
	late  atomic.Bool
}

// timeBody puts a limit on the time of a body. giveUp unblocks a read that waits.
// stop must be called when the request is answered.
func timeBody(body io.ReadCloser, limit time.Duration, giveUp func()) (b *timedBody, stop func()) {
	b = &timedBody{ReadCloser: body}
	b.timer = time.AfterFunc(limit, func() {
		b.late.Store(true)
		giveUp()
	})
	return b, func() { b.timer.Stop() }
}

// Read implements io.Reader. A body that has come to its end was in time.
func (b *timedBody) Read(p []byte) (int, error) {
	if b.late.Load() {
		return 0, errSlow
	}
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.timer.Stop()
		return n, err
	}
	if b.late.Load() {
		return 0, errSlow
	}
	return n, err
}

// stopReading has whoever waits for the request's body wait no longer.
func stopReading(w http.ResponseWriter) func() {
	return func() {
		// A writer that has no deadlines is none of a server: nobody waits there.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now())
	}
}
