package caddymodule

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/web"
)

func init() {
	caddy.RegisterModule(SessionEndpoints{})
}

// maxBody bounds the body of a request to any endpoint.
const maxBody = 64 << 10

// SessionEndpoints serves what lies under base_path: the session that browsers
// ask for, signing in and out, one's devices, and the public keys. Everything
// else it passes on, rid of identity headers that the client made up.
type SessionEndpoints struct {
	app      *App
	csrf     *http.CrossOriginProtection
	stripper *identity.Stripper
	routes   map[string]route
	swagger  []byte
}

// endpoint answers a request to one of our routes.
type endpoint func(g *gateway, w http.ResponseWriter, r *http.Request)

// route is what an address answers, by method.
type route map[string]endpoint

// CaddyModule returns the Caddy module information.
func (SessionEndpoints) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.session_endpoints",
		New: func() caddy.Module { return new(SessionEndpoints) },
	}
}

// Provision finds the app and lays out the routes.
func (e *SessionEndpoints) Provision(ctx caddy.Context) (err error) {
	if e.app, err = findApp(ctx); err != nil {
		return err
	}
	if len(e.app.logins) == 0 {
		return errors.New("nobody could sign in: add a login such as `login users users.yaml` to the sidegate options")
	}
	e.csrf = http.NewCrossOriginProtection()
	if e.app.PublicURL != "" {
		if err := e.csrf.AddTrustedOrigin(e.app.PublicURL); err != nil {
			return err
		}
	}
	e.stripper = identity.NewStripper(accountHeader)
	e.swagger = web.Swagger(e.app.BasePath)
	e.routes = e.layOut()
	return nil
}

func (e *SessionEndpoints) layOut() map[string]route {
	routes := map[string]route{
		"/session":                 {http.MethodGet: getSession},
		"/session/swagger.yaml":    {http.MethodGet: e.getSwagger},
		"/session/primary-account": {http.MethodPut: putPrimaryAccount},
		"/login":                   {http.MethodGet: getLogin, http.MethodPost: postLogin},
		"/logout":                  {http.MethodGet: getLogout, http.MethodPost: postLogout},
		"/refresh":                 {http.MethodPost: postRefresh},
		"/sessions":                {http.MethodGet: listSessions, http.MethodDelete: deleteOtherSessions},
		"/sessions/":               {http.MethodDelete: deleteSession},
		"/.well-known/jwks.json":   {http.MethodGet: getKeys},
	}
	for _, p := range e.app.providers {
		routes["/login/"+p.Name()] = route{http.MethodGet: at(p, getProviderLogin)}
		routes["/callback/"+p.Name()] = route{http.MethodGet: at(p, getCallback)}
		routes["/backchannel-logout/"+p.Name()] = route{http.MethodPost: at(p, postBackchannelLogout)}
	}
	return routes
}

// at is the endpoint of one provider.
func at(p provider, answer func(*gateway, provider, http.ResponseWriter, *http.Request)) endpoint {
	return func(g *gateway, w http.ResponseWriter, r *http.Request) { answer(g, p, w, r) }
}

// ServeHTTP answers what is ours and passes on the rest.
func (e *SessionEndpoints) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.Method == http.MethodConnect {
		return refuseConnect(w, r)
	}
	v := visitOf(r)
	path, ours := strings.CutPrefix(r.URL.Path, e.app.BasePath+"/")
	if ours {
		e.serve(w, r, "/"+path)
		return nil
	}
	e.strip(r, v)
	return next.ServeHTTP(w, r)
}

// serve finds the route and refuses what no route takes, before any body is read.
func (e *SessionEndpoints) serve(w http.ResponseWriter, r *http.Request, path string) {
	methods, found := e.find(path)
	if !found {
		closeUnread(w, r)
		refuseNotFound.write(w, r)
		return
	}
	answer, allowed := methods[methodOf(r)]
	if !allowed {
		w.Header().Set("Allow", methods.allow())
		closeUnread(w, r)
		refuseMethod.write(w, r)
		return
	}
	if err := e.csrf.Check(r); err != nil {
		closeUnread(w, r)
		refuseCrossOrigin.write(w, r)
		return
	}
	if r.ContentLength > maxBody {
		closeUnread(w, r)
		refuseTooLarge.write(w, r)
		return
	}
	if r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	g, err := e.app.gateway()
	if err != nil {
		e.app.unavailable(r).writeJSON(w)
		return
	}
	answer(g, w, r)
}

// find returns the route of a path. Below /sessions/ any id is a path.
func (e *SessionEndpoints) find(path string) (route, bool) {
	if id, ok := strings.CutPrefix(path, "/sessions/"); ok && id != "" && !strings.Contains(id, "/") {
		path = "/sessions/"
	} else if ok {
		return nil, false
	}
	methods, found := e.routes[path]
	return methods, found
}

// methodOf lets every GET be a HEAD; net/http leaves the body out.
func methodOf(r *http.Request) string {
	if r.Method == http.MethodHead {
		return http.MethodGet
	}
	return r.Method
}

func (m route) allow() string {
	var methods []string
	for method := range m {
		methods = append(methods, method)
	}
	if m[http.MethodGet] != nil {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// strip makes sure that a site with these endpoints alone lets nothing forged
// and no credential through. What the client presented stays known to the
// session_auth that follows.
func (e *SessionEndpoints) strip(r *http.Request, v *visit) {
	stripRequest(r, v, e.app, e.stripper)
}

func (e *SessionEndpoints) getSwagger(_ *gateway, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=300")
	writeBody(w, http.StatusOK, "application/yaml", e.swagger)
}

func getKeys(g *gateway, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=300")
	writeBody(w, http.StatusOK, "application/jwk-set+json", g.ring.JWKS())
}

// UnmarshalCaddyfile reads the directive. Syntax:
//
//	session_endpoints [<matcher>]
func (*SessionEndpoints) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	return noMore(d, "session_endpoints")
}

// Interface guards
var (
	_ caddy.Provisioner           = (*SessionEndpoints)(nil)
	_ caddyfile.Unmarshaler       = (*SessionEndpoints)(nil)
	_ caddyhttp.MiddlewareHandler = (*SessionEndpoints)(nil)
)
