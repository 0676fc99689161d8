package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login/app"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// upstreamCredentials are what an app gave out when somebody signed in through
// its own login, ready to be given back to it.
type upstreamCredentials struct {
	authorization string
	cookies       profile.AppCookies
	line          string // of a Cookie header, as it is
	until         int64  // in seconds since 1970; 0: for good
	places        places
}

// places are where an app's own cookies are, by their folded names.
type places map[string]profile.CookiePlace

func placesOf(cookies profile.AppCookies) places {
	p := make(places, len(cookies))
	for _, cookie := range cookies {
		folded := identity.FoldCookie(cookie.Name)
		if _, known := p[folded]; !known || cookie.Place != profile.CookieAtBrowser {
			p[folded] = cookie.Place
		}
	}
	return p
}

type upstreamCredentialsKey struct{}

// checkUpstreamToken makes sure that the login exists: credentials of an app
// must not go to another because of a slip of the pen.
func (s *SessionAuth) checkUpstreamToken(logins []LoginModule) error {
	if s.UpstreamToken == "" {
		return nil
	}
	var named []givingLogin
	for _, l := range logins {
		named = append(named, givingLogin{l.CaddyModule().ID.Name(), l.Name()})
		if l.Name() != s.UpstreamToken {
			continue
		}
		switch of := l.(type) {
		case *AppLogin:
			s.upstream = of.Login
			if of.KeepsCookies() {
				s.watch = appWatch{of.Login}
			}
		case *OIDCLogin:
			of.KeepAccessToken()
			s.provider = true
		}
	}
	return checkGives(s.UpstreamToken, named)
}

// givingLogin is a login, of which upstream_token may be.
type givingLogin struct{ Method, Name string }

func (l givingLogin) gives() bool { return l.Method == "app" || l.Method == "oidc" }

// checkGives refuses a name that is none of a login that gives out tokens.
func checkGives(name string, logins []givingLogin) error {
	var giving []string
	for _, l := range logins {
		switch {
		case l.gives() && l.Name == name:
			return nil
		case l.gives():
			giving = append(giving, l.Name)
		case l.Name == name:
			return fmt.Errorf("upstream_token %s: `login %s` gives out no tokens: name a `login app` or a `login oidc`", name, l.Method)
		}
	}
	there := "there is no `login app " + name + "` or `login oidc " + name + "` in the sidegate options"
	if near, ok := directive.Nearest(name, giving); ok {
		return fmt.Errorf("upstream_token %s: did you mean `%s`? For %s", name, near, there)
	}
	return fmt.Errorf("upstream_token %s: %s", name, there)
}

// checkWrittenToken is that while a Caddyfile is read, whose options have been read
// before any site.
func (s *SessionAuth) checkWrittenToken(h httpcaddyfile.Helper) error {
	app, ok := h.Option("sidegate").(httpcaddyfile.App)
	var written App
	if !ok || s.UpstreamToken == "" || json.Unmarshal(app.Value, &written) != nil {
		return nil
	}
	var named []givingLogin
	for _, raw := range written.LoginsRaw {
		l := givingLogin{Name: writtenName(raw)}
		if l.Name == "" || json.Unmarshal(raw, &l) != nil {
			return nil // it is checked when the modules are loaded
		}
		l.Name = writtenName(raw)
		named = append(named, l)
	}
	return s.tokenLine.Wrap(checkGives(s.UpstreamToken, named))
}

