package unread

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// maxHeld bounds the answer that is held back to be sent whole. Ours are smaller;
// a longer one, of an error route, goes out as it comes, and nothing is read
// behind it.
const maxHeld = 64 << 10

// Answer is the response for an answer that may come before the request's body
// was read, as refusal.CloseUnread marks it over HTTP/1. done sends it, and reads
// what still comes; it is called when the answer is written. Where nothing need be
// read the response is returned as it is.
func (d *Drains) Answer(w http.ResponseWriter, r *http.Request) (answering http.ResponseWriter, done func()) {
	if !mayBeLong(r) && !expects(r) {
		return w, func() {}
	}
	a := &answer{drains: d, request: r, body: &body{ReadCloser: r.Body}, asks: expects(r)}
	a.ResponseWriter = w
	r.Body = a.body
	return a, a.done
}

// answer is held back until it is whole, so that it says how long it is: its end
// must not wait for that of the body.
type answer struct {
	caddyhttp.ResponseWriterWrapper
	drains  *Drains
	request *http.Request
	body    *body
	asks    bool // the client waits for a word before it sends

	begun   bool
	closes  bool // the connection, or the stream, ends behind it, with a body nobody has read
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
	a.closes = a.endsUnread()
	if a.closes && a.request.ProtoMajor == 1 && h.Get("Content-Encoding") == "" { // who compresses it would take its length away
		h.Set("Cache-Control", strings.TrimPrefix(h.Get("Cache-Control")+", no-transform", ", "))
	}
	if a.closes && h.Get("Content-Length") == "" && status != http.StatusNoContent && status != http.StatusNotModified {
		a.holds = true
		return
	}
	a.ResponseWriter.WriteHeader(status)
}

// endsUnread reports whether the answer is one before the end of the body. In HTTP/2
// no header says so.
func (a *answer) endsUnread() bool {
	if a.request.ProtoMajor == 1 {
		return strings.EqualFold(a.Header().Get("Connection"), "close")
	}
	return !a.body.ended
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
	switch {
	case !a.closes:
	case a.asks && !a.body.begun:
		leave(a.ResponseWriter)
	case http.NewResponseController(a.ResponseWriter).Flush() == nil:
		a.drains.read(a.ResponseWriter, a.request, a.body.ReadCloser)
	}
}

// leave has nobody wait for a body that is not coming: the server itself reads a
// short one behind the answer, whether it has asked for it or not.
func leave(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // nobody waits without deadlines
}

// body is that of a request. A client that waits for 100 (Continue) is sent it when
// somebody reads.
type body struct {
	io.ReadCloser
	begun, ended bool
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.begun = true
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || err != nil
	return n, err
}

// expects reports whether the client waits for a word before it sends. In HTTP/2 the
// server keeps that to itself.
func expects(r *http.Request) bool { return r.ProtoMajor == 1 && r.Header["Expect"] != nil }

// Interface guards
var (
	_ http.ResponseWriter = (*answer)(nil)
	_ http.Flusher        = (*answer)(nil)
	_ io.ReaderFrom       = (*answer)(nil)
)
