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
	// Silence is for how long nothing may come of a body of HTTP/2. There a stream
	// that is open both ways may be no upload, and its answer ends with it.
	Silence = time.Second
	// AtOnce is how many bodies are read at a time by this process: strangers
	// decide how many there are. Behind those the connection ends at once.
	AtOnce = 128
	// EachAtOnce is how many of these are of one client: an address, or a /64
	// network of IPv6.
	EachAtOnce = AtOnce / 8
)

// serverReads is what net/http reads itself of a body whose length it knows,
// behind the answer: such a body is left to it. Over HTTP/2 it is less than what
// clients may send unasked, and so have sent.
const serverReads = 256 << 10

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
// what is answered first by all others comes last here. Over HTTP/2 the status goes
// out without it.
func (d *Drains) Before(w http.ResponseWriter, r *http.Request) {
	switch {
	case expects(r):
		leave(w)
	case r.ProtoMajor == 1 && mayBeLong(r):
		d.read(w, r, r.Body)
	}
}

// mayBeLong reports whether somebody may still be sending when the answer is on
// its way. HTTP/3 asks them to stop, and so does HTTP/2, which some clients take for
// a failure: they drop what has come of the answer. A websocket is no body.
func mayBeLong(r *http.Request) bool {
	if r.ContentLength >= 0 && r.ContentLength <= serverReads {
		return false
	}
	return r.ProtoMajor == 1 || r.ProtoMajor == 2 && r.Method != http.MethodConnect
}

// read throws away what comes of the body.
func (d *Drains) read(w http.ResponseWriter, r *http.Request, body io.Reader) {
	whose := network(r)
	if !reading.take(whose) {
		return
	}
	defer reading.give(whose)
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
	read := timed{Reader: body, until: until}
	if r.ProtoMajor == 2 {
		read.silent = control
	}
	_, _ = io.CopyN(io.Discard, read, Bytes) // the connection ends however it ends
}

// timed is a body by our own clock too, for a server that puts the connection's
// deadline off with each byte.
type timed struct {
	io.Reader
	until  time.Time
	silent *http.ResponseController // nil where silence is borne until then
}

func (t timed) Read(p []byte) (int, error) {
	now := time.Now()
	if !now.Before(t.until) {
		return 0, context.DeadlineExceeded
	}
	if next := now.Add(Silence); t.silent != nil && next.Before(t.until) {
		if err := t.silent.SetReadDeadline(next); err != nil {
			return 0, err
		}
	}
	return t.Reader.Read(p)
}
