package caddymodule

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/sessionstore"
)

// getLogin answers GET /auth/login: the page, which works without JavaScript.
// Where there is one provider and no form there is nothing to choose.
func getLogin(g *gateway, w http.ResponseWriter, r *http.Request) {
	page := g.loginPage(r, r.URL.Query().Get("return_to"))
	c := g.caller(r)
	switch {
	case c.standing == signedIn:
		page.SignedInAs = c.user.Email
		page.FormTargets = g.signOutTargets(r, c)
	case page.Alone():
		redirect(w, r, page.Providers[0].Href)
		return
	}
	page.Write(w, http.StatusOK)
}

func (g *gateway) loginPage(r *http.Request, returnTo string) web.Login {
	return web.Login{
		Base:        g.app.BasePath,
		ReturnTo:    g.app.returnTo.clean(r, returnTo),
		Password:    len(g.passwordMethods()) > 0,
		Providers:   g.providerButtons(r, returnTo),
		FormTargets: g.app.returnTo.listed,
	}
}

// providerButtons lead to the configured providers.
func (g *gateway) providerButtons(r *http.Request, returnTo string) []web.Provider {
	var buttons []web.Provider
	for _, p := range g.app.providers {
		href := g.app.BasePath + "/login/" + p.Name()
		if target, ok := g.app.returnTo.allow(r, returnTo); ok {
			href += "?return_to=" + url.QueryEscape(target)
		}
		buttons = append(buttons, web.Provider{Name: p.Name(), Label: labelOf(p), Href: href})
	}
	return buttons
}

// labelOf is what the configuration calls a provider on the page, if anything.
func labelOf(p provider) string {
	if o, ok := p.(*OIDCLogin); ok {
		return o.Label
	}
	return ""
}

func (g *gateway) passwordMethods() []login.PasswordMethod {
	var methods []login.PasswordMethod
	for _, l := range g.app.logins {
		if m, ok := l.(login.PasswordMethod); ok {
			methods = append(methods, m)
		}
	}
	return methods
}

// credentials are what somebody typed, or a program sent.
type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	returnTo string
	form     bool
}

// postLogin answers POST /auth/login. A form is answered with a page or 303,
// JSON with JSON; who is refused learns nothing of why.
func postLogin(g *gateway, w http.ResponseWriter, r *http.Request) {
	given, why := readCredentials(r)
	if why.status != 0 {
		closeUnread(w, r)
		g.refuseLogin(w, r, given, why)
		return
	}
	s, secret, why := g.admit(r, given)
	if why.status != 0 {
		g.refuseLogin(w, r, given, why)
		return
	}
	if !given.form {
		// A program keeps the token and nothing else, so it lives as long as
		// the session does.
		token, err := g.ring.MintSession(s.Key, s.User.ID, s.ExpiresAt)
		if err != nil {
			g.refuseSigning(w, err)
			return
		}
		g.app.Cookie.set(w, secret, g.left(s))
		writeSession(w, r, new(caller).with(s, nil), token)
		return
	}
	g.app.Cookie.set(w, secret, g.left(s))
	redirect(w, r, g.app.returnTo.clean(r, given.returnTo))
}

