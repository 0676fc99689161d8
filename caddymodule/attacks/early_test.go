package attacks_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// early is a gateway over HTTP/3, and somebody who is signed in.
type early struct {
	*testing.T
	server  *gatewaytest.Server
	app     *gatewaytest.Recorder
	port    int
	log     string // the access log
	cookie  string
	tickets *tickets
	quic    *tls.Config
}

func startEarly(t *testing.T) *early {
	t.Helper()
	e := &early{T: t, app: gatewaytest.NewRecorder(t), port: gatewaytest.FreePort(t)}
	dir := t.TempDir()
	e.log = filepath.Join(dir, "access.log")
	site := gatewaytest.Site{Dir: dir, Upstream: e.app.Address(),
		Routes: "log {\noutput file " + e.log + "\n}\nsession_endpoints\nsession_auth\nreverse_proxy {upstream}"}
	secure := gatewaytest.StartSecureBy(t, site, e.port, "h1 h2 h3")
	e.server = secure.Server
	e.cookie = e.server.WithCookie(t, gatewaytest.Ada).Cookie
	e.tickets = newTickets()
	e.quic = &tls.Config{ServerName: gatewaytest.SecureHost, RootCAs: secure.Roots, NextProtos: []string{http3.NextProtoH3}, ClientSessionCache: e.tickets}
	return e
}

// in is the same in a subtest.
func (e *early) in(t *testing.T) *early {
	own := *e
	own.T = t
	return &own
}

// visit signs nobody in: it asks once, and leaves with a ticket for early data.
func (e *early) visit() {
	e.Helper()
	c := e.dial(newWire(e.T, e.port))
	e.answered(c, e.request("GET", "/visit", ""), http.StatusOK)
	gatewaytest.Await(e.T, "the client has a ticket", e.tickets.any)
}

func (e *early) request(method, path, body string) *http.Request {
	e.Helper()
	r, err := http.NewRequest(method, "https://"+gatewaytest.SecureHost+path, strings.NewReader(body))
	if err != nil {
		e.Fatal(err)
	}
	r.Header.Set("Cookie", e.cookie)
	return r
}

// answered sends a request behind the handshake.
func (e *early) answered(c *http3.ClientConn, r *http.Request, status int) string {
	e.Helper()
	resp, err := c.RoundTrip(r)
	if err != nil {
		e.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return e.read(resp, status)
}

func (e *early) read(resp *http.Response, status int) string {
	e.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		e.Fatalf("got %s %s, %v; want %d", resp.Status, body, err, status)
	}
	return string(body)
}

// seen is how many requests of a path the gateways have done with.
func (e *early) seen(path string) int {
	text, err := os.ReadFile(e.log)
	if err != nil {
		return 0
	}
	return strings.Count(string(text), fmt.Sprintf(`"uri":%q`, path))
}

// early sends a request in early data, lets the handshake go on when it was
// answered, and hangs up. It returns the answer's body, and what a listener has
// of the request.
func (e *early) early(r *http.Request, status int) (body string, recorded [][]byte) {
	e.Helper()
	w := newWire(e.T, e.port)
	w.hold()
	ctx, cancel := context.WithTimeout(e.Context(), gatewaytest.Patience)
	e.Cleanup(cancel)
	head := r.Clone(ctx)
	head.Body, head.ContentLength = nil, 0 // written here, for the client itself would wait for the handshake
	c := e.dial(w)
	s, err := c.OpenRequestStream(ctx)
	if err == nil {
		err = s.SendRequestHeader(head)
	}
	if err == nil {
		_, err = io.Copy(s, r.Body)
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		e.Fatal(err)
	}
	gatewaytest.Await(e.T, "the request is answered before the handshake", func() bool { return e.seen(r.URL.Path) == 1 })
	recorded = w.release()
	resp, err := s.ReadResponse()
	if err != nil {
		e.Fatal(err)
	}
	body = e.read(resp, status)
	if err := c.CloseWithError(0, ""); err != nil {
		e.Fatal(err)
	}
	return body, recorded
}

// TestARequestInEarlyDataIsNotDoneTwice: whoever has listened sends the same
// datagrams again, when the gateway has forgotten the connection's first name,
// and it has no way to know (RFC 8470 section 3).
func TestARequestInEarlyDataIsNotDoneTwice(t *testing.T) {
	e := startEarly(t)
	e.visit()
	for _, path := range []string{"/orders", "/auth/logout"} {
		t.Run("a POST to "+path+" is refused, and so is its repetition", func(t *testing.T) {
			e := e.in(t)
			before := e.app.Count()
			body, recorded := e.early(e.request("POST", path, "one more"), http.StatusTooEarly)
			if !strings.Contains(body, `"error":"too_early"`) {
				t.Errorf("got %s", body)
			}
			gatewaytest.Await(t, "the gateway has it again", func() bool {
				replay(t, e.port, recorded)
				return e.seen(path) > 1
			})
			if n := e.app.Count(); n != before {
				t.Errorf("the app has got %s", e.app.Last().URL)
			}
			e.server.With(t, e.cookie, "").Get("/auth/session").Want(t, http.StatusOK)
		})
	}
	t.Run("a GET is marked, and so is its repetition", func(t *testing.T) {
		e := e.in(t)
		before := e.app.Count()
		r := e.request("GET", "/page", "")
		r.Header.Set("Early-Data", "0")
		_, recorded := e.early(r, http.StatusOK)
		gatewaytest.Await(t, "the app has it again", func() bool {
			replay(t, e.port, recorded)
			return e.app.Count() > before+1
		})
		for _, r := range e.app.Since(before) {
			if got := r.Header["Early-Data"]; len(got) != 1 || got[0] != "1" || r.Header.Get("X-Session-Email") != gatewaytest.Ada {
				t.Errorf("the app was told %v", r.Header)
			}
		}
	})
	t.Run("a POST behind the handshake is like any other", func(t *testing.T) {
		e := e.in(t)
		c := e.dial(newWire(t, e.port))
		e.answered(c, e.request("POST", "/later", "one more"), http.StatusOK)
		if h := e.app.Last().Header; h["Early-Data"] != nil || h.Get("X-Session-Email") != gatewaytest.Ada {
			t.Errorf("the app was told %v", h)
		}
	})
	t.Run("an answer before the end of a body says nothing of connections", func(t *testing.T) {
		e := e.in(t)
		c := e.dial(newWire(t, e.port))
		r := e.request("POST", "/auth/login", strings.Repeat("x", 65<<10))
		r.Header.Set("Content-Type", gatewaytest.AsJSON)
		e.answered(c, r, http.StatusRequestEntityTooLarge)
		e.answered(c, e.request("POST", "/auth/nothing", "a body"), http.StatusNotFound)
	})
}

