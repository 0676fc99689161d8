package explain

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
)

// standInName is what all stand-ins are called, each in its namespace.
const standInName = "sidegate_explain"

// register makes the stand-ins known to Caddy. No other command does, so that a
// configuration which names them is refused.
var register = sync.OnceFunc(func() {
	for _, m := range []caddy.Module{core{}, new(memory), new(passing), new(never), new(upstream), vouching{}, provider{}} {
		caddy.RegisterModule(m)
	}
})

func moduleInfo(namespace string, made func() caddy.Module) caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: caddy.ModuleID(namespace + "." + standInName), New: made}
}

// passing stands for a handler that is not run, and passes requests on.
type passing struct {
	Name string `json:"name"`
}

// CaddyModule returns the Caddy module information.
func (*passing) CaddyModule() caddy.ModuleInfo {
	return moduleInfo("http.handlers", func() caddy.Module { return new(passing) })
}

// ServeHTTP says so.
func (p *passing) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	current.remark("is not run, and taken for one that passes the request on")
	return next.ServeHTTP(w, r)
}

// never stands for a matcher that is not run.
type never struct{}

// CaddyModule returns the Caddy module information.
func (*never) CaddyModule() caddy.ModuleInfo {
	return moduleInfo("http.matchers", func() caddy.Module { return new(never) })
}

// MatchWithError is false.
func (*never) MatchWithError(*http.Request) (bool, error) { return false, nil }

// vouching is the login of a session that is given.
type vouching struct{}

// CaddyModule returns the Caddy module information.
func (vouching) CaddyModule() caddy.ModuleInfo {
	return moduleInfo("sidegate.logins", func() caddy.Module { return new(vouching) })
}

// Name is that of no login that can be configured.
func (vouching) Name() string { return "--input" }

// provider stands for a login that asks somebody: it asks nobody.
type provider struct {
	Called string `json:"name"`
}

// CaddyModule returns the Caddy module information.
func (provider) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "sidegate.logins." + standInName + "_provider", New: func() caddy.Module { return new(provider) }}
}

// Name is that of the login.
func (p provider) Name() string { return p.Called }

var errNotAsked = errors.New("the provider is not asked")

// Begin asks nobody.
func (p provider) Begin(context.Context, string, string, string) (string, oidc.Attempt, error) {
	current.remark("a sign-in begins at " + p.Called + ", which is not asked: the answer is none of a running gateway")
	return "", oidc.Attempt{}, errNotAsked
}

// Finish asks nobody.
func (provider) Finish(context.Context, oidc.Attempt, url.Values) (*profile.Person, error) {
	return nil, errNotAsked
}

// EndSession knows no place.
func (provider) EndSession(context.Context, *profile.Kept, string) (end oidc.EndSession, ok bool) {
	return end, false
}

// VerifyLogoutToken knows none.
func (provider) VerifyLogoutToken(context.Context, string) (oidc.LogoutToken, error) {
	return oidc.LogoutToken{}, errNotAsked
}
