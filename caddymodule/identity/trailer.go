package identity

import (
	"io"
	"net/http"
	"strings"
)

// DropTrailers makes sure that no trailer of the request goes upstream,
// whether it was announced or not: trailers come after all headers were
// filtered, and some servers merge them in (RFC 9110 section 6.5.1).
//
// TE goes too, but not from gRPC calls: it speaks of the answer's trailers,
// and gRPC servers refuse a call without it.
func DropTrailers(r *http.Request) {
	r.Trailer = nil
	delete(r.Header, "Trailer")
	if len(r.Header["Te"]) > 0 && !isGRPC(r.Header) {
		delete(r.Header, "Te")
	}
	// net/http puts trailers that nobody announced into the request when its
	// body ends; only a body of unknown length can have them.
	if r.ContentLength < 0 && r.Body != nil && r.Body != http.NoBody {
		r.Body = &trailerless{ReadCloser: r.Body, r: r}
	}
}

func isGRPC(h http.Header) bool {
	const media = "application/grpc"
	v := h["Content-Type"]
	return len(v) == 1 && len(v[0]) >= len(media) && strings.EqualFold(v[0][:len(media)], media)
}

// StripTrailers is Strip for what comes behind the request's body: trailers of
// other names go on, for an app that is none of ours may wait for them.
func (s *Stripper) StripTrailers(r *http.Request) {
	s.Strip(r.Trailer)
	if r.ContentLength < 0 && r.Body != nil && r.Body != http.NoBody {
		r.Body = &trailerless{r.Body, r, s}
	}
}

// trailerless is a body whose request, when it ends, has no trailers that the
// stripper knows; without one it has none at all.
type trailerless struct {
	io.ReadCloser
	r *http.Request
	s *Stripper
}

func (t *trailerless) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	switch {
	case err == nil:
	case t.s == nil:
		t.r.Trailer = nil
	default:
		t.s.Strip(t.r.Trailer)
	}
	return n, err
}
