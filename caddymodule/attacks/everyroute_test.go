package attacks_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// passing are sites with routes that none of our handlers stands on. Each leads
// /free to the upstream.
var passing = map[string]string{
	"a handle beside those with our handlers": `
		handle /auth/* {
			session_endpoints
		}
		handle /app/* {
			session_auth {
				headers native grafana
				header X-Tenant {http.auth.user.account_id}
			}
			reverse_proxy {upstream}
		}
		handle {
			reverse_proxy {upstream}
		}`,
	"a route before those with our handlers": `
		handle /free* {
			reverse_proxy {upstream}
		}
		handle {
			session_endpoints
			session_auth {
				headers grafana
				header X-Tenant x
			}
		}`,
	"a route that a matcher of ours opens": `
		@anybody not path /auth/*
		session_endpoints /auth/*
		session_auth /app/* {
			headers native grafana
			header X-Tenant x
		}
		reverse_proxy @anybody {upstream}`,
	"a matcher session inside of a handle": `
		handle /auth/* {
			session_endpoints
		}
		handle /x/* {
			@in session
			respond @in in
			session_auth {
				headers grafana
				header X-Tenant x
			}
		}
		handle {
			reverse_proxy {upstream}
		}`,
	"an error route that is reached before our handlers": `
		handle /auth/* {
			session_endpoints
		}
		handle /app/* {
			session_auth {
				headers grafana
				header X-Tenant x
			}
		}
		error /free* 418
		handle_errors {
			reverse_proxy {upstream}
		}`,
	"our handlers in error routes and endpoints elsewhere": `
		handle /auth/* {
			session_endpoints
		}
		handle {
			reverse_proxy {upstream}
		}
		handle_errors {
			session_auth {
				headers grafana
				header X-Tenant x
			}
		}`,
	"our handlers in error routes alone, where a site has a name": `
		handle /auth/* {
			respond 404
		}
		handle {
			reverse_proxy {upstream}
		}
		handle_errors {
			session_auth {
				headers grafana
				header X-Tenant x
			}
			session_endpoints
		}`,
}

// made is what a client makes up for a site of passing.
func made(cookie, token string) (lines string) {
	for _, name := range []string{"X-Session-Email", "X-Session-Whatever", "X-Webauth-User", "X-Webauth-Whatever", "X-Tenant"} {
		for _, spelled := range spellings(name) {
			lines += spelled + ": forged\n"
		}
	}
	return lines + "Cookie: theme=dark; " + cookie + "; sidegate-attempt-0123=forged; SIDEGATE=forged\nAuthorization: Bearer " + token + "\n"
}

// A promise wider than the code: "on every route", where those with our
// handlers were meant.
func TestNothingForgedPassesARouteWithoutOurHandlers(t *testing.T) {
	for name, routes := range passing {
		t.Run(name, func(t *testing.T) {
			up := gatewaytest.NewWire(t)
			s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: routes})
			cookie, token := "sidegate=forged", "forged"
			if !strings.Contains(name, "alone") {
				c := s.Client(t)
				token = c.SignIn(gatewaytest.Ada).Token
				cookie = c.Cookie
			}
			up.Take()
			s.Exchange(t, "POST /free HTTP/1.1\nHost: 127.0.0.1\n"+made(cookie, token)+
				"X-Webhook: kept\nTrailer: X-Session-Email, X-Kept\nTransfer-Encoding: chunked\n\n4\nbody\n0\nX-Session-Email: forged\nx_tenant: forged\n\n")
			a := up.One(t)
			a.Want(t, "X-Webhook", "kept")
			a.Want(t, "Cookie", "theme=dark")
			if token == "forged" {
				return // nobody could sign in here, so what is no token of ours stays
			}
			a.Want(t, "Authorization")
			if strings.Contains(strings.ToLower(a.Raw), forged) || strings.Contains(a.Raw, token) {
				t.Errorf("something of ours arrived:\n%s", a.Raw)
			}
		})
	}
}

