package provider

import (
	"errors"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// session is somebody who is signed in at the provider with a browser.
type session struct {
	id      string // the sid
	subject string
	since   time.Time
	clients map[string]bool // those that it gave tokens for
}

// ending is a client that must hear that somebody's session ended. Empty sid:
// all of that person.
type ending struct {
	client, subject, sid string
}

// signIn signs the person in and returns the value of the browser's cookie.
// The cookie is not the sid, which clients know.
func (s *store) signIn(requestID, email string) (cookie string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	person, known := s.byEmail(email)
	if !known {
		return "", errors.New("there is nobody of that address")
	}
	in := &session{id: random(), subject: person.Subject, since: s.now(), clients: make(map[string]bool)}
	s.sessions.put(in.id, in, sessionLife)
	cookie = random()
	s.browsers.put(cookie, in.id, sessionLife)
	return cookie, s.complete(requestID, in)
}

// complete lets a request succeed for the session. The store is locked.
func (s *store) complete(requestID string, in *session) error {
	r, ok := s.requests.get(requestID)
	if !ok {
		return errors.New("this sign-in has expired: begin again at the app")
	}
	in.clients[r.asked.ClientID] = true
	s.requests.put(requestID, r.with(in), requestLife)
	return nil
}

// resume lets a request succeed without a question, if the browser has a
// session that will do.
func (s *store) resume(r *authRequest, cookie string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, ok := s.sessionOf(cookie)
	return ok && fresh(r.asked, s.now().Sub(in.since)) && s.complete(r.id, in) == nil
}

// sessionOf finds a browser's session. The store is locked.
func (s *store) sessionOf(cookie string) (*session, bool) {
	sid, _ := s.browsers.get(cookie)
	in, ok := s.sessions.get(sid)
	if ok {
		_, ok = s.people[in.subject]
	}
	return in, ok
}

// fresh tells whether somebody who signed in so long ago need not do it again
// (OpenID Connect Core section 3.1.2.1). The library turns prompt=login into
// max_age=0.
func fresh(asked oidc.AuthRequest, age time.Duration) bool {
	if slices.Contains(asked.Prompt, oidc.PromptLogin) || slices.Contains(asked.Prompt, oidc.PromptSelectAccount) {
		return false
	}
	return asked.MaxAge == nil || age <= time.Duration(*asked.MaxAge)*time.Second
}

// end ends the sessions that match, with all of their refresh and access
// tokens, and says which clients had a part in them.
func (s *store) end(matches func(*session) bool) []ending {
	s.mu.Lock()
	defer s.mu.Unlock()
	var endings []ending
	for _, sid := range slices.Sorted(maps.Keys(s.sessions.kept)) {
		in, ok := s.sessions.get(sid)
		if !ok || !matches(in) {
			continue
		}
		s.sessions.take(sid)
		s.revokeTokens(sid)
		for _, client := range slices.Sorted(maps.Keys(in.clients)) {
			endings = append(endings, ending{client, in.subject, sid})
		}
	}
	return endings
}

// Sessions are the sids of the person's sessions, the oldest first.
func (p *Provider) Sessions(subject string) []string {
	s := p.store
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*session
	for sid := range s.sessions.kept {
		if in, ok := s.sessions.get(sid); ok && in.subject == subject {
			found = append(found, in)
		}
	}
	slices.SortFunc(found, func(a, b *session) int { return a.since.Compare(b.since) })
	var sids []string
	for _, in := range found {
		sids = append(sids, in.id)
	}
	return sids
}

// cookieName differs from port to port: cookies do not know of ports, and
// several providers run on one host.
func (p *Provider) cookieName() string {
	_, port, _ := net.SplitHostPort(p.server.Address())
	return "provider_session_" + port
}

func (p *Provider) setCookie(w http.ResponseWriter, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: p.cookieName(), Value: value, Path: "/",
		HttpOnly: true, Secure: p.config.TLS, SameSite: http.SameSiteLaxMode,
	})
}

func (p *Provider) cookie(r *http.Request) string {
	c, err := r.Cookie(p.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}
