package caddymodule_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

const publicSite = `
	rewrite /doc /healthz
	rewrite /assets/old /admin
	session_endpoints
	session_auth {
		public /healthz /assets/* /a%b /espace*
	}
	reverse_proxy {upstream}
`

func TestPublicPaths(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: publicSite, Upstream: up.Address()})
	for target, public := range map[string]bool{
		"/healthz":             true,
		"/healthz?x=/../admin": true,
		"/assets/":             true,
		"/assets/a/b.css":      true,
		"/assets/a%20b.css":    true,
		"/assets/caf%C3%A9":    true,
		"/espace":              true,
		"/espaces/1":           true,

		// What is decided on is the path that is forwarded.
		"/doc":        true,
		"/assets/old": false,

		"/":                               false,
		"/healthz/":                       false,
		"/healthzz":                       false,
		"/Healthz":                        false,
		"/assets":                         false,
		"/ASSETS/a":                       false,
		"/admin?/assets/":                 false,
		"/admin;/assets/":                 false,
		"//assets/a":                      false,
		"/assets//a":                      false,
		"/assets/../admin":                false,
		"/assets/./a":                     false,
		"/assets/%2e%2e/admin":            false,
		"/assets/..%2fadmin":              false,
		"/assets/..%2Fadmin":              false,
		"/assets%2fa":                     false,
		"/assets/a%2f..%2f..%2fadmin":     false,
		"/assets/..;/admin":               false,
		"/assets/;x=1/../admin":           false,
		"/assets/..%5cadmin":              false,
		`/assets/..\admin`:                false,
		"/assets/%252e%252e/admin":        false,
		"/assets/..%252fadmin":            false,
		"/assets/%00/../admin":            false,
		"/assets/a%00":                    false,
		"/assets/%c0%ae%c0%ae/admin":      false,
		"/assets/%ef%bc%8e%ef%bc%8e/a":    false,
		"/assets/%u002e%u002e/admin":      false,
		"/assets/a%0d%0aX-Session-Id:%20": false,
		"/assets/a%3f/../admin":           false,
		"/healthz%23":                     false,
		"/h%65althz":                      true, // another spelling of the very same path
	} {
		t.Run(target, func(t *testing.T) {
			before, want := up.Count(), http.StatusUnauthorized
			if public {
				want = http.StatusOK
			}
			got := getExactly(t, s, target, "X-Session-Email", "ada@example.com")
			if got != want && !(got == http.StatusBadRequest && !public) {
				t.Errorf("status %d, want %d", got, want)
			}
			if passed := up.Count() > before; passed != public {
				t.Errorf("the app got the request: %v", passed)
			} else if passed {
				wantAnonymous(t, up.Last())
			}
		})
	}
	t.Run("a session that is there is injected", func(t *testing.T) {
		s.WithCookie(t, gatewaytest.Ada).Get("/healthz").Want(t, http.StatusOK)
		if got := up.Last().Header.Get("X-Session-Email"); got != gatewaytest.Ada {
			t.Errorf("the app is told %q", got)
		}
	})
	for name, header := range map[string][]string{
		"a dead cookie":                    {"Cookie", "sidegate=x"},
		"a bad token":                      {"Authorization", "Bearer x"},
		"two accounts":                     {"X-Account-Id", "a", "X-Account-Id", "b"},
		"an account that is not one's own": {"X-Account-Id", "initech"},
	} {
		t.Run(name+" opens a public path to nobody in particular", func(t *testing.T) {
			c := s.WithCookie(t, gatewaytest.Ada)
			if header[0] == "Cookie" {
				c.Cookie = ""
			}
			c.Get("/healthz", header...).Want(t, http.StatusOK)
			wantAnonymous(t, up.Last())
		})
	}
}