// A named route is made ready when the server's routes are a chain already.
func TestWhatANamedRouteSendsIsStrippedOnEveryRoute(t *testing.T) {
	up := gatewaytest.NewWire(t)
	routes := "session_endpoints /auth/*\nhandle /app/* {\ninvoke late\n}\nreverse_proxy {upstream}"
	s := gatewaytest.StartEdited(t, gatewaytest.Site{Upstream: up.Address(), Routes: routes}, func(caddyfile string, port int) string {
		site := fmt.Sprintf("http://127.0.0.1:%d {", port)
		return strings.Replace(caddyfile, site, "&(late) {\nsession_auth {\nheader X-Tenant {http.auth.user.account_id}\n}\nreverse_proxy "+up.Address()+"\n}\n"+site, 1)
	})
	cookie := "Cookie: " + s.WithCookie(t, gatewaytest.Ada).Cookie + "\n"
	up.Take()
	for path, want := range map[string][]string{"/free": nil, "/app/x": {"acme"}} {
		s.Exchange(t, "GET "+path+" HTTP/1.1\nHost: 127.0.0.1\n"+cookie+"X-Tenant: forged\nx~tenant: forged\n\n").Want(t, http.StatusOK)
		a := up.One(t)
		a.Want(t, "X-Tenant", want...)
		a.Want(t, "x~tenant")
	}
}

// What failed before any route goes to the error routes as the client sent it.
func TestNothingForgedReachesErrorRoutesBeforeAnyRoute(t *testing.T) {
	up := gatewaytest.NewWire(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: passing["an error route that is reached before our handlers"]})
	c := s.Client(t)
	token := c.SignIn(gatewaytest.Ada).Token
	method := strings.Repeat("M", 33)
	s.Exchange(t, method+" /free HTTP/1.1\nHost: 127.0.0.1\n"+made(c.Cookie, token)+"\n")
	a := up.One(t)
	a.Want(t, "Cookie", "theme=dark")
	a.Want(t, "Authorization")
	for _, name := range []string{"X-Session-Email", "X-Webauth-User", "X-Tenant"} {
		a.Want(t, name)
	}
}

// Other sites of that port may be other people's: what no handler of ours sends
// there is theirs.
func TestOtherSitesOfAServerKeepWhatIsTheirs(t *testing.T) {
	up := gatewaytest.NewWire(t)
	s := gatewaytest.StartEdited(t, gatewaytest.Site{Upstream: up.Address()}, func(caddyfile string, port int) string {
		return caddyfile + fmt.Sprintf("http://localhost:%d {\nbind 127.0.0.1\nreverse_proxy %s\n}\n", port, up.Address())
	})
	for name, tt := range map[string]struct{ lines, header, want string }{
		"a preset that is not used":    {"X-Webauth-User: theirs\n", "X-Webauth-User", "theirs"},
		"a choice of account":          {"X-Account-Id: theirs\n", "X-Account-Id", "theirs"},
		"a Bearer token":               {"Authorization: Bearer theirs\n", "Authorization", "Bearer theirs"},
		"a password":                   {"Authorization: Basic dGhlaXJz\n", "Authorization", "Basic dGhlaXJz"},
		"cookies":                      {"Cookie: a=b; c=\"d\"\n", "Cookie", `a=b; c="d"`},
		"trailers":                     {"Te: trailers\n", "Te", "trailers"},
		"headers of another gateway":   {"X-Goog-Authenticated-User-Email: theirs\n", "X-Goog-Authenticated-User-Email", "theirs"},
		"what a proxy has rewritten":   {"X-Original-URL: /theirs\n", "X-Original-Url", "/theirs"},
		"not what is native":           {"X-Session-Email: forged\n", "X-Session-Email", ""},
		"not a native name in folds":   {"x~session~email: forged\n", "x~session~email", ""},
		"not our cookie beside theirs": {"Cookie: a=b; sidegate=x\n", "Cookie", "a=b"},
	} {
		t.Run(name, func(t *testing.T) {
			s.Exchange(t, "GET / HTTP/1.1\nHost: localhost\n"+tt.lines+"\n")
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			up.One(t).Want(t, tt.header, want...)
		})
	}
}

