package verifying_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestOtherProxiesLetPassWhomTheGatewayLets(t *testing.T) {
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			b := put(t, p)
			ada, grace := b.WithCookie(t, gatewaytest.Ada), b.WithCookie(t, gatewaytest.Grace)
			t.Run("nobody", b.nobody)
			t.Run("who it is", func(t *testing.T) { b.told(t, ada.In(t), grace.In(t)) })
			t.Run("headers of others", func(t *testing.T) { b.others(t, ada.In(t), p.exact) })
			t.Run("its own cookie", func(t *testing.T) { b.cookies(t, ada.In(t)) })
			t.Run("trailers", func(t *testing.T) { b.trailers(t, ada.In(t)) })
			t.Run("rules", func(t *testing.T) { b.rules(t, ada, grace) })
			t.Run("uploads", func(t *testing.T) { b.uploads(t, ada.In(t), grace.In(t)) })
			t.Run("upgrades that nobody asks for", func(t *testing.T) { b.halfUpgrades(t, ada.In(t)) })
			t.Run("websockets", func(t *testing.T) { b.websockets(t, ada, grace) })
			t.Run("sign-out is at once", func(t *testing.T) { b.signOut(t, grace.In(t)) })
			t.Run("the gateway is away", func(t *testing.T) { b.away(t, ada.In(t)) })
		})
	}
}

// A cookie that comes with a yes is the browser's, and no header of the app's request.
func TestOtherProxiesHandOnTheCookieOfAYes(t *testing.T) {
	const cookie = "sidegate=another; Path=/; HttpOnly"
	yes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Set-Cookie"], w.Header()["X-Session-Email"] = []string{cookie}, []string{gatewaytest.Ada}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(yes.Close)
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			b := putBefore(t, p, strings.TrimPrefix(yes.URL, "http://"))
			b.Client(t).Get("/page", "X-Verified-Cookie", "planted=1").Want(t, http.StatusOK).WantHeader(t, "Set-Cookie", cookie)
			for name, values := range b.app.last(t).Header {
				if strings.Contains(strings.Join(values, " "), "another") {
					t.Errorf("the app was told %s", name)
				}
			}
		})
	}
}

func (b *behind) nobody(t *testing.T) {
	nobody := b.Client(t)
	page := nobody.Get("/page?a=b&c", "Accept", "text/html")
	if at := page.Header.Get("Location"); page.StatusCode/100 != 3 || at != "/auth/login?return_to=%2Fpage%3Fa%3Db%26c" {
		t.Errorf("a page is answered %s, %s", page.Status, at)
	}
	nobody.Get("/auth/login?return_to=%2Fpage", "Accept", "text/html").Want(t, http.StatusOK)
	for _, header := range [][]string{
		{"Accept", "application/json"}, {"Accept", "text/html", "Sec-Fetch-Mode", "cors"}, {"Authorization", "Bearer x"}, {"Cookie", "sidegate=x"},
		{"X-Session-Email", gatewaytest.Ada}, {"X-Forwarded-Uri", "/assets/a"}, {"X-Original-Url", "/assets/a"},
	} {
		answer := nobody.Get("/page", header...).Want(t, http.StatusUnauthorized)
		answer.WantHeader(t, "Location", "")
		answer.WantHeader(t, "X-Login-Url", "/auth/login?return_to=%2Fpage")
	}
	if n := b.app.count() + b.reports.count(); n > 0 {
		t.Fatalf("the apps were asked %d times", n)
	}
	nobody.Get("/assets/a.css", forgedIdentity...).Want(t, http.StatusOK)
	wantNothingForged(t, b.app.last(t))
}

// forgedIdentity is what a client says of itself and of its request.
var forgedIdentity = []string{
	"X-Session-Email", "forged@example.com", "X-Session-Account-Id", "forged", "X-Session-Roles", "forged", "X-Session-Assertion", "forged",
	"X_Session_Email", "forged", "X-Session_Account-Id", "forged", "X.Session.Roles", "forged",
	"X-Original-Uri", "/forged", "X-Original-Url", "http://forged.example/forged", "X-Original-Method", "FORGED",
	"X-Forwarded-Uri", "/forged", "X-Forwarded-Method", "FORGED", "X-Forwarded-Host", "forged.example", "X-Forwarded-Proto", "forged",
	"X-Forwarded-For", "192.0.2.99",
	"X_Forwarded_Uri", "/forged", "X-Original_Uri", "/forged", "X_Http_Method_Override", "FORGED", "X-Http.Method-Override", "FORGED", "X_Method", "FORGED",
}