// getExactly sends a GET with the target spelt as it is, which net/http's
// client would tidy up, and returns the status.
func getExactly(t testing.TB, s *gatewaytest.Server, target string, header ...string) int {
	t.Helper()
	host := strings.TrimPrefix(s.URL, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n"
	for i := 0; i < len(header); i += 2 {
		request += header[i] + ": " + header[i+1] + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// What a path opens to all is anybody's; all else is its caller's.
func TestWhatIsOpenToAllIsKeptByCachesAsTheAppSays(t *testing.T) {
	app := newLegacy(t)
	app.page = func(w http.ResponseWriter, r *http.Request) {
		if cache := r.URL.Query().Get("cache"); cache != "" {
			w.Header().Set("Cache-Control", cache)
		}
	}
	s := gatewaytest.Start(t, gatewaytest.Site{
		Upstream: strings.TrimPrefix(app.URL, "http://"),
		Routes: "session_endpoints\nhandle /rules/* {\nsession_auth {\npath /rules/open/* {\npublic\n}\npath /rules/may/* {\noptional\n}\n}\nreverse_proxy {upstream}\n}\n" +
			"handle {\nsession_auth {\npublic /open/*\n}\nreverse_proxy {upstream}\n}",
	})
	for _, c := range []struct {
		path        string
		ada, nobody string // Cache-Control
		varies      bool
	}{
		{"/closed", "private", "private, no-store", false},
		{"/closed?cache=public", "public", "private, no-store", true},
		{"/rules/closed?cache=public", "public", "private, no-store", true},
		{"/open/x", "private", "", false},
		{"/open/x?cache=public", "public", "public", false},
		{"/rules/open/x", "private", "", false},
		{"/rules/open/x?cache=public", "public", "public", false},
		{"/rules/may/x", "private", "private", false},
		{"/rules/may/x?cache=public", "public", "public", true},
	} {
		told := s.WithCookie(t, gatewaytest.Ada).Get(c.path)
		if got := told.Header.Get("Cache-Control"); got != c.ada || strings.Contains(told.Header.Get("Vary"), "Cookie") != c.varies {
			t.Errorf("%s, signed in: Cache-Control: %q, want %q, Vary: %q", c.path, got, c.ada, told.Header.Get("Vary"))
		}
		if got := s.Client(t).Get(c.path).Header.Get("Cache-Control"); got != c.nobody {
			t.Errorf("%s, not signed in: Cache-Control: %q, want %q", c.path, got, c.nobody)
		}
	}
	if got := s.WithCookie(t, gatewaytest.Ada).Get("/closed", "Sec-Fetch-Mode", "navigate").Header.Get("Cache-Control"); got != "private, no-cache" {
		t.Errorf("a page: Cache-Control: %q", got)
	}
}

// An error route may lead to an app, which says what is its caller's.
func TestAnErrorPageOfAnAppIsItsCallers(t *testing.T) {
	app := newLegacy(t)
	app.page = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
	s := gatewaytest.Start(t, gatewaytest.Site{
		Upstream: strings.TrimPrefix(app.URL, "http://"),
		Routes:   "session_endpoints\nsession_auth {\nrole nobody-has-it\nhandle_errors\n}\nreverse_proxy {upstream}\nhandle_errors {\nreverse_proxy {upstream}\n}",
	})
	got := s.WithCookie(t, gatewaytest.Ada).Get("/closed", "Sec-Fetch-Mode", "navigate")
	if cache := got.Header.Get("Cache-Control"); cache != "private, no-cache" {
		t.Errorf("%s with Cache-Control %q", got.Status, cache)
	}
}

// Caddy's server answers for an error itself where no error route does, with the
// status of some that any cache keeps (RFC 9110 section 15.1).
func TestWhatEndsInAnErrorIsItsCallers(t *testing.T) {
	const file = "root /nowhere\nfile_server"
	for _, c := range []struct{ name, routes, cache, varies string }{
		{"an error of the configuration", "session_endpoints\nsession_auth\nroute {\nerror \"gone\" 410\n}", "private, no-cache", ""},
		{"a file that is not there", "session_endpoints\nsession_auth\n" + file, "private, no-cache", ""},
		{"without session_endpoints before it", "session_endpoints /auth/*\nsession_auth\n" + file, "private, no-cache", ""},
		{"what something has said of it before", "session_endpoints\nsession_auth\nheader Cache-Control public\n" + file, "public", "Cookie"},
		{"a refusal that is left to error routes", "session_endpoints /auth/*\nsession_auth {\nrole nobody-has-it\nhandle_errors\n}\nrespond x", "private, no-cache", "Cookie"},
		{"what is open to all", "session_endpoints\nsession_auth {\npublic /orders\n}\n" + file, "private, no-cache", ""},
		{"who a matcher lets in", "session_endpoints\nhandle {\n@in session\nhandle @in {\nreverse_proxy {upstream}\n}\n}", "private, no-cache", ""},
		{"whom it does not", "session_endpoints\nhandle {\n@in session role nobody-has-it\nhandle @in {\nrespond x\n}\n" + file + "\n}", "", ""},
		{"an error page that says nothing of it", "session_endpoints\nsession_auth\n" + file + "\nhandle_errors {\nrespond x\n}", "private, no-cache", ""},
		{"an error page that says so itself", "session_endpoints\nsession_auth\n" + file + "\nhandle_errors {\nheader +Cache-Control no-store\nrespond x\n}", "no-store", ""},
		{"an error page that fails", "session_endpoints\nsession_auth\n" + file + "\nhandle_errors {\nerror 404\n}", "private, no-cache", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Routes: c.routes + "\n"})
			got := s.WithCookie(t, gatewaytest.Ada).Get("/orders", "Sec-Fetch-Mode", "navigate")
			if cache := strings.Join(got.Header.Values("Cache-Control"), "; "); cache != c.cache {
				t.Errorf("%s with Cache-Control %q, want %q", got.Status, cache, c.cache)
			}
			if varies := strings.Contains(strings.Join(got.Header.Values("Vary"), ", "), "Cookie"); varies != (c.varies != "") {
				t.Errorf("Vary: %q", got.Header.Values("Vary"))
			}
		})
	}
}
