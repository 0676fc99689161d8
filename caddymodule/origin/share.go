package origin

import (
	"net/http"
	"slices"
	"strings"
)

// exposed are headers of ours that a page of a listed origin may read beside those
// that every page may (Fetch section 4.9, "Access-Control-Expose-Headers").
const exposed = "Date, ETag, Retry-After, X-Login-Url, X-Session-Expires-At, X-Session-Idle-Expires-At"

// asked are headers that such a page may send beside those that every page may, and
// preflightFor is for how many seconds a browser remembers that.
const (
	asked        = "Authorization, Cache-Control, Content-Type, If-None-Match, Last-Event-ID, X-Account-Id, X-Requested-With"
	preflightFor = "600"
)

// Share is the response for an answer that pages of listed origins may read, with
// what it says of the person: never all origins, and never one that is only like a
// listed one. readable is false for what no page of another origin has use of, as
// the login page. Caches are told that it hangs on the origin, also where it is not
// shared. With no origin listed the response is returned as it is.
func (c *Check) Share(w http.ResponseWriter, r *http.Request, readable bool) http.ResponseWriter {
	if len(c.Listed) == 0 {
		return w
	}
	with := &sharing{ResponseWriter: w}
	if readable {
		with.origin = c.listed(r)
	}
	return with
}

// listed is the listed origin that a request is from, as the browser wrote it; empty
// for none. `null`, that of sandboxed frames of any page, is nobody's.
func (c *Check) listed(r *http.Request) string {
	from := r.Header["Origin"]
	if len(from) != 1 || !slices.ContainsFunc(c.Listed, func(o Origin) bool { return o.Is(from[0]) }) {
		return ""
	}
	return from[0]
}

// FromListed reports whether a page of a listed origin has sent the request.
func (c *Check) FromListed(r *http.Request) bool { return c.listed(r) != "" }

// IsPreflight reports whether a browser asks whether a page may send a request
// (Fetch section 4.8): it sends no body with that, and no upgrade.
func IsPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && len(r.Header["Origin"]) == 1 && len(r.Header["Access-Control-Request-Method"]) == 1 &&
		r.ContentLength == 0 && !IsUpgrade(r)
}

// Preflight answers one of a listed origin for what takes these methods; false where
// there is none. What the answer is written to is that of Share.
func (c *Check) Preflight(w http.ResponseWriter, r *http.Request, methods string) bool {
	if !IsPreflight(r) || c.listed(r) == "" {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", asked)
	h.Set("Access-Control-Max-Age", preflightFor)
	w.WriteHeader(http.StatusNoContent)
	return true
}

// SameOrigin reports whether it is known that a page of this very site has sent a
// request: the browser says so, or, where it does not say whose page it is, Origin
// does. One that is listed is another site's.
func (c *Check) SameOrigin(r *http.Request) bool {
	if site := r.Header["Sec-Fetch-Site"]; len(site) > 0 {
		return len(site) == 1 && site[0] == "same-origin"
	}
	from := r.Header["Origin"]
	if len(from) != 1 {
		return false
	}
	page, err := Parse(from[0])
	return err == nil && (page == c.Public || c.own(r, page))
}

// sharing says in the answer, when it begins, who may read it: who writes the answer
// sets headers of these names anew.
type sharing struct {
	http.ResponseWriter
	origin string // empty: nobody's
	begun  bool
}

// Unwrap is for http.ResponseController.
func (s *sharing) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (s *sharing) WriteHeader(status int) {
	if !s.begun && status >= http.StatusOK {
		s.begun = true
		s.say(s.Header())
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (s *sharing) Write(p []byte) (int, error) {
	if !s.begun {
		s.WriteHeader(http.StatusOK)
	}
	return s.ResponseWriter.Write(p)
}

func (s *sharing) say(h http.Header) {
	vary := slices.DeleteFunc(slices.Clone(h["Vary"]), func(line string) bool { return strings.EqualFold(line, "Origin") })
	h["Vary"] = []string{strings.Join(append(vary, "Origin"), ", ")}
	if s.origin == "" {
		return
	}
	h["Access-Control-Allow-Origin"] = []string{s.origin}
	h["Access-Control-Allow-Credentials"] = []string{"true"}
	h["Access-Control-Expose-Headers"] = []string{exposed}
}