// Whatever guards a route, and whoever says that a request came early.
func TestWhatCameEarlyIsRefusedOnEveryRouteOfOurs(t *testing.T) {
	for name, routes := range map[string]string{
		"session_auth":                      "session_auth {\nno_redirect\n}\nreverse_proxy {upstream}",
		"session_auth with a public path":   "session_auth {\npublic /*\n}\nreverse_proxy {upstream}",
		"session_auth with rules":           "session_auth {\npath /* {\npublic\n}\n}\nreverse_proxy {upstream}",
		"session_auth with error routes":    "session_auth {\nhandle_errors\n}\nreverse_proxy {upstream}\nhandle_errors {\nrespond {err.status_code}\n}",
		"session_endpoints":                 "session_endpoints\nreverse_proxy {upstream}",
		"the matcher session":               "@in session\nreverse_proxy @in {upstream}",
		"the matcher session, turned about": "@out not session\nrespond @out 404\nreverse_proxy {upstream}",
	} {
		t.Run(name, func(t *testing.T) {
			app := gatewaytest.NewRecorder(t)
			_, handler := gatewaytest.InProcess(t, gatewaytest.Site{Upstream: app.Address(), Routes: routes})
			ask := func(method string, complete bool, header ...string) int {
				r := httptest.NewRequest(method, "http://127.0.0.1/orders", http.NoBody)
				r.TLS = &tls.ConnectionState{HandshakeComplete: complete}
				for i := 0; i < len(header); i += 2 {
					r.Header.Add(header[i], header[i+1])
				}
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				return w.Code
			}
			for asked, status := range map[string]int{
				"a POST before the handshake":             ask("POST", false),
				"a POST of which a proxy says so":         ask("POST", true, "Early-Data", "1"),
				"a GET that is a DELETE to some":          ask("GET", false, "X-HTTP-Method-Override", "DELETE"),
				"an upgrade of which a proxy says so":     ask("GET", true, "Early-Data", "1", "Connection", "Upgrade", "Upgrade", "websocket"),
				"a method that the app alone understands": ask("PROPPATCH", false),
			} {
				if status != http.StatusTooEarly {
					t.Errorf("%s: got %d", asked, status)
				}
			}
			if n := app.Count(); n > 0 {
				t.Errorf("the app has got %d", n)
			}
			if ask("GET", false) == http.StatusTooEarly || ask("POST", true) == http.StatusTooEarly {
				t.Error("a GET, or what came behind the handshake, is refused too")
			}
		})
	}
}

// The error word is one of the contract. A provider's code is spent by the GET
// that brings it, and whoever sends it twice may end the person's sign-in there
// (RFC 6749 section 4.1.2).
func TestTheRefusalOfEarlyDataIsAnError(t *testing.T) {
	_, handler := gatewaytest.InProcess(t, gatewaytest.Site{Options: "login oidc sso {\nissuer https://sso.example.com\nclient_id x\nclient_secret y\n}"})
	for _, asked := range []string{"POST /orders", "POST /auth/login", "POST /auth/logout", "POST /auth/refresh", "POST /auth/start-over",
		"PUT /auth/session/primary-account", "DELETE /auth/sessions", "DELETE /auth/sessions/1", "POST /auth/backchannel-logout/sso",
		"GET /auth/callback/sso?code=c&state=s"} {
		t.Run(asked, func(t *testing.T) {
			method, path, _ := strings.Cut(asked, " ")
			r := httptest.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader("{}"))
			r.TLS = new(tls.ConnectionState)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			var e struct{ Error, Message string }
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != http.StatusTooEarly || e.Error != "too_early" || e.Message == "" {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

// What only tells something is answered at once: that is what early data is for.
func TestWhatOnlyTellsSomethingNeedNotWait(t *testing.T) {
	_, handler := gatewaytest.InProcess(t, gatewaytest.Site{Options: "why"})
	for path, status := range map[string]int{"/auth/session": 401, "/auth/why?path=/x": 200, "/auth/login": 200, "/auth/logout": 200, "/auth/.well-known/jwks.json": 200, "/orders": 401} {
		r := httptest.NewRequest("GET", "http://127.0.0.1"+path, nil)
		r.TLS = new(tls.ConnectionState)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%s: got %d", path, w.Code)
		}
	}
}
