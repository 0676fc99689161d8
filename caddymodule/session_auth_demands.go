package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/foresee"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/siting"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/sessionstore/nearcache"
)

// demanded is the request as it is decided on. A CONNECT that came so far asks for a
// websocket, as a GET does in HTTP/1.1, and the app gets that.
func demanded(r *http.Request) demand.Request {
	method := r.Method
	if method == http.MethodConnect {
		method = http.MethodGet
	}
	return demand.Request{URL: r.URL, Method: method, Preflight: caller.IsPreflight(r)}
}

// Words of on_session_end.
const (
	endClose = "close"
	endKeep  = "keep"
)

func checkSessionEnd(word string) error {
	switch word {
	case "", endClose, endKeep:
		return nil
	}
	return fmt.Errorf("on_session_end is %q: use close, or keep", word)
}

// opens has what the request keeps open watched, and returns it as it is passed on.
// first is false where an earlier session_auth does.
func (s *SessionAuth) opens(g *gateway, w http.ResponseWriter, r *http.Request, v *caller.Remembered, c *caller.Caller) (passed *http.Request, first bool) {
	asked := streams.Asked{Path: r.URL.Path, RawPath: r.URL.RawPath, Method: demanded(r).Method}
	if p := c.User.PrimaryAccount; p != nil {
		asked.Account = p.AccountID
	}
	if s.OnSessionEnd == endKeep {
		return v.Opens(g.streams, w, r, c.Entry, asked, nil)
	}
	return v.Opens(g.streams, w, r, c.Entry, asked, s)
}

// StillPasses reports whether a request that was let through would be with its
// session as it is by now, both for the account that the app was told, which has to
// be the person's still, and, unless the request asked for that one, for the one that
// they act for now.
func (s *SessionAuth) StillPasses(asked *streams.Asked, now *nearcache.Entry) bool {
	if _, still := now.Session.User.WithPrimary(asked.Account); asked.Account != "" && !still {
		return false
	}
	request := demand.Request{URL: &url.URL{Path: asked.Path, RawPath: asked.RawPath}, Method: asked.Method}
	passes := func(accounts ...string) bool { return s.Decide(request, caller.Of(now, accounts)).Why == nil }
	if asked.Account != "" && !passes(asked.Account) {
		return false
	}
	return asked.Chosen || passes()
}

// Foresee says what would be decided, and tells the request who makes it as an app
// would read it, but for the assertion, which nothing is chosen by.
func (s *SessionAuth) Foresee(r *http.Request, c *caller.Caller) foresee.Step {
	step := foresee.Step{Asks: true, ToErrors: s.HandleErrors, At: s.line.String()}
	if neverForwarded(r, &s.foreign) {
		step.Why, step.ToErrors = refusal.Method, false
		return step
	}
	v := caller.Remember(r)
	s.strip(r, v)
	asked := demanded(r)
	made := s.Decide(asked, c)
	step.Why, step.Open, step.Demands = made.Why, made.Open, demand.Told(&s.Demands, made, asked, c)
	if made.Would != nil {
		step.Notes = append(step.Notes, fmt.Sprintf("what a session_auth only reports would be %d %s", made.Would.Status, made.Would.Code))
	}
	if s.Preflight != "" && r.Method == http.MethodOptions {
		step.Notes = append(step.Notes, "preflight pass: with Origin and Access-Control-Request-Method, as browsers ask before a page of another origin sends a request, it passes as nobody's")
	}
	if s.provider {
		step.Notes = append(step.Notes, "upstream_token: a request may have the person's token renewed, which is not done here, and be refused where that fails")
	}
	if made.Why == nil && (!v.Injected || s.identity.explicit) {
		c.Publish(r)
		v.Told()
		s.identity.rendered(c).InjectInto(r.Header, nil)
		for i := range s.identity.custom {
			s.identity.custom[i].set(r.Header, r)
		}
	}
	return step
}

// unauthorized is the status of the answer to who is not signed in.
func (s *SessionAuth) unauthorized(r *http.Request) int {
	if s.leadsToLogin(r) {
		return http.StatusSeeOther
	}
	return http.StatusUnauthorized
}

// leadsToLogin reports whether a person is led to the login page, to sign in; keepsForm
// whether they have sent a form, which would be lost on that way.
func (s *SessionAuth) leadsToLogin(r *http.Request) bool { return s.signsIn(r) && !web.PostsForm(r) }

func (s *SessionAuth) keepsForm(r *http.Request) bool { return s.signsIn(r) && web.PostsForm(r) }

func (s *SessionAuth) signsIn(r *http.Request) bool {
	return !s.NoRedirect && web.IsNavigation(r) && !strings.HasPrefix(r.URL.Path, s.shared.address.BasePath+"/")
}

// keeping is which caches may keep what the app answers: on an open route it is
// anybody's, but for who is told to the app.
func keeping(open, told bool) caller.Keeping {
	switch {
	case !open:
		return caller.KeepApart
	case told:
		return caller.KeepPrivate
	}
	return caller.KeepAsSaid
}

// readAuth reads a session_auth as it is written, for what is seen of a whole
// server. Of one that cannot be read nothing is said.
func readAuth(written json.RawMessage) siting.Auth {
	var s SessionAuth
	if json.Unmarshal(written, &s) != nil {
		return siting.Auth{Opens: func(string) bool { return true }}
	}
	var patterns []string
	for i := range s.Paths {
		patterns = append(patterns, s.Paths[i].Patterns...)
	}
	return siting.Auth{
		Leads:    s.LeadsToLogin() && !s.NoRedirect && !s.HandleErrors,
		ToErrors: s.HandleErrors, UpstreamToken: s.UpstreamToken,
		Demands: s.LeadsToLogin(), Public: s.Public, Paths: patterns,
		Opens: s.MayOpen(),
	}
}

// overfull tells of what somebody's identity headers leave out.
func (s *shared) overfull(c *caller.Caller, leftOut string) {
	if g, err := s.gateway(); err == nil {
		g.events.headersLeftOut(c.Session, leftOut)
	}
}

// Interface guards
var (
	_ streams.Judge   = (*SessionAuth)(nil)
	_ foresee.Handler = (*SessionAuth)(nil)
)
