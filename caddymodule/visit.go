package caddymodule

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// visit is what our handlers and matchers remember of one request: the
// credentials as the client presented them, which no upstream may see, and
// who was found to be behind them.
type visit struct {
	cookies       []string // the Cookie header's lines
	authorization []string
	accounts      []string // X-Account-Id

	caller         *caller // by Bearer token, else by cookie
	callerByCookie *caller // by cookie alone
	injected       bool    // identity headers stand in the request

	// One allocation serves for all that a request needs of its own: what
	// caller points to, and the values of the headers that are written, which
	// a later handler may edit in place.
	found  caller
	values [visitValues]string
	taken  bool // values are in use
}

// visitValues is room for the identity headers of a request, or for those of
// the answer to one at /auth/session.
const visitValues = 9

const visitVar = "sidegate.visit"

// visitOf returns what is remembered of the request, and begins to.
func visitOf(r *http.Request) *visit {
	// Not by GetVar and SetVar: they would look for the variables twice.
	vars, _ := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	if v, ok := vars[visitVar].(*visit); ok {
		return v
	}
	v := &visit{
		cookies:       r.Header["Cookie"],
		authorization: r.Header["Authorization"],
		accounts:      r.Header[accountHeader],
	}
	if vars != nil {
		vars[visitVar] = v
	}
	return v
}

// room is where the values of headers are written, for the first who asks; nil
// for others.
func (v *visit) room() []string {
	if v.taken {
		return nil
	}
	v.taken = true
	return v.values[:]
}

// accountHeader chooses the account of one request.
const accountHeader = "X-Account-Id"

// bearer is what the Authorization headers of a request present.
type bearer struct {
	token string
	count int // 0: no Bearer; more than 1: more than one Authorization header
}

// bearer reads Authorization. Other schemes are none of our business and go
// on to the upstream.
func (v *visit) bearer() bearer {
	var b bearer
	for _, value := range v.authorization {
		if token, ok := bearerToken(value); ok {
			b = bearer{token: token, count: len(v.authorization)}
		}
	}
	return b
}

// bearerToken takes a tab for the space that should be there: an app may do so
// too, and must not be handed a token of ours for it.
func bearerToken(value string) (string, bool) {
	const scheme = "Bearer"
	if len(value) < len(scheme) || !strings.EqualFold(value[:len(scheme)], scheme) {
		return "", false
	}
	token := strings.TrimLeft(value[len(scheme):], " \t")
	return token, len(value) == len(scheme) || len(token) < len(value)-len(scheme)
}

// publish makes the caller known to log encoders and later handlers, as
// {http.auth.user.*}. Values are made only when one is asked for.
func (c *caller) publish(r *http.Request) {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	repl.Map(func(key string) (any, bool) {
		field, ours := strings.CutPrefix(key, "http.auth.user.")
		if !ours {
			return nil, false
		}
		return c.placeholder(field)
	})
}

// sessionCookies returns the value of every cookie of that name.
func (v *visit) sessionCookies(name string) []string {
	parsed := http.Header{"Cookie": v.cookies}
	var values []string
	for _, c := range (&http.Request{Header: parsed}).CookiesNamed(name) {
		values = append(values, c.Value)
	}
	return values
}