// A server that the matcher alone stands in at its top is not seen by it: it
// strips what it is asked about.
func TestTheMatcherStripsWhetherItHoldsOrNot(t *testing.T) {
	up := gatewaytest.NewWire(t)
	s := gatewaytest.StartEdited(t, gatewaytest.Site{Upstream: up.Address(), Routes: "session_endpoints"}, func(caddyfile string, port int) string {
		return caddyfile + fmt.Sprintf(":%d {\nbind 127.0.0.1\n@in session\nheader @in X-In yes\nreverse_proxy %s\n}\n", port+1, up.Address())
	})
	c := s.Client(t)
	token := c.SignIn(gatewaytest.Ada).Token
	alone := &gatewaytest.Server{URL: fmt.Sprintf("http://127.0.0.1:%d", s.Port+1)}
	for name, tt := range map[string]struct{ lines, in string }{
		"it holds for a cookie":  {"Cookie: theme=dark; " + c.Cookie + "\n", "yes"},
		"it holds for a token":   {"Cookie: theme=dark\nAuthorization: Bearer " + token + "\n", "yes"},
		"it does not hold":       {"Cookie: theme=dark\n", ""},
		"it does not for a lie":  {"Cookie: theme=dark; sidegate=x\n", ""},
		"nor for a second token": {"Cookie: theme=dark\nAuthorization: Bearer " + token + "\nAuthorization: Bearer x\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			alone.Exchange(t, "GET / HTTP/1.1\nHost: 127.0.0.1\nX-Session-Email: forged\nx~session~roles: forged\n"+tt.lines+"\n").
				WantHeader(t, "X-In", tt.in)
			a := up.One(t)
			a.Want(t, "Cookie", "theme=dark")
			a.Want(t, "Authorization")
			if strings.Contains(a.Raw, forged) {
				t.Errorf("something forged arrived:\n%s", a.Raw)
			}
		})
	}
}

// ahead is another module that puts a route before all others.
type ahead struct{}

func (ahead) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.test_ahead", New: func() caddy.Module { return new(ahead) }}
}

func (*ahead) Provision(ctx caddy.Context) error {
	routes := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server).Routes
	routes[0].MatcherSets = append(caddyhttp.MatcherSets{{caddyhttp.MatchPath{"/*"}}}, routes[0].MatcherSets...)
	return nil
}

func (*ahead) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return next.ServeHTTP(w, r)
}

func init() {
	caddy.RegisterModule(ahead{})
	httpcaddyfile.RegisterHandlerDirective("test_ahead", func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		return new(ahead), nil
	})
}

// It leans on Caddy's inside: where that is otherwise, nothing starts.
func TestAGatewayThatDoesNotComeFirstRefusesToStart(t *testing.T) {
	for _, tt := range []struct{ name, routes, want string }{
		{"another module puts itself before it", "route {\nsession_endpoints\ntest_ahead\nsession_auth\nrespond ok\n}", "another module puts a route before it"},
		{"it is made ready too late", "reverse_proxy {upstream}\n}\n&(late) {\nsession_auth {\nno_redirect\n}\n", "named or error routes alone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := gatewaytest.Site{Routes: tt.routes}
			s := c.Prepare(t)
			text := c.Caddyfile(s)
			if strings.Contains(tt.routes, "&(late)") {
				text = strings.Replace(text, fmt.Sprintf("http://127.0.0.1:%d {", s.Port), fmt.Sprintf(":%d {\ninvoke late", s.Port), 1)
				text = strings.Replace(text, "reverse_proxy {upstream}", "respond ok", 1)
				at := strings.Index(text, "&(late)")
				site := strings.LastIndex(text[:at], fmt.Sprintf(":%d {", s.Port))
				text = text[:site] + text[at:] + text[site:at]
			}
			err := caddy.Load(gatewaytest.Adapt(t, text), true)
			if err == nil {
				t.Cleanup(func() { _ = caddy.Stop() })
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("loading: %v\n%s", err, text)
			}
		})
	}
}

