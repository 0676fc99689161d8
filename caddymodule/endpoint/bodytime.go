package endpoint

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"example.com/sidegate/caddymodule/refusal"
)

// errSlow says that the body did not come in time.
var errSlow = errors.New("the request's body took too long")

// timedBody is a body that must have come in time.
type timedBody struct {
	io.ReadCloser
	timer *time.Timer
	late  atomic.Bool

	mu      sync.Mutex // held while the time is up
	stopped bool
}

// timeBody puts a limit on the time of a body. giveUp unblocks a read that waits.
// stop must be called when the request is answered; after it giveUp is not, for
// what it uses is the server's again.
func timeBody(body io.ReadCloser, limit time.Duration, giveUp func()) (b *timedBody, stop func()) {
	b = &timedBody{ReadCloser: body}
	b.timer = time.AfterFunc(limit, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.stopped {
			b.late.Store(true)
			giveUp()
		}
	})
	return b, b.stop
}

func (b *timedBody) stop() {
	b.timer.Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
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

// inTime is the body of a request that is answered there, within refusal.BodyTime.
func inTime(w http.ResponseWriter, r *http.Request) (b *timedBody, stop func()) {
	return timeBody(r.Body, refusal.BodyTime, stopReading(w))
}

// stopReading has whoever waits for the request's body wait no longer.
func stopReading(w http.ResponseWriter) func() {
	return func() {
		// A writer that has no deadlines is none of a server: nobody waits there.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now())
	}
}

// finishBody reads what is left of a body that says nothing, before the server
// does, which takes as long as the client likes.
func finishBody(r *http.Request) *refusal.Refusal {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return refuseBody(err)
	}
	return nil
}

// pageTime is how long a client may take over a page that is held in memory for it.
const pageTime = time.Minute

// takenInTime bounds how long the client may take over what is written until done is
// called, which leaves no deadline behind: the connection's next answer has its own.
func takenInTime(w http.ResponseWriter) (done func()) {
	control := http.NewResponseController(w)
	// A writer that has no deadlines is none of a server: nobody waits there.
	_ = control.SetWriteDeadline(time.Now().Add(pageTime))
	return func() { _ = control.SetWriteDeadline(time.Time{}) }
}
