package everyroute

import (
	"errors"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

var errUnanswered = errors.New("a proxy asks at an address where nothing answers, and would take Caddy's blank page for a yes: let it ask below " +
	"the base_path of this gateway, at a site that has session_endpoints")

// unanswered runs what comes next, and refuses a question that nobody has answered:
// Caddy answers 200 then, and other proxies take any 2xx for a yes.
func (q *questions) unanswered(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !isQuestion(r) {
		return next.ServeHTTP(w, r)
	}
	seen := &seen{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, r: r}
	err := next.ServeHTTP(seen, r)
	switch {
	case err == nil && !seen.begun && nobodyAnswers(r):
		return q.misdirected(r, errUnanswered)
	case seen.held:
		seen.letGo()
	}
	return err
}

// nobodyAnswers reports whether the request has come to the end of Caddy's routes.
func nobodyAnswers(r *http.Request) bool {
	blank, _ := caddyhttp.GetVar(r.Context(), "unhandled").(bool)
	return blank
}

// seen knows whether an answer has begun. What only wraps answers, as encode does,
// writes the 200 of nobody itself: that is held back.
type seen struct {
	*caddyhttp.ResponseWriterWrapper
	r     *http.Request
	begun bool
	held  bool
}

// WriteHeader implements http.ResponseWriter.
func (s *seen) WriteHeader(status int) {
	if status == http.StatusOK && !s.begun && nobodyAnswers(s.r) {
		s.held = true
		return
	}
	s.begun = s.begun || status >= 200 || status == http.StatusSwitchingProtocols
	s.ResponseWriterWrapper.WriteHeader(status)
}

// letGo writes what was held back.
func (s *seen) letGo() {
	if s.begun = true; s.held {
		s.held = false
		s.ResponseWriterWrapper.WriteHeader(http.StatusOK)
	}
}

// Write implements http.ResponseWriter.
func (s *seen) Write(p []byte) (int, error) {
	s.letGo()
	return s.ResponseWriterWrapper.Write(p)
}

// ReadFrom implements io.ReaderFrom.
func (s *seen) ReadFrom(from io.Reader) (int64, error) {
	s.letGo()
	return s.ResponseWriterWrapper.ReadFrom(from)
}

// refused answers a question that was refused, whatever error routes would say: a
// page of theirs may be a 200.
func refused(w http.ResponseWriter, r *http.Request) bool {
	err, _ := r.Context().Value(caddyhttp.ErrorCtxKey).(error)
	if !errors.Is(err, errNoAnswer) && !errors.Is(err, errUnanswered) {
		return false
	}
	w.WriteHeader(http.StatusMisdirectedRequest)
	return true
}

// rest is before all routes of a server, some of which come to no handler of ours.
// There too a question that nobody answers is refused.
type rest struct {
	Behind
	asked *questions
}

// coverRest puts that before the routes, which are still to be provisioned. Where a
// handler of ours sees every request that costs nothing: PassOn looks.
func (f *First) coverRest(ctx caddy.Context) error {
	if !UnderWay(f.server.Routes) {
		return nil
	}
	h := &rest{asked: &f.questions}
	return h.Put(ctx, f.server, h)
}

// ServeHTTP runs the routes.
func (h *rest) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.asked.unanswered(w, r, h.Compiled(next))
}

// LooksAtAnswers reports whether a handler that stands before all routes does nothing
// to a request, and only looks whether somebody answers it.
func LooksAtAnswers(h any) bool {
	_, is := h.(*rest)
	return is
}

// Interface guards
var (
	_ caddyhttp.MiddlewareHandler = (*rest)(nil)
	_ Before                      = (*rest)(nil)
)
