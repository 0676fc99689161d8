package unread

import (
	"context"
	"io"
	"net/http"
	"time"

	"example.com/sidegate/caddymodule/refusal"
)

// What is read behind an answer, at the most.
const (
	// Bytes are read of one body; who sends more may lose the answer.
	Bytes = 32 << 20
	// Time is how long one body is read; who is slower may lose the answer.
	Time = refusal.BodyTime
	// AtOnce is how many bodies are read at a time by this process: strangers
	// decide how many there are. Behind those the connection ends at once.
	AtOnce = 128
)

// serverReads is what net/http reads itself of a body whose length it knows,
// behind the answer: such a body is left to it.
const serverReads = 256 << 10

// slots are those AtOnce.
var slots = make(chan struct{}, AtOnce)

// Drains are the bodies that one server reads behind its answers.
type Drains struct {
	over context.Context
	stop context.CancelFunc
}

// New is for a server, which calls Stop when it begins to shut down.
func New() *Drains {
	d := new(Drains)
	d.over, d.stop = context.WithCancel(context.Background())
	return d
}

// Stop ends those under way, and all that would begin: a server that shuts down
// waits for none.
func (d *Drains) Stop() { d.stop() }

// Before reads the body of a request whose answer somebody else writes, later:
// what is answered first by all others comes last here.
func (d *Drains) Before(w http.ResponseWriter, r *http.Request) {
	if mayBeLong(r) && !expects(r) {
		d.read(w, r.Body)
	}
}

// mayBeLong reports whether somebody may still be sending when the answer is on
// its way. A body of HTTP/2 or 3 has a stream of its own, which ends by itself.
func mayBeLong(r *http.Request) bool {
	return r.ProtoMajor == 1 && (r.ContentLength < 0 || r.ContentLength > serverReads)
}

// read throws away what comes of the body.
func (d *Drains) read(w http.ResponseWriter, body io.Reader) {
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	default:
		return
	}
	control, until := http.NewResponseController(w), time.Now().Add(Time)
	if control.SetReadDeadline(until) != nil {
		return // it is none of a server, or the client is gone
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(d.over, func() {
		defer close(stopped)
		_ = control.SetReadDeadline(time.Now()) // the client may be gone
	})
	defer func() {
		if !stop() {
			<-stopped // what it uses is the server's again
		}
	}()
	_, _ = io.CopyN(io.Discard, timed{body, until}, Bytes) // the connection ends however it ends
}

// timed is a body by our own clock too, for a server that puts the connection's
// deadline off with each byte.
type timed struct {
	io.Reader
	until time.Time
}

func (t timed) Read(p []byte) (int, error) {
	if !time.Now().Before(t.until) {
		return 0, context.DeadlineExceeded
	}
	return t.Reader.Read(p)
}