// renewed sees to it that who is let in has an access token to be sent along that
// has not expired: its refresh is waited for. What was decided is decided anew when
// that has changed the session.
func (s *SessionAuth) renewed(g *gateway, r *http.Request, v *caller.Remembered, c *caller.Caller, made demand.Decision) (*caller.Caller, demand.Decision) {
	for range renewals {
		if made.Why != nil || !s.sends(c) {
			return c, made
		}
		now := s.shared.now()
		standing := accessToken(g, c).Standing(now)
		if standing == lifecycle.TokenDue || standing == lifecycle.TokenOver && made.Open {
			g.sessions.AccessTokens.RenewSoon(c.Session, now)
			return c, made
		}
		switch standing {
		case lifecycle.TokenSpent:
			g.events.tokenLess(c.Session, accessToken(g, c).WhySpent())
			return c, made
		case lifecycle.TokenNone, lifecycle.TokenGood, lifecycle.TokenDue:
			return c, made
		}
		rebuilt, err := g.sessions.AccessTokens.Renew(r.Context(), c.Session)
		switch {
		case err == nil, errors.Is(err, lifecycle.ErrUnmapped):
			c = c.With(rebuilt, v.Accounts)
		case errors.Is(err, lifecycle.ErrEnded):
			c = c.Ended()
		default:
			g.events.Trouble(r.Context(), "an access token is renewed", err)
			if !s.ReportOnly { // where nobody is refused, nothing is sent
				made.Why = endpoint.NotChanged(err)
			}
			return c, made
		}
		made = s.decide(r, c)
	}
	return c, made
}

// renewals is how often one request waits: another gateway that keeps no tokens may
// have built the session anew a moment ago.
const renewals = 2

// sends reports whether the person's access token is sent along.
func (s *SessionAuth) sends(c *caller.Caller) bool {
	return s.provider && c.MayPass() && c.Session.Method == s.UpstreamToken
}

type accessTokenKey struct{}

// accessToken is that of the caller's session.
func accessToken(g *gateway, c *caller.Caller) *lifecycle.AccessToken {
	return c.Entry.Derive(accessTokenKey{}, func() any { return g.sessions.AccessTokens.Of(c.Session) }).(*lifecycle.AccessToken)
}

// passOnToken is passOn for a provider's access token: it takes the place of an
// Authorization of the client's own, so that the app sees the person whom the
// headers name.
func (s *SessionAuth) passOnToken(g *gateway, w http.ResponseWriter, r *http.Request, v *caller.Remembered, c *caller.Caller, next caddyhttp.Handler) error {
	token := ""
	if s.sends(c) {
		token = accessToken(g, c).At(s.shared.now())
	}
	if token == "" {
		return s.foreign.PassOn(w, r, v, next)
	}
	before := r.Header["Authorization"]
	r.Header["Authorization"] = []string{"Bearer " + token}
	err := s.foreign.PassOn(w, r, v, next)
	if err != nil {
		restore(r.Header, "Authorization", before)
	}
	return err
}

// passOn gives the app its own credentials back, and takes them out of the
// request again when it is to be answered by an error route: that may lead to
// another app. Cookies of its own that the app sets on the way back stay here.
func (s *SessionAuth) passOn(g *gateway, w http.ResponseWriter, r *http.Request, v *caller.Remembered, c *caller.Caller, next caddyhttp.Handler) error {
	if s.UpstreamToken == "" {
		return s.foreign.PassOn(w, r, v, next)
	}
	if s.provider {
		return s.passOnToken(g, w, r, v, c, next)
	}
	if !c.MayPass() || c.Session.Method != s.UpstreamToken {
		if s.watch != nil {
			if before := v.TakeCookies(s.watch); before != nil {
				v.TakeCookies(before) // of a session_auth before, whose app it is
			} else {
				defer v.TakeCookies(nil)
			}
		}
		return s.foreign.PassOn(w, r, v, next)
	}
	authorization, cookie := r.Header["Authorization"], r.Header["Cookie"]
	given := s.giveBack(g, r, c)
	if s.upstream.KeepsCookies() {
		before := v.TakeCookies(&appAnswer{app: s.upstream, kept: g.sessions.AppCookies, session: c.Session, known: given.cookies})
		defer v.TakeCookies(before)
	}
	err := s.foreign.PassOn(w, r, v, next)
	if err != nil {
		restore(r.Header, "Authorization", authorization)
		restore(r.Header, "Cookie", cookie)
	}
	return err
}

func restore(h http.Header, name string, values []string) {
	if values == nil {
		delete(h, name)
	} else {
		h[name] = values
	}
}

