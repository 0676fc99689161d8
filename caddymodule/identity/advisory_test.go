package identity_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"example.com/sidegate/caddymodule/identity"
)

// What others got wrong, tried on a whole proxy: the gateway's order of steps
// in front of net/http's reverse proxy, which treats Connection and trailers
// as Caddy's does, in front of an app that reports what it received.

// received is what the app got.
type received struct{ header, trailer http.Header }

// throughGateway sends raw bytes through a gateway and returns what the app
// behind it received.
func throughGateway(t *testing.T, v identity.Values, raw string) received {
	t.Helper()
	got := make(chan received, 1)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- received{r.Header, r.Trailer}
	}))
	defer app.Close()
	target, err := url.Parse(app.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	rendered, strip := newSet(t).Render(v), identity.NewStripper()
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		identity.ReduceConnection(r.Header)
		identity.DropTrailers(r)
		strip.Strip(r.Header)
		rendered.Inject(r.Header)
		identity.RemoveCookie(r.Header, cookie, "")
		proxy.ServeHTTP(w, r)
	}))
	defer gateway.Close()
	sendRaw(t, gateway.Listener.Addr().String(), raw)
	select {
	case r := <-got:
		return r
	default:
		t.Fatal("the request never reached the app")
		return received{}
	}
}

// sendRaw sends a request as it is, which http.Client would not, and waits
// for the whole answer.
func sendRaw(t *testing.T, addr, raw string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Fatal(err)
	}
}

const get = "GET / HTTP/1.1\r\nHost: app.example.com\r\n"

func TestCVE_2026_30851_AnEmptyValueDeletesTheClientsCopy(t *testing.T) {
	nobody := identity.Values{UserID: "7"} // GHSA-7r4p-vjf4-gxv4: the same
	got := throughGateway(t, nobody, get+"Connection: close\r\nX-Session-Roles: admin\r\nX-Session-User-Id: 1\r\n\r\n")
	if v := got.header["X-Session-Roles"]; v != nil {
		t.Errorf("the client's roles %q came through", v)
	}
	if v := got.header.Values("X-Session-User-Id"); len(v) != 1 || v[0] != "7" {
		t.Errorf("user id %q", v)
	}
}

// CVE-2026-52845, GHSA-49wc-4hcv-v58q and CVE-2026-33433 are the same mistake
// with other characters and case.
func TestCVE_2025_64484_AliasesFoldToOneVariable(t *testing.T) {
	aliases := []string{"X_Session_Roles", "x.session.roles", "X-Session_Roles", "x-sEsSiOn-rOlEs", "Remote_User",
		"X_Forwarded_Groups", "X-Auth_Request-User", "x_account_id"}
	raw := get + "Connection: close\r\n"
	for _, a := range aliases {
		raw += a + ": admin\r\n"
	}
	got := throughGateway(t, identity.Values{UserID: "7"}, raw+"\r\n")
	for name := range got.header {
		if identity.IsIdentity(name) && name != "X-Session-User-Id" {
			t.Errorf("%s came through", name)
		}
	}
}

func TestCVE_2026_88004_TrailersDoNotPass(t *testing.T) {
	const chunked = "POST / HTTP/1.1\r\nHost: app.example.com\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
	const body = "\r\n2\r\nhi\r\n0\r\nX-Session-Roles: admin\r\n\r\n"
	for name, announcement := range map[string]string{"announced": "Trailer: X-Session-Roles\r\n", "not announced": ""} {
		t.Run("a trailer that was "+name+" is dropped", func(t *testing.T) {
			got := throughGateway(t, identity.Values{UserID: "7"}, chunked+announcement+body)
			if len(got.trailer) != 0 || got.header.Get("X-Session-Roles") != "" {
				t.Errorf("trailer %v, roles %q", got.trailer, got.header.Get("X-Session-Roles"))
			}
		})
	}
}

// CVE-2026-29054 and GHSA-w9mr-28mw-j8hg are the same in other spellings.
func TestCVE_2024_45410_ConnectionCannotNameOurHeaders(t *testing.T) {
	for _, connection := range []string{"close, X-Session-Email", "x-session-email,close", "close\r\nConnection: X-SESSION-EMAIL",
		"close\r\nProxy-Connection: X-Session-Email"} {
		t.Run(connection, func(t *testing.T) {
			got := throughGateway(t, ada(), get+"Connection: "+connection+"\r\n\r\n")
			if v := got.header.Get("X-Session-Email"); v != "ada@example.com" {
				t.Errorf("the app received %q", v)
			}
		})
	}
}

func TestCVE_2026_25748_AMalformedCookieDoesNotKeepClientHeaders(t *testing.T) {
	for _, malformed := range []string{"=", ";;;", cookie, cookie + "=\"", cookie + "=a; " + cookie + "=b", "a b=c; " + cookie + "==="} {
		t.Run(malformed, func(t *testing.T) {
			got := throughGateway(t, identity.Values{}, get+"Connection: close\r\nCookie: "+malformed+"\r\nX-Session-User-Id: 1\r\n\r\n")
			if v := got.header["X-Session-User-Id"]; v != nil {
				t.Errorf("the client's user id %q came through", v)
			}
			if _, count := identity.FindCookie(got.header["Cookie"], cookie); count != 0 {
				t.Errorf("our cookie went upstream in %q", got.header["Cookie"])
			}
		})
	}
}

// A route that lets everybody through injects nothing, and strips all the same.
func TestNobodySignedInMeansNoIdentityHeader(t *testing.T) {
	got := throughGateway(t, identity.Values{}, get+"Connection: close\r\nX-Session-Email: ada@example.com\r\nRemote-User: ada\r\n\r\n")
	for name := range got.header {
		if identity.IsIdentity(name) {
			t.Errorf("%s came through", name)
		}
	}
}