func wantNothingForged(t *testing.T, r *http.Request) {
	t.Helper()
	for name, values := range r.Header {
		if text := strings.ToLower(strings.Join(values, " ")); strings.Contains(text, "forged") || strings.Contains(text, "192.0.2.99") {
			t.Errorf("the app was told %s: %q", name, values)
		}
	}
}

func (b *behind) told(t *testing.T, ada, grace *gatewaytest.Client) {
	cookie := ada.Cookie
	ada.Cookie = "theme=dark; " + cookie + `; sidegate="forged"; sidegate=forged; size=12`
	ada.Get("/page?a=%2F", forgedIdentity...).Want(t, http.StatusOK)
	r := b.app.last(t)
	wantNothingForged(t, r)
	for name, want := range map[string]string{
		"X-Session-User-Id": "1", "X-Session-Email": gatewaytest.Ada, "X-Session-Account-Id": "acme", "X-Session-Account-Name": "Acme Ltd",
		"X-Session-Account-Admin": "true", "X-Session-Accounts": "acme,globex", "X-Session-Roles": "admin,editor",
		"X-Session-Permissions": "reports:run,orders:write", "Cookie": "theme=dark; size=12",
	} {
		if got := strings.Join(r.Header.Values(name), " | "); got != want {
			t.Errorf("%s is %q; want %q", name, got, want)
		}
	}
	if r.Header.Get("X-Session-Id") == "" || r.RequestURI != "/page?a=%2F" || r.Host != b.Address() {
		t.Errorf("the app was asked for %s at %s, in session %q", r.RequestURI, r.Host, r.Header.Get("X-Session-Id"))
	}
	ada.Cookie = cookie
	// A proxy must not take away what the gateway says because its client lists it as
	// hop by hop (RFC 9110 section 7.6.1).
	b.raw(t, ada, "GET", "/page", "Connection: close, X-Session-Email, x-session-roles, X-Forwarded-Uri, X-Forwarded-Host\n").Want(t, http.StatusOK)
	if h := b.app.last(t).Header; h.Get("X-Session-Email") != gatewaytest.Ada || h.Get("X-Session-Roles") == "" {
		t.Errorf("where Connection names them, the app was told %v", h)
	} else if strings.Contains(strings.ToLower(h.Get("Connection")), "x-") {
		t.Errorf("a proxy further on takes away %s", h.Get("Connection"))
	}
	b.raw(t, ada, "GET", "/files/a%2Fb%20c").Want(t, http.StatusOK)
	if got := b.app.last(t).RequestURI; got != "/files/a%2Fb%20c" {
		t.Errorf("the app was asked for %s, and the gateway about something else", got)
	}
	for _, name := range []string{gatewaytest.Ada, gatewaytest.Grace} {
		token := b.Server.WithToken(t, name)
		token.Get("/page").Want(t, http.StatusOK)
		if got := b.app.last(t).Header.Get("X-Session-Email"); got != name {
			t.Errorf("by token it is %q", got)
		}
	}
	grace.Get("/page", forgedIdentity...).Want(t, http.StatusOK)
	r = b.app.last(t)
	wantNothingForged(t, r)
	if r.Header.Get("X-Session-Account-Id") != "" || r.Header.Get("Cookie") != "" {
		t.Errorf("of somebody without an account, and without other cookies, the app was told %v", r.Header)
	}
}

// refusedPaths are all the same to some app or other.
var refusedPaths = []string{
	"/admin", "/admin/x", "//admin/x", "/Admin/x", "/orders/../admin/x", "/orders/..%2fadmin/x", "/orders/..%2Fadmin", "/x/..;/admin/x", "/admin;a=b/x",
	"/%61dmin/x", "/%2561dmin/x", "/x%5c..%5cadmin", "/./admin/", "/reports/..%2fadmin/x", "/auth/..%2fadmin/x", "/auth/../admin/x", "//auth/../admin/x",
	"/assets/..%2fadmin/x", "/assets/../admin/x", "/healthz/..%2fadmin", "/admin?x=/assets/a", "/auth%2f..%2fadmin/x", "/auth/..;/admin/x",
}

