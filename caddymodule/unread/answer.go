package unread

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// maxHeld bounds the answer that is held back to be sent whole. Ours are smaller;
// a longer one, of an error route, goes out as it comes, and nothing is read
// behind it.
const maxHeld = 64 << 10

// Answer is the response for an answer that may come before the request's body
// was read, as refusal.CloseUnread marks it. done sends it, and reads what still
// comes; it is called when the answer is written. Where nothing need be read the
// response is returned as it is.
func (d *Drains) Answer(w http.ResponseWriter, r *http.Request) (answering http.ResponseWriter, done func()) {
	if !mayBeLong(r) {
		return w, func() {}
	}
	a := &answer{drains: d, body: r.Body}
	a.ResponseWriter = w
	if expects(r) {
		a.asked = &asked{ReadCloser: r.Body}
		r.Body = a.asked
	}
	return a, a.done
}

// answer is held back until it is whole, so that it says how long it is: its end
// must not wait for that of the body.
type answer struct {
	caddyhttp.ResponseWriterWrapper
	drains *Drains
	body   io.Reader
	asked  *asked // nil when the client waits for nothing

	begun   bool
	closes  bool // the connection ends behind it, with a body nobody has read
	holds   bool
	status  int
	content bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.begun || status < http.StatusOK {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.begun, a.status = true, status
	h := a.Header()
	a.closes = strings.EqualFold(h.Get("Connection"), "close")
	if a.closes && h.Get("Content-Encoding") == "" { // who compresses it would take its length away
		h.Set("Cache-Control", strings.TrimPrefix(h.Get("Cache-Control")+", no-transform", ", "))
	}
	if a.closes && h.Get("Content-Length") == "" && status != http.StatusNoContent && status != http.StatusNotModified {
		a.holds = true
		return
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	if a.holds && a.content.Len()+len(p) > maxHeld {
		if err := a.letGo(); err != nil {
			return 0, err
		}
	}
	if a.holds {
		return a.content.Write(p)
	}
	return a.ResponseWriter.Write(p)
}

// ReadFrom keeps the server's own way to send a file.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	if !a.begun || a.holds {
		return io.Copy(struct{ io.Writer }{a}, r)
	}
	return a.ResponseWriterWrapper.ReadFrom(r)
}

// FlushError sends what there is. An answer that comes bit by bit is not held.
func (a *answer) FlushError() error {
	if a.holds {
		if err := a.letGo(); err != nil {
			return err
		}
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Flush is FlushError for who asks for an http.Flusher.
func (a *answer) Flush() { _ = a.FlushError() }

// letGo sends the answer as it is, without its length. Its end would wait for that
// of the body, so nothing is read.
func (a *answer) letGo() error {
	a.closes = false
	return a.send()
}

func (a *answer) send() error {
	a.holds = false
	a.ResponseWriter.WriteHeader(a.status)
	_, err := a.ResponseWriter.Write(a.content.Bytes())
	return err
}

// done ends the answer. A client that waits for our word to send its body sends
// none behind an answer, and is not waited for (RFC 9110 section 10.1.1).
func (a *answer) done() {
	if a.holds {
		a.Header().Set("Content-Length", strconv.Itoa(a.content.Len()))
		if a.send() != nil {
			return
		}
	}
	if !a.closes || a.asked != nil && !a.asked.read {
		return
	}
	if http.NewResponseController(a.ResponseWriter).Flush() == nil {
		a.drains.read(a.ResponseWriter, a.body)
	}
}

// asked is the body of a client that waits for 100 (Continue), which it is sent
// when somebody reads.
type asked struct {
	io.ReadCloser
	read bool
}

// Read implements io.Reader.
func (b *asked) Read(p []byte) (int, error) {
	b.read = true
	return b.ReadCloser.Read(p)
}

func expects(r *http.Request) bool { return r.Header["Expect"] != nil }

// Interface guards
var (
	_ http.ResponseWriter = (*answer)(nil)
	_ http.Flusher        = (*answer)(nil)
	_ io.ReaderFrom       = (*answer)(nil)
)
