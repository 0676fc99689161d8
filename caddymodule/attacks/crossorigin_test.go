package attacks_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

const websocket = "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"

// A page of any site can open a websocket with the cookie, and the app would
// talk to it as to the person (cross-site WebSocket hijacking, RFC 6455 section
// 10.2). {own} stands for the site's origin.
var upgrades = []struct {
	name, lines string
	passes      bool
}{
	{"a page of this site", "Origin: {own}\n", true},
	{"a page of this site, as the browser says", "Sec-Fetch-Site: same-origin\nOrigin: {own}\n", true},
	{"what the browser says of the page comes first", "Sec-Fetch-Site: same-origin\nOrigin: https://behind-a-proxy.example\n", true},
	{"a program, which has no page", "", true},
	{"a listed origin", "Origin: https://partner.example\n", true},
	{"a listed origin with the port that it has anyway", "Sec-Fetch-Site: cross-site\nOrigin: https://partner.example:443\n", true},
	{"another site", "Origin: https://evil.example\n", false},
	{"another site, as the browser says", "Sec-Fetch-Site: cross-site\nOrigin: https://evil.example\n", false},
	{"a sibling host", "Sec-Fetch-Site: same-site\nOrigin: https://blog.example.com\n", false},
	{"another site that says it is us", "Sec-Fetch-Site: cross-site\nOrigin: {own}\n", false},
	{"a listed host by another scheme", "Origin: http://partner.example\n", false},
	{"a sandboxed frame", "Origin: null\n", false},
	{"a sandboxed frame, as the browser says", "Sec-Fetch-Site: cross-site\nOrigin: null\n", false},
	{"what is no origin", "Origin: {own}/\tx\n", false},
	{"another port", "Origin: {own}1\n", false},
}

func TestAWebsocketOfAnotherSiteDoesNotHaveThePersonsCookie(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "cors https://partner.example", Auth: "public /open/*", Upstream: up.Address()})
	cookie := "Cookie: theme=dark; " + s.WithCookie(t, gatewaytest.Ada).Cookie + "\n"
	bearer := "Authorization: Bearer " + s.WithToken(t, gatewaytest.Ada).Bearer + "\n"
	open := func(t *testing.T, path, lines string) int {
		t.Helper()
		text := "GET " + path + " HTTP/1.1\nHost: " + s.Address() + "\n" + lines + "\n"
		return s.Exchange(t, strings.ReplaceAll(text, "{own}", s.URL)).StatusCode
	}
	for _, c := range upgrades {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{"/live", "/open/live"} { // where nobody need be signed in, who is is told all the same
				before := up.Count()
				got := open(t, path, websocket+c.lines+cookie)
				if want := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[c.passes]; got != want || up.Count()-before != map[bool]int{true: 1}[c.passes] {
					t.Errorf("%s: answered %d, and %d arrived at the app", path, got, up.Count()-before)
				}
			}
		})
		t.Run(c.name+", by token alone", func(t *testing.T) {
			if got := open(t, "/live", websocket+c.lines+bearer); got != http.StatusOK && !strings.Contains(c.lines, "\t") {
				t.Errorf("answered %d", got)
			}
		})
		t.Run(c.name+", without our cookie where nobody need be signed in", func(t *testing.T) {
			if got := open(t, "/open/live", websocket+c.lines+"Cookie: theme=dark\n"); got != http.StatusOK {
				t.Errorf("answered %d", got)
			}
		})
		t.Run(c.name+", no websocket", func(t *testing.T) {
			if got := open(t, "/live", c.lines+cookie); got != http.StatusOK {
				t.Errorf("answered %d", got)
			}
		})
	}
}

// The matcher must not lead a websocket of another site to what only the person
// may see.
func TestAWebsocketOfAnotherSiteMatchesNoSession(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: "session_endpoints\n@in session\nhandle @in {\nreverse_proxy {upstream}\n}\nhandle {\nrespond stranger 404\n}"})
	cookie := "Cookie: " + s.WithCookie(t, gatewaytest.Ada).Cookie + "\n"
	for origin, want := range map[string]int{s.URL: http.StatusOK, "https://evil.example": http.StatusNotFound} {
		text := "GET /live HTTP/1.1\nHost: " + s.Address() + "\n" + websocket + "Origin: " + origin + "\n" + cookie + "\n"
		if got := s.Exchange(t, text).StatusCode; got != want {
			t.Errorf("%s: answered %d", origin, got)
		}
	}
}