// redirect is always 303: 307 would send the password on (RFC 9700 section
// 4.12). The address that it leads away from may hold a code (section 4.2.4).
func redirect(w http.ResponseWriter, r *http.Request, target string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h["Content-Type"] = nil // then net/http writes no body, which would only repeat the address
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// admit finds out who it is and begins their session. What fails because the
// client has gone is no failure of ours.
func (g *gateway) admit(r *http.Request, given credentials) (s *sessionstore.Session, secret sessionstore.Secret, why refusal) {
	method, person, why := g.authenticate(r, given)
	if why.status == 0 {
		s, secret, why = g.begin(r, method, person)
	}
	if why.status != http.StatusServiceUnavailable || r.Context().Err() == nil {
		g.app.metrics.signIn(nameOf(method), why)
	}
	return s, secret, why
}

// nameOf is empty where no login has decided.
func nameOf(method login.Method) string {
	if method == nil {
		return ""
	}
	return method.Name()
}

// authenticate asks the password methods in order, behind the throttle. It
// answers with the one that decided, also when it refused.
func (g *gateway) authenticate(r *http.Request, given credentials) (login.Method, *profile.Person, refusal) {
	email, err := profile.NormalizeEmail(given.Email)
	if err != nil || given.Password == "" || len(given.Password) > login.MaxPassword {
		return nil, nil, refuseCredentials
	}
	ctx := r.Context()
	attempt, err := g.throttle.Begin(ctx, email, clientAddr(r))
	if throttled, ok := errors.AsType[*login.Throttled](err); ok {
		return nil, nil, refuseThrottled.after(throttled.RetryAfter)
	}
	if errors.Is(err, login.ErrRefused) {
		return nil, nil, refuseCredentials
	}
	if err != nil {
		g.reportStore(ctx, "sign-in attempts cannot be counted, so nobody is signed in", err)
		return nil, nil, refuseUnavailable
	}
	method, person, err := g.ask(r, email, given.Password)
	switch {
	case err == nil:
		g.settle(r, attempt.Succeeded)
		return method, person, refusal{}
	case errors.Is(err, login.ErrUnknown), errors.Is(err, login.ErrRefused):
		g.app.logger.Info("sign-in refused", zap.Stringer("client", clientAddr(r)))
		return method, nil, refuseCredentials
	}
	g.settle(r, attempt.Abandoned)
	if _, refused := errors.AsType[*profile.Refused](err); refused {
		return method, nil, g.refuseBuild(ctx, method, &profile.Person{}, err)
	}
	if errors.Is(err, login.ErrBusy) {
		return method, nil, refuseBusy
	}
	g.reportStore(ctx, "a login method failed", loginFault{err})
	return method, nil, refuseUnavailable
}

// ask goes through the methods: one that does not know the person passes to
// the next, one that knows them decides.
func (g *gateway) ask(r *http.Request, email, password string) (login.Method, *profile.Person, error) {
	for _, m := range g.passwordMethods() {
		person, err := m.SignIn(r.Context(), email, password)
		if errors.Is(err, login.ErrUnknown) {
			continue
		}
		return m, person, err
	}
	return nil, nil, login.ErrUnknown // nobody has decided
}

// refuseLogin answers a form with the page again, anything else with JSON.
func (g *gateway) refuseLogin(w http.ResponseWriter, r *http.Request, given credentials, why refusal) {
	if !given.form {
		why.writeJSON(w)
		return
	}
	page := g.loginPage(r, given.returnTo)
	page.RetryAfter, page.Failure, page.Reason = why.retryAfter, failureOf(why), why.message
	why.writeHeaders(w)
	page.Write(w, why.status)
}

func failureOf(why refusal) web.Failure {
	switch why {
	case refuseBusy:
		return web.Busy
	case refuseProfile:
		return web.Incomplete
	}
	if why.code == refuseByRule.code {
		return web.Refused
	}
	switch why.status {
	case http.StatusTooManyRequests:
		return web.Throttled
	case http.StatusServiceUnavailable:
		return web.Unavailable
	default:
		return web.Wrong
	}
}

func readCredentials(r *http.Request) (credentials, refusal) {
	switch mediaType(r) {
	case mediaJSON:
		var given credentials
		why := readJSON(r, &given)
		return given, why
	case mediaForm:
		return readForm(r)
	default:
		return credentials{}, refuseMedia
	}
}

// The bodies that endpoints read.
const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// mediaType is the type of the request's body, without parameters.
func mediaType(r *http.Request) string {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

func readForm(r *http.Request) (credentials, refusal) {
	if err := r.ParseForm(); err != nil {
		return credentials{form: true}, refuseBody(err)
	}
	return credentials{
		Email:    r.PostForm.Get("email"),
		Password: r.PostForm.Get("password"),
		returnTo: r.PostForm.Get("return_to"),
		form:     true,
	}, refusal{}
}

// readJSON reads one JSON object and nothing behind it.
func readJSON(r *http.Request, target any) refusal {
	decoder := json.NewDecoder(r.Body)
	if err := decoder.Decode(target); err != nil {
		return refuseBody(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return refuseBody(err)
	}
	return refusal{}
}

// refuseBody tells a body that is too large from one that is malformed. What
// was wrong with it is not told: it may hold a password.
func refuseBody(err error) refusal {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return refuseTooLarge
	}
	return refuseMalformed
}

// clientAddr is the address of the client, with trusted_proxies of Caddy
// taken into account.
func clientAddr(r *http.Request) netip.Addr {
	text, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr
}
