package attacks_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// CVE-2026-71324.
func TestConnectIsRefused(t *testing.T) {
	s, up, cookies := guard(t)
	for _, target := range []string{"/app", "/public/x", "/optional/x", "/plain/x", "/denied/x", "/auth/session", "127.0.0.1:80", "127.0.0.1:443"} {
		for _, cookie := range []string{"", "Cookie: " + cookies[gatewaytest.Ada] + "\n"} {
			t.Run(fmt.Sprintf("%s, signed in %t", target, cookie != ""), func(t *testing.T) {
				a := s.Exchange(t, "CONNECT "+target+" HTTP/1.1\nHost: 127.0.0.1\n"+cookie+"\n")
				a.Want(t, http.StatusMethodNotAllowed)
				if a.Header.Get("Allow") == "" {
					t.Error("the answer does not say what is allowed")
				}
				up.None(t)
			})
		}
	}
}

// CVE-2026-40575, CVE-2026-34457, CVE-2025-54576: deciding on what the client says.
func TestNothingThatAClientSaysMovesADecision(t *testing.T) {
	s, up, cookies := guard(t)
	for _, lines := range []string{
		"X-Forwarded-Uri: /public/x\n", "X-Original-URI: /public/x\n", "X-Original-URL: /public/x\n", "X-Rewrite-URL: /public/x\n",
		"X-Forwarded-Prefix: /public\n", "X-Forwarded-Path: /public/x\n", "X-Forwarded-Method: OPTIONS\nX-HTTP-Method-Override: OPTIONS\n",
		"X-Forwarded-Host: 127.0.0.1\nX-Forwarded-For: 127.0.0.1\nX-Real-IP: 127.0.0.1\n", "User-Agent: kube-probe/1.30\n",
		"User-Agent: GoogleHC/1.0\n", "Forwarded: for=127.0.0.1;host=127.0.0.1\n", "X-Session-User-Id: 1\n",
	} {
		t.Run(strings.TrimSpace(lines), func(t *testing.T) {
			s.Exchange(t, "GET /app HTTP/1.1\nHost: 127.0.0.1\n"+lines+"\n").Want(t, http.StatusUnauthorized)
			up.None(t)
			back := strings.ReplaceAll(lines, "/public/x", "/app")
			s.Exchange(t, "GET /public/x HTTP/1.1\nHost: 127.0.0.1\n"+back+"\n").Want(t, http.StatusOK)
			up.One(t)
			signedIn := kinds[0]
			s.Exchange(t, signedIn.request("GET", cookies, lines, ""))
			signedIn.wantTrue(t, up.One(t))
		})
	}
	for _, target := range []string{"/app?/public/x", "/app?x=/public/x", "/app#/public/x", "/app/../public/x", "/public/../app",
		"/public/%2e%2e/app", "/public/..%2fapp", "/public/x;/../../app", "http://127.0.0.1/app", "http://evil.example/app"} {
		t.Run("GET "+target, func(t *testing.T) {
			if a := s.Exchange(t, "GET "+target+" HTTP/1.1\nHost: 127.0.0.1\n\n"); a.StatusCode == http.StatusOK && a.Body != "" {
				t.Errorf("let in: %s", a.Body)
			}
			up.None(t)
		})
	}
}

// CVE-2026-48794, CVE-2022-23632.
func TestTheSpellingOfHostMovesNoDecision(t *testing.T) {
	up := gatewaytest.NewWire(t)
	s := gatewaytest.StartEdited(t, gatewaytest.Site{Upstream: up.Address()}, func(text string, port int) string {
		first := fmt.Sprintf("http://127.0.0.1:%d", port)
		return strings.Replace(text, first, first+fmt.Sprintf(", http://app.example.com:%d", port), 1)
	})
	ours := s.Client(t)
	ours.SignIn(gatewaytest.Ada)
	for _, host := range []string{"app.example.com", "APP.EXAMPLE.COM", "app.example.com.", "APP.example.com.:80", "app.example.com:443", "127.0.0.1", "evil.example"} {
		t.Run(host, func(t *testing.T) {
			a := s.Exchange(t, "GET /app HTTP/1.1\nHost: "+host+"\n\n")
			if a.StatusCode < 400 && a.Body != "" {
				t.Errorf("without a session: %s %s", a.Status, a.Body)
			}
			up.None(t)
			s.Exchange(t, "GET /app HTTP/1.1\nHost: "+host+"\nCookie: "+ours.Cookie+"\nX-Session-Email: forged\n\n")
			for _, a := range up.Take() {
				kinds[0].wantTrue(t, a)
			}
		})
	}
}

// A matcher may be asked before any handler of ours. When the store cannot
// tell, the request goes to the error routes from there, and an app behind
// those is told nothing forged, and no credential, either.
func TestAMatcherThatCannotTellPassesNothingForgedOn(t *testing.T) {
	up, r := gatewaytest.NewWire(t), redistest.Start(t)
	s := gatewaytest.Start(t, gatewaytest.Site{
		Upstream: up.Address(),
		Options:  "secret `a secret of the gateway, long enough for any key`\nstore redis " + r.URL(),
		Routes: "session_endpoints\n@known session\nheader @known X-Known yes\nsession_auth\nreverse_proxy {upstream}\n" +
			"handle_errors {\nreverse_proxy {upstream}\n}",
	})
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
	r.Kill()
	denied := kind{name: "a matcher", path: "/app", signedIn: true}
	s.Exchange(t, denied.request("POST", map[string]string{gatewaytest.Ada: c.Cookie},
		"X-Session-Email: forged\nx_session_email: forged\nConnection: X-Real\nTransfer-Encoding: chunked\nTrailer: X-Session-Email\n",
		"0\nX-Session-Email: forged\n\n"))
	a := up.One(t)
	denied.wantTrue(t, a)
	a.Want(t, "Cookie")
}
