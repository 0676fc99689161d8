package endpoint

import (
	"net/http"
	"net/url"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/sessionstore"
)

// whyPath is where a person reads what the gateway knows of them.
const whyPath = "/why"

// Why is what GET /auth/why is given.
type Why struct {
	// Foresee says what would become of a request for that address by that method,
	// where r came to, from a caller who is signed in.
	Foresee func(r *http.Request, u *url.URL, method string, c *caller.Caller) demand.Foreseen
	// Directories are the names of those that are asked about a person.
	Directories []string
}

// why is GET /auth/why: what the gateway knows of who asks, and would decide for a
// path, for the person themself and for support, whom they send it to.
type why struct {
	desk
	given Why
}

func whyRoute(c Config) Route {
	y := why{newDesk(c), *c.Why}
	return Route{Path: whyPath, Answers: map[string]http.HandlerFunc{http.MethodGet: y.get}}
}

// whyAnswer is the answer. Everything in it is of who asks.
type whyAnswer struct {
	SignedIn bool           `json:"signedIn"`
	Why      *caller.Reason `json:"why,omitempty"`
	Via      string         `json:"via,omitempty"`
	Session  *whySession    `json:"session,omitempty"`
	User     *whyUser       `json:"user,omitempty"`
	Request  whyRequest     `json:"request"`
	Path     *whyDecision   `json:"path,omitempty"`
}

type whySession struct {
	ID            string    `json:"id"`
	Login         string    `json:"login"`
	CreatedAt     time.Time `json:"createdAt"`
	LastSeenAt    time.Time `json:"lastSeenAt"`
	ExpiresAt     time.Time `json:"expiresAt"`
	IdleExpiresAt time.Time `json:"idleExpiresAt"`
	// BuiltAt is when Sources last said who this is, and Unmapped that what they said
	// could not be read, so that no role holds.
	BuiltAt  time.Time `json:"builtAt"`
	Sources  []string  `json:"sources"`
	Unmapped bool      `json:"unmapped"`
}

type whyUser struct {
	ID       int64  `json:"id"`
	Email    string `json:"email"`
	Username string `json:"username,omitempty"`
	// Account is the one that they act for with this request; Chosen is what has
	// made it that one: this request, themself before, or their entry.
	Account     string                 `json:"account,omitempty"`
	Chosen      string                 `json:"accountChosenBy,omitempty"`
	Accounts    []sessionstore.Account `json:"accounts"`
	Roles       []string               `json:"roles"`
	Permissions []string               `json:"permissions"`
}

// whyRequest is what the gateway sees of the request: never what stands in a header.
type whyRequest struct {
	Scheme  string `json:"scheme"`
	Host    string `json:"host"`
	Site    string `json:"site"`
	Address string `json:"address,omitempty"`
	// Forwarded are the headers of a proxy in front that came, and Believed whether
	// they were: the peer is one of trusted_proxies.
	Forwarded []string `json:"forwarded"`
	Believed  bool     `json:"forwardedBelieved"`
}

type whyDecision struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	demand.Foreseen
}

// get is always answered with JSON. Looking changes nothing: it is no activity, builds
// nothing anew, and leaves a cookie that is good for nothing where it is, so that
// asking again says the same.
func (y why) get(w http.ResponseWriter, r *http.Request) {
	about, refused := readAbout(r.URL, y.address.AccountParam)
	if refused != nil {
		refused.WriteJSON(w)
		return
	}
	c := y.callers.Caller(r)
	y.address.Cookie.HandOver(w, c)
	if c.Standing == caller.CannotTell || c.Standing == caller.SignedIn && !c.MayPass() {
		y.deny(w, r, c)
		return
	}
	a := whyAnswer{SignedIn: c.MayPass(), Request: y.seen(r)}
	if a.SignedIn {
		a.Via, a.Session, a.User = via(c), y.session(c.Session), userOf(r, c)
		a.Path = y.decision(r, about, c)
	} else {
		reason := y.reason(r, c)
		a.Why = &reason
	}
	h := w.Header()
	h.Set("Vary", web.VaryOnCaller)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	web.WriteJSON(w, http.StatusOK, a)
}

// decision is for who is signed in alone. A stranger is told nothing of any path, not
// even whether it needs a session: each would learn here, without a refusal that is
// counted and logged and for methods that change something, what is worth trying.
func (y why) decision(r *http.Request, about *about, c *caller.Caller) *whyDecision {
	if about == nil {
		return nil
	}
	if _, accounts := identity.TakeParameter(about.url.RawQuery, y.address.AccountParam); y.address.AccountParam != "" && accounts != nil {
		c = caller.Of(c.Entry, accounts) // as that request would choose
	}
	return &whyDecision{about.method, about.told, y.given.Foresee(r, about.url, about.method, c)}
}

func (y why) reason(r *http.Request, c *caller.Caller) caller.Reason {
	if c.Standing == caller.Anonymous && y.address.heldBack(r) {
		return caller.CookieHeldBack
	}
	return caller.ReasonOf(y.callers, r, c)
}

func via(c *caller.Caller) string {
	switch {
	case c.PresentedToken:
		return "bearer"
	case c.ByOldCookie:
		return "old_cookie"
	}
	return "cookie"
}

func (y why) session(s *sessionstore.Session) *whySession {
	told := &whySession{
		ID: s.Key.ID(), Login: s.Method, CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, ExpiresAt: s.ExpiresAt, IdleExpiresAt: s.IdleExpiresAt(),
		BuiltAt: s.BuiltAt, Sources: []string{"login " + s.Method}, Unmapped: s.Unmapped,
	}
	for _, name := range y.given.Directories {
		told.Sources = append(told.Sources, "directory "+name)
	}
	return told
}

func userOf(r *http.Request, c *caller.Caller) *whyUser {
	u := &whyUser{
		ID: c.User.ID, Email: c.User.Email, Username: c.Session.Username,
		Accounts: listed(c.User.Accounts), Roles: listed(c.User.FlatRolesList), Permissions: listed(c.User.FlatPermissionsList),
	}
	if p := c.User.PrimaryAccount; p != nil {
		u.Account, u.Chosen = p.AccountID, "entry"
		switch {
		case len(caller.Remember(r).Accounts) > 0:
			u.Chosen = "request"
		case c.Session.ChosenAccount == p.AccountID:
			u.Chosen = "person"
		}
	}
	return u
}

// listed is never null.
func listed[T any](all []T) []T { return append([]T{}, all...) }

// fronting are the headers in which a proxy in front tells how a browser came.
var fronting = [...]string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-Ip"}

// seen has of those headers the names alone: a value may be what a proxy adds for the
// gateway's eyes.
func (y why) seen(r *http.Request) whyRequest {
	here := origin.Of(r)
	seen := whyRequest{Scheme: here.Scheme, Host: r.Host, Site: y.address.Sites.Of(r).String(), Forwarded: []string{}, Believed: caller.TrustedPeer(r)}
	if addr := caller.Address(r); addr.IsValid() {
		seen.Address = addr.String()
	}
	for _, name := range fronting {
		if r.Header[name] != nil {
			seen.Forwarded = append(seen.Forwarded, name)
		}
	}
	return seen
}