// overTLS asks the site over TLS, as that host.
func overTLS(t *testing.T, s *gatewaytest.Secure, method, path string, header ...string) *http.Response {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{ServerName: gatewaytest.SecureHost, RootCAs: s.Roots, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.Address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), method, "https://"+gatewaytest.SecureHost+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// Whoever stands between a browser and a site writes its pages over plain HTTP,
// and so their Origin is that of the same host: it is another site all the same.
func TestOverTLSAPageOfTheSameHostWithoutItIsAnotherSite(t *testing.T) {
	s := gatewaytest.StartSecure(t, gatewaytest.Site{})
	cookie := s.WithCookie(t, gatewaytest.Ada).Cookie
	for _, c := range []struct {
		name   string
		header []string
		passes bool
	}{
		{"a page over TLS", []string{"Origin", "https://" + gatewaytest.SecureHost}, true},
		{"a page over TLS, with the port that it has anyway", []string{"Origin", "https://" + gatewaytest.SecureHost + ":443"}, true},
		{"a program", nil, true},
		{"a page over plain HTTP", []string{"Origin", "http://" + gatewaytest.SecureHost}, false},
		{"a page over plain HTTP at the port of TLS", []string{"Origin", "http://" + gatewaytest.SecureHost + ":443"}, false},
		{"a page of another port", []string{"Origin", "https://" + gatewaytest.SecureHost + ":8443"}, false},
	} {
		t.Run(c.name+" asks for a change", func(t *testing.T) {
			want := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[c.passes]
			if got := overTLS(t, s, http.MethodPost, "/auth/refresh", append(c.header, "Cookie", cookie)...); got.StatusCode != want {
				t.Errorf("answered %s", got.Status)
			}
		})
		t.Run(c.name+" opens a websocket", func(t *testing.T) {
			want := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[c.passes]
			header := slices.Concat(c.header, []string{"Cookie", cookie, "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Key", "x"})
			if got := overTLS(t, s, http.MethodGet, "/live", header...); got.StatusCode != want {
				t.Errorf("answered %s", got.Status)
			}
		})
	}
	if got := s.With(t, cookie, "").Get("/app"); got.StatusCode != http.StatusOK {
		t.Errorf("and signed out: %s", got.Status)
	}
}

// Where TLS ends in front of this server it is known from who may say so.
func TestThatTLSEndedInFrontIsKnownFromWhoMaySaySo(t *testing.T) {
	for _, c := range []struct {
		name    string
		site    gatewaytest.Site
		header  []string
		refused bool
	}{
		{"a trusted proxy says that it did", gatewaytest.Site{Global: "servers {\ntrusted_proxies static 127.0.0.1/32\n}"}, []string{"X-Forwarded-Proto", "https"}, true},
		{"a trusted proxy says that it did, of a websocket", gatewaytest.Site{Global: "servers {\ntrusted_proxies static 127.0.0.1/32\n}"}, []string{"X-Forwarded-Proto", "wss"}, true},
		{"a trusted proxy says that it did not", gatewaytest.Site{Global: "servers {\ntrusted_proxies static 127.0.0.1/32\n}"}, []string{"X-Forwarded-Proto", "http"}, false},
		{"anybody says that it did", gatewaytest.Site{}, []string{"X-Forwarded-Proto", "https"}, false},
		{"public_url says so of this host", gatewaytest.Site{Options: "public_url https://app.example.com"}, []string{"Host", "app.example.com"}, true},
		{"public_url says so of another host", gatewaytest.Site{Options: "public_url https://www.example.com"}, []string{"Host", "app.example.com"}, false},
		{"nobody says anything", gatewaytest.Site{}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.site.Routes = "session_endpoints\nsession_auth\nreverse_proxy {upstream}\n"
			s := gatewaytest.StartEdited(t, c.site, func(text string, port int) string {
				return strings.Replace(text, "http://127.0.0.1", fmt.Sprintf("http://app.example.com:%d, http://127.0.0.1", port), 1)
			})
			cookie := s.WithCookie(t, gatewaytest.Ada).Cookie
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/auth/refresh", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Cookie", cookie)
			req.Header.Set("Origin", s.URL)
			for i := 0; i < len(c.header); i += 2 {
				if c.header[i] == "Host" {
					req.Host = c.header[i+1] + strings.TrimPrefix(s.URL, "http://127.0.0.1")
					if strings.Contains(c.site.Options, c.header[i+1]) {
						req.Host = c.header[i+1]
					}
					req.Header.Set("Origin", "http://"+req.Host)
					continue
				}
				req.Header.Set(c.header[i], c.header[i+1])
			}
			got := s.Client(t).Send(req)
			if (got.StatusCode == http.StatusForbidden) != c.refused {
				t.Errorf("answered %s", got.Status)
			}
		})
	}
}

// The log says what was compared, and what to do where it is a page of one's own.
func TestARefusedPageOfAnotherSiteIsTold(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "log.json")
	s := gatewaytest.Start(t, gatewaytest.Site{Dir: dir, Global: "log default {\noutput file " + file + "\nformat json\n}"})
	s.WithCookie(t, gatewaytest.Ada).Post("/auth/logout", "Origin", "https://evil.example").Want(t, http.StatusForbidden)
	gatewaytest.Await(t, "the log tells of it", func() bool {
		read, _ := os.ReadFile(file) // it may not be there yet
		text := string(read)
		return strings.Contains(text, `"origin":"https://evil.example"`) && strings.Contains(text, `"own":"`+s.URL) && strings.Contains(text, "cors")
	})
}

// The way to the login page is like every other that leads somewhere: nothing to
// sniff, and no body, which would repeat the address.
func TestTheWayToTheLoginPageHasNoBody(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/private?code=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	resp, err := gatewaytest.NoRedirects.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusSeeOther || len(body) > 0 {
		t.Errorf("answered %s, %v: %q", resp.Status, err, body)
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Content-Type": "",
		"Location": "/auth/login?return_to=%2Fprivate%3Fcode%3D1",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if resp.Header.Get("Vary") == "" {
		t.Error("caches are not told on whom the answer depends")
	}
}
