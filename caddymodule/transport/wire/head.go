package wire

import (
	"encoding/binary"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
)

// head is a request without a body, written down. It has the bytes that
// Request.Write writes, its order of fields too, and costs a fifth: fields are
// checked, sorted and put behind each other without anything being made for it.
// Whatever is not as common as that is left to Request.Write.
type head struct {
	text   []byte
	fields []field
}

// field is one name in a header, with its values.
type field struct {
	// start is how the name starts, so that sorting hardly ever looks at names.
	start  uint64
	name   string
	values []string
}

// heads are kept for the next request. One that has become larger than
// largestHead is not.
var heads = sync.Pool{New: func() any { return new(head) }}

const largestHead = 32 << 10

// isBare reports whether a request is nothing but a head, of which Request.Write
// makes no more than that, and nobody wants to hear of.
func isBare(req *http.Request, trace *httptrace.ClientTrace) bool {
	return (req.Method == http.MethodGet || req.Method == http.MethodHead) &&
		outgoingLength(req) == 0 && req.ContentLength == 0 && !req.Close && len(req.TransferEncoding) == 0 && len(req.Trailer) == 0 &&
		(trace == nil || trace.WroteHeaderField == nil && trace.WroteHeaders == nil && trace.WroteRequest == nil)
}

// newHead writes down a bare request. It is nil for one that is better left to
// Request.Write, be it to say what is wrong with it.
func newHead(req *http.Request) (h *head, size int, err error) {
	h = heads.Get().(*head)
	size, err = h.gather(req.Header)
	size += addressSize(req)
	if err == nil && size <= direct && h.write(req) {
		return h, size, nil
	}
	h.release()
	return nil, size, err
}

// release gives it back. It is not to be used any more.
func (h *head) release() {
	if h != nil && cap(h.text) <= largestHead {
		clear(h.fields)
		h.text, h.fields = h.text[:0], h.fields[:0]
		heads.Put(h)
	}
}

// gather checks the fields and puts them into the order of Request.Write.
func (h *head) gather(header http.Header) (size int, err error) {
	for name, values := range header {
		length, err := checkField(name, values, "header")
		if err != nil {
			return 0, err
		}
		size += length
		h.fields = append(h.fields, field{start: startOf(name), name: name, values: values})
	}
	slices.SortFunc(h.fields, func(a, b field) int {
		switch {
		case a.start < b.start:
			return -1
		case a.start > b.start:
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
	return size, nil
}

// startOf orders as the first eight bytes of the name do. A shorter one ends in
// zeros, which are in no name.
func startOf(name string) uint64 {
	var start [8]byte
	copy(start[:], name)
	return binary.BigEndian.Uint64(start[:])
}

// write reports whether it could.
func (h *head) write(req *http.Request) bool {
	host, ok := plainHost(req)
	target := req.URL.RequestURI()
	agents := req.Header["User-Agent"]
	if !ok || hasControl(target) || len(agents) == 0 { // without any net/http names itself
		return false
	}
	h.add(req.Method, " ", target, " HTTP/1.1\r\n")
	h.addField("Host", host)
	if agents[0] != "" { // of several net/http sends one
		h.addField("User-Agent", agents[0])
	}
	for _, f := range h.fields {
		if writtenApart(f.name) {
			continue
		}
		for _, value := range f.values {
			h.addField(f.name, value)
		}
	}
	h.add("\r\n")
	return true
}

// writtenApart reports whether Request.Write makes that field of something else
// in the request than the header.
func writtenApart(name string) bool {
	switch name {
	case "Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer":
		return true
	}
	return false
}

func (h *head) add(parts ...string) {
	for _, part := range parts {
		h.text = append(h.text, part...)
	}
}

func (h *head) addField(name, value string) { h.add(name, ": ", textproto.TrimString(value), "\r\n") }

// plainHost is the request's, if nothing is to be done to it.
func plainHost(req *http.Request) (host string, plain bool) {
	if host = req.Host; host == "" {
		host = req.URL.Host
	}
	ascii, err := httpguts.PunycodeHostPort(host)
	zoned := strings.IndexByte(host, '%') >= 0 // of an IPv6 address: not for others
	return host, err == nil && ascii == host && !zoned && httpguts.ValidHostHeader(host)
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