// What was taken away before all routes is not lost to our own handlers, and
// what a route did to it since counts.
func TestWhatARouteDoesToCredentialsBeforeOurHandlersCounts(t *testing.T) {
	up := gatewaytest.NewWire(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: `
		session_endpoints /auth/*
		route /nocookie {
			request_header -Cookie
			session_auth
			reverse_proxy {upstream}
		}
		route /query {
			request_header Authorization "Bearer {query.token}"
			session_auth
			reverse_proxy {upstream}
		}
		route /more {
			request_header +Cookie "more=yes"
			session_auth
			reverse_proxy {upstream}
		}
		route /foreign {
			session_auth {
				foreign_bearer
			}
			reverse_proxy {upstream}
		}
		route {
			session_auth
			reverse_proxy {upstream}
		}`})
	c := s.Client(t)
	token := c.SignIn(gatewaytest.Ada).Token
	for _, tt := range []struct {
		name, path, lines string
		status            int
		cookie            string
	}{
		{"the cookie that was taken is looked at", "/", "Cookie: " + c.Cookie + "\n", 200, ""},
		{"so is the token", "/", "Authorization: Bearer " + token + "\n", 200, ""},
		{"a route that deletes cookies deletes ours", "/nocookie", "Cookie: " + c.Cookie + "\n", 401, ""},
		{"and beside others", "/nocookie", "Cookie: a=b; " + c.Cookie + "\n", 401, ""},
		{"a token that a route makes of something else", "/query?token=" + token, "", 200, ""},
		{"wins over a bad one that was taken", "/query?token=" + token, "Authorization: Bearer " + token + "x\n", 200, ""},
		{"and a bad one over a good cookie", "/query?token=x", "Cookie: " + c.Cookie + "\n", 401, ""},
		{"a cookie that a route adds", "/more", "Cookie: a=b; " + c.Cookie + "\n", 200, "a=b; more=yes"},
		{"an app's own token stays where it is foreign", "/foreign", "Authorization: Bearer theirs\nCookie: " + c.Cookie + "\n", 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.Exchange(t, "GET "+tt.path+" HTTP/1.1\nHost: 127.0.0.1\n"+tt.lines+"\n").Want(t, tt.status)
			arrived := up.Take()
			if tt.status != http.StatusOK {
				return
			}
			if got := strings.Join(arrived[0].Values("Cookie"), "; "); got != tt.cookie {
				t.Errorf("the app got the cookies %q", got)
			}
			if tt.path == "/foreign" {
				arrived[0].Want(t, "Authorization", "Bearer theirs")
			} else {
				arrived[0].Want(t, "Authorization")
			}
		})
	}
}

// A further header is deleted on every route of its server, but for names that
// clients send for other reasons: an upload without its Content-Type is none.
func TestAFurtherHeaderIsStrippedOnEveryRouteUnlessItIsOrdinary(t *testing.T) {
	up := gatewaytest.NewWire(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: `
		session_endpoints /auth/*
		session_auth /app/* {
			header X-Tenant t
			header Tenant t
			header Authorization "Basic dGVjaG5pY2Fs"
			header Cookie a=b
			header Content-Type text/plain
			header User-Agent gateway
		}
		reverse_proxy {upstream}`})
	const own = "X-Tenant: theirs\nTenant: theirs\nAuthorization: Basic dGhlaXJz\nCookie: theirs=yes\nContent-Type: theirs/own\nUser-Agent: theirs\n"
	s.Exchange(t, "GET /free HTTP/1.1\nHost: 127.0.0.1\n"+own+"\n")
	a := up.One(t)
	for name, want := range map[string]string{"X-Tenant": "", "Tenant": "", "Authorization": "Basic dGhlaXJz", "Cookie": "theirs=yes",
		"Content-Type": "theirs/own", "User-Agent": "theirs"} {
		if got := strings.Join(a.Values(name), ","); got != want {
			t.Errorf("%s arrived as %q, want %q", name, got, want)
		}
	}
}