// giveBack puts the app's own token and cookies into the request of somebody
// who signed in through it. They take the place of what the client sent under
// the same names, so that the app sees the person whom the headers name: what a
// browser has of a cookie that stays here is from before, perhaps of whoever sat
// there then. They come first, for most apps take the first of a name.
func (s *SessionAuth) giveBack(g *gateway, r *http.Request, c *caller.Caller) *upstreamCredentials {
	given := c.Entry.Derive(upstreamCredentialsKey{}, func() any { return newUpstreamCredentials(s.upstream, c.Session.Kept, s.shared.now()) }).(*upstreamCredentials)
	if given.authorization != "" {
		r.Header["Authorization"] = []string{given.authorization}
	}
	line, known := given.line, given.places
	if now, changed := g.sessions.AppCookies.Of(c.Session, given.cookies); changed {
		line, known = now.Line(s.shared.now()), placesOf(now)
	} else if given.until != 0 && given.until <= s.shared.now().Unix() {
		line = given.cookies.Line(s.shared.now())
	}
	identity.RemoveCookies(r.Header, func(folded string) bool {
		place, ok := known[folded]
		return s.upstream.Withholds(folded, place, ok)
	})
	if line != "" {
		// One line: several Cookie headers are not for HTTP/1.1 (RFC 6265 section 5.4).
		r.Header["Cookie"] = []string{strings.Join(append([]string{line}, r.Header["Cookie"]...), "; ")}
	}
	return given
}

// newUpstreamCredentials reads what the login kept. What cannot be read, or
// cannot stand in a header, is left out: the app then asks the person itself.
func newUpstreamCredentials(of *app.Login, kept string, now time.Time) *upstreamCredentials {
	given := new(upstreamCredentials)
	k, err := profile.DecodeKept(kept)
	if err != nil || k == nil {
		return given
	}
	if k.UpstreamToken != "" && !strings.ContainsFunc(k.UpstreamToken, notHeader) {
		given.authorization = "Bearer " + k.UpstreamToken
	}
	given.cookies = profile.ReadAppCookies(k.UpstreamCookies)
	given.line, given.until, given.places = given.cookies.Line(now), given.cookies.Until(), placesOf(given.cookies)
	of.SeeKept(given.cookies)
	return given
}

func notHeader(c rune) bool { return c < ' ' || c == 0x7f }

// appAnswer takes an app's own cookies out of its answer to somebody who signed
// in through it, and keeps them in their session: left to the browser, they would
// outlive the sign-out and speak for whoever sits there next.
type appAnswer struct {
	app     *app.Login
	kept    *lifecycle.AppCookies
	session *sessionstore.Session
	known   profile.AppCookies // those of the session
	said    []profile.AppCookie
}

// Takes implements caller.Taker.
func (a *appAnswer) Takes(line string) bool {
	said, stays, ok := a.app.Said(line)
	if ok && !a.clears(said) {
		a.said = append(a.said, said)
	}
	return stays
}

// clears reports whether that deletes what a browser may have of a cookie under
// another path or domain, beside the cookie itself.
func (a *appAnswer) clears(said profile.AppCookie) bool {
	return said.Place == profile.CookieGone && slices.ContainsFunc(a.said, func(c profile.AppCookie) bool {
		return c.Name == said.Name && c.Place == profile.CookieHere && (c.Path != said.Path || c.Domain != said.Domain)
	})
}

// Taken implements caller.Taker.
func (a *appAnswer) Taken() {
	if len(a.said) > 0 {
		a.kept.Note(a.session, a.known, a.said...)
		a.said = nil
	}
}

// appWatch hears of the cookies of an app in its answers to all others, and takes
// none: what it gives them is in the browser when somebody signs in.
type appWatch struct{ app *app.Login }

// Takes implements caller.Taker.
func (a appWatch) Takes(line string) bool { a.app.See(line); return false }

// Taken implements caller.Taker.
func (appWatch) Taken() {}

// Interface guards
var (
	_ caller.Taker = (*appAnswer)(nil)
	_ caller.Taker = appWatch{}
)
