package identity

import (
	"net/http"
	"slices"
	"strings"
)

// Answered are headers of an answer that are the gateway's own, counted before
// an app adds to them. The zero value has none.
type Answered struct {
	cookies int
	native  map[string]int // by name
}

// NoteAnswer counts what the gateway has set so far.
func NoteAnswer(h http.Header) (had Answered) {
	for name, values := range h {
		switch {
		case isSetCookie(name):
			had.cookies = len(values)
		case isNative(name):
			if had.native == nil {
				had.native = make(map[string]int)
			}
			had.native[name] = len(values)
		}
	}
	return had
}

// succeeded goes on the prefix in the name of the cookie by which a gateway says for
// a moment that somebody has signed in. One behind this one sets it at each sign-in,
// and needs it for nothing but a message: it is taken away, and nobody's mistake.
const succeeded = "succeeded="

// Strip deletes from an answer what an app has added to the gateway's own: native
// headers, which a browser would take for the gateway's, and cookies of that
// name or whose name begins with prefix, which sign a person out, or in as
// somebody else. Trailers are headers too.
//
// Of the other cookies stays tells, once for each line, whether it is not for the
// browser; nil takes none away. overwrote reports whether there was one of ours.
func (had *Answered) Strip(h http.Header, cookie, prefix string, stays func(line string) bool) (overwrote bool) {
	for name, values := range h {
		bare := strings.TrimPrefix(name, http.TrailerPrefix)
		switch {
		case isSetCookie(bare):
			if len(values) > had.cookies {
				stripSetCookies(h, name, had.cookies, func(line string) bool {
					if SetsCookie(line, cookie, prefix) {
						overwrote = overwrote || !strings.HasPrefix(line, prefix+succeeded)
						return true
					}
					return stays != nil && stays(line)
				})
			}
		case isNative(bare):
			if kept := had.native[name]; kept == 0 {
				delete(h, name)
			} else if kept < len(values) {
				h[name] = values[:kept:kept]
			}
		case name == "Trailer":
			stripAnnounced(h)
		}
	}
	return overwrote
}

func isSetCookie(name string) bool {
	return len(name) == len("Set-Cookie") && strings.EqualFold(name, "Set-Cookie")
}

func isNative(name string) bool {
	return len(name) >= len(nativeFamily) && folds(name[:len(nativeFamily)], nativeFamily)
}

func stripSetCookies(h http.Header, name string, kept int, taken func(line string) bool) {
	values := h[name]
	first := kept + slices.IndexFunc(values[kept:], taken)
	if first < kept {
		return
	}
	left := slices.Clone(values[:first])
	for _, line := range values[first+1:] {
		if !taken(line) {
			left = append(left, line)
		}
	}
	if len(left) == 0 {
		delete(h, name)
	} else {
		h[name] = left
	}
}

// SetsCookie reports whether a Set-Cookie line is of the cookie of that name, or
// of one whose name begins with prefix. It reads it as browsers do: without "=" it is a cookie with
// no name, and so is one that begins with "="; what comes back of it is the
// value alone, which then looks like a cookie of ours.
func SetsCookie(line, name, prefix string) bool {
	pair, _, _ := strings.Cut(line, ";")
	return isCookie(strings.TrimLeft(pair, "="+cookieSpace), name, prefix)
}

// stripAnnounced takes native names and Set-Cookie out of the list of trailers
// that are to come: net/http sends no others.
func stripAnnounced(h http.Header) {
	var left []string
	for _, line := range h["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.Trim(name, ows); name != "" && !isNative(name) && !isSetCookie(name) {
				left = append(left, name)
			}
		}
	}
	if len(left) == 0 {
		delete(h, "Trailer")
	} else {
		h["Trailer"] = left
	}
}