func (b *behind) rules(t *testing.T, ada, grace *gatewaytest.Client) {
	for _, method := range []string{"GET", "HEAD", "POST"} {
		for _, path := range refusedPaths {
			t.Run(method+" "+path, func(t *testing.T) { b.wantRefused(t, grace.In(t), method, path) })
		}
	}
	override := "X-HTTP-Method-Override: DELETE\n"
	forged := "X-Forwarded-Uri: /assets/a\nX-Forwarded-Method: GET\nX-Original-Uri: /assets/a\nX-Original-Method: GET\nX-Original-Url: /assets/a\n"
	for _, c := range []struct{ name, method, path, header string }{
		{"a method that takes a permission", "DELETE", "/orders/7", ""},
		{"a method that nobody knows", "BREW", "/orders/7", ""},
		{"another method than is told", "POST", "/orders/7", forged},
		{"another path than is told", "GET", "/admin/x", forged},
		{"a method that the app takes in place of it", "GET", "/orders/7", override},
		{"another app", "GET", "/reports/x", ""},
		{"TRACE", "TRACE", "/page", ""},
	} {
		t.Run(c.name, func(t *testing.T) { b.wantRefused(t, grace.In(t), c.method, c.path, c.header) })
	}
	for _, path := range []string{"/x/../reports/x", "//reports/x", "/reports%2fx", "/%72eports/x", "/x/..;/reports/x"} {
		t.Run("another app, by "+path, func(t *testing.T) {
			before := b.reports.count()
			if got := b.raw(t, grace.In(t), "GET", path); b.reports.count() != before {
				t.Errorf("it has got it, and it was answered %s", got.Status)
			}
		})
	}
	for _, path := range []string{"/auth/verify/site", "/auth/verify", "/auth/%76erify/site", "/auth/verify/site/admin", "/_verify/site"} {
		t.Run("a client asks at "+path, func(t *testing.T) {
			if got := b.raw(t, grace.In(t), "GET", path); got.StatusCode != http.StatusNotFound && got.Header.Get("X-Session-Email") != "" {
				t.Errorf("answered %s: %v", got.Status, got.Header)
			}
		})
	}
	for _, c := range []struct {
		who    *gatewaytest.Client
		method string
		path   string
		at     *app
	}{
		{ada, "GET", "/admin/x", b.app}, {ada, "DELETE", "/orders/7", b.app}, {ada, "HEAD", "/admin/x", b.app}, {grace, "GET", "/orders/7", b.app},
		{grace, "HEAD", "/orders/7", b.app}, {ada, "GET", "/reports/x", b.reports}, {grace, "OPTIONS", "/page", b.app},
	} {
		t.Run(fmt.Sprintf("%s may %s %s", c.who.Cookie[:12], c.method, c.path), func(t *testing.T) {
			before := c.at.count()
			b.raw(t, c.who.In(t), c.method, c.path).Want(t, http.StatusOK)
			if c.at.count() != before+1 || c.at.last(t).Method != c.method {
				t.Errorf("the app has got %d", c.at.count()-before)
			}
		})
	}
}

// raw sends a path as it is, and header lines.
func (b *behind) raw(t *testing.T, who *gatewaytest.Client, method, path string, header ...string) gatewaytest.Answer {
	t.Helper()
	length, closes := "", "close"
	if len(header) > 0 && strings.HasPrefix(header[0], "Connection: ") {
		closes = strings.TrimSpace(strings.TrimPrefix(header[0], "Connection: "))
		header = header[1:]
	}
	if method == "POST" {
		length = "Content-Length: 0\n"
	}
	answer := b.Exchange(t, method+" "+path+" HTTP/1.1\nHost: "+b.Address()+"\nConnection: "+closes+"\nCookie: "+who.Cookie+"\n"+length+strings.Join(header, "")+"\n")
	answer.Request, _ = http.NewRequest(method, "/", nil)
	return answer
}

