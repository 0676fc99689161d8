package caller

import (
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/identity"
)

// Credentials takes those of ours out of requests before any route sees them.
type Credentials struct {
	// Cookie is the name of the session cookie, and Attempts begins those of
	// sign-ins under way.
	Cookie, Attempts string
	// Old reports whether a cookie, by its name as identity.FoldCookie gives it, is one
	// of another gateway by which people are adopted. Nil: none is.
	Old func(folded string) bool
	// AccountParam is the parameter of an address that chooses an account, as
	// AccountHeader does. Empty: none does.
	AccountParam string
	// Ours reports whether a Bearer token is not the upstream's business; many
	// says that it is not the only Authorization header.
	Ours func(token string, many bool) bool
	// Overwritten is told that an app's answer has set a cookie of these names,
	// which was taken out of it. Optional.
	Overwritten func()
	// Login is the path of the login page. LedBack is told that an app leads
	// somebody there of whom it was told that they are signed in. Optional.
	Login   string
	LedBack func()
}

// ahead is what was left of the headers when ours was taken out of them, so
// that what a route did to them since is seen.
type ahead struct {
	cookies, authorization []string
	chosen                 []string // accounts, by the address
	tookCookie, tookBearer bool
	pending                bool // until the first of our handlers or matchers asks
}

// taken stands where nothing is left of a header: it is sent as no header at
// all, and differs from one that a route has deleted since.
var taken = []string{}

// Take takes our credentials away and remembers them for our own handlers.
// Nothing is remembered of a request that has none.
func (c *Credentials) Take(r *http.Request) {
	cookies, authorization := r.Header["Cookie"], r.Header["Authorization"]
	presented := bearerOf(authorization)
	bearer := presented.count > 0 && c.Ours(presented.token, presented.count > 1)
	cookie := identity.RemoveCookie(r.Header, c.Cookie, c.Attempts)
	if c.Old != nil {
		cookie = identity.RemoveCookies(r.Header, c.Old) || cookie
	}
	chosen := c.chosen(r)
	if !bearer && !cookie && chosen == nil {
		return
	}
	if cookie && len(r.Header["Cookie"]) == 0 {
		r.Header["Cookie"] = taken
	}
	if bearer {
		r.Header["Authorization"] = taken
	}
	vars, _ := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	if _, again := vars[rememberedVar]; again {
		return // an error route comes a second time
	}
	v := remember(r, vars)
	v.cookies, v.authorization = cookies, authorization
	v.ahead = ahead{r.Header["Cookie"], r.Header["Authorization"], chosen, cookie, bearer, true}
}

// catchUp sees what routes did to the headers before the first of our handlers:
// one that deletes Cookie means ours too, and one that makes an Authorization
// of something else means that one.
func (v *Remembered) catchUp(h http.Header) {
	a := &v.ahead
	a.pending = false
	v.Accounts = together(h[AccountHeader], a.chosen)
	v.cookies = since(v.cookies, a.cookies, h["Cookie"], a.tookCookie)
	v.authorization = since(v.authorization, a.authorization, h["Authorization"], a.tookBearer)
	for _, name := range []string{"Cookie", "Authorization"} {
		if len(h[name]) == 0 {
			delete(h, name)
		}
	}
}

// since is what a client presented, with what was changed of what was left.
func since(presented, left, now []string, took bool) []string {
	switch {
	case !took || now == nil:
		return now
	case slices.Equal(now, left):
		return presented
	case len(left) > 0 && len(now) > len(left) && slices.Equal(now[:len(left)], left):
		return slices.Concat(presented, now[len(left):])
	}
	return now
}