// wantRefused demands that nobody but the proxy has seen the request.
func (b *behind) wantRefused(t *testing.T, who *gatewaytest.Client, method, path string, header ...string) {
	t.Helper()
	before := b.app.count() + b.reports.count()
	answer := b.raw(t, who, method, path, header...)
	if b.app.count()+b.reports.count() != before {
		t.Errorf("an app has got it, and it was answered %s", answer.Status)
	}
	switch answer.StatusCode {
	case http.StatusForbidden:
	case http.StatusNotFound, http.StatusMethodNotAllowed: // the proxy itself takes no such path, or method
	default:
		t.Errorf("answered %s", answer.Status)
	}
}

func (b *behind) uploads(t *testing.T, ada, grace *gatewaytest.Client) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	ada.Do(http.MethodPost, "/orders/7", string(body), "Content-Type", "text/plain").Want(t, http.StatusOK)
	r := b.app.last(t)
	if got, _ := io.ReadAll(r.Body); r.Method != http.MethodPost || !bytes.Equal(got, body) {
		t.Errorf("the app got %s with %d bytes", r.Method, len(got))
	}
	before := b.app.count()
	answer := b.raw(t, grace, "POST", "/orders/7", "X-Any: thing\n")
	if answer.StatusCode != http.StatusForbidden || b.app.count() != before {
		t.Errorf("without the permission it is %s", answer.Status)
	}
}

const upgrade = "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"

func (b *behind) websockets(t *testing.T, ada, grace *gatewaytest.Client) {
	open := func(t *testing.T, who *gatewaytest.Client, path, origin string) (*gatewaytest.Socket, *http.Response) {
		t.Helper()
		c := gatewaytest.Dial(t, b.Address())
		c.Send(t, gatewaytest.CRLF("GET "+path+" HTTP/1.1\nHost: "+b.Address()+"\n"+upgrade+"Origin: "+origin+"\nCookie: "+who.Cookie+"\n\n"))
		resp, err := http.ReadResponse(c.In, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c, resp
	}
	t.Run("of the own page", func(t *testing.T) {
		c, resp := open(t, ada, "/live", b.URL)
		if resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("answered %s", resp.Status)
		}
		for _, want := range []string{gatewaytest.Ada + "\n", "hello\n"} {
			if got, err := c.In.ReadString('\n'); got != want {
				t.Fatalf("got %q, %v", got, err)
			}
			c.Send(t, "hello\n")
		}
	})
	for _, refused := range []struct {
		name, path, origin string
		who                *gatewaytest.Client
		want               int
	}{
		{"of another site's page", "/live", "https://evil.example", ada, http.StatusForbidden},
		{"without the role", "/admin/live", b.URL, grace, http.StatusForbidden},
		{"of nobody", "/live", b.URL, b.Client(t), http.StatusUnauthorized},
	} {
		t.Run(refused.name, func(t *testing.T) {
			before := b.app.count()
			if _, resp := open(t, refused.who, refused.path, refused.origin); resp.StatusCode != refused.want || b.app.count() != before {
				t.Errorf("answered %s, and the app has got %d", resp.Status, b.app.count()-before)
			}
		})
	}
}

func (b *behind) signOut(t *testing.T, who *gatewaytest.Client) {
	who.Get("/page").Want(t, http.StatusOK)
	cookie := who.Cookie
	who.Post("/auth/logout").Want(t, http.StatusNoContent)
	before := b.app.count()
	gone := b.With(t, cookie, "")
	gone.Get("/page").Want(t, http.StatusUnauthorized)
	if gone.Cookie != "" {
		t.Error("the browser keeps its cookie")
	}
	if b.app.count() != before {
		t.Error("the app was asked")
	}
}

// away: whatever a proxy makes of no answer, it must not be a yes.
func (b *behind) away(t *testing.T, who *gatewaytest.Client) {
	who.Get("/page").Want(t, http.StatusOK)
	b.gateway.Kill()
	before := b.app.count()
	for _, path := range []string{"/page", "/assets/a.css", "/reports/x"} {
		if got := who.Get(path); got.StatusCode/100 != 5 {
			t.Errorf("%s is answered %s", path, got.Status)
		}
	}
	if b.app.count() != before {
		t.Error("the app was asked")
	}
}
