package attacks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/login"
)

// adopting is a gateway that takes people over from another one.
func adopting(t *testing.T, site gatewaytest.Site, lines ...string) (*gatewaytest.OldGateway, *gatewaytest.Recorder, *gatewaytest.Server, http.Handler) {
	t.Helper()
	old, up := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy), gatewaytest.NewRecorder(t)
	site.Options += "\n" + old.Login("old", lines...)
	site.Upstream = up.Address()
	s, handler := gatewaytest.InProcess(t, site)
	return old, up, s, from(handler)
}

var visitors atomic.Int32

// from has every request come from an address of its own, for a store in memory
// outlives a test, with what is counted there.
func from(handler http.Handler) http.Handler {
	address := fmt.Sprintf("198.51.100.%d:4711", visitors.Add(1))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = address
		handler.ServeHTTP(w, r)
	})
}

// sent is the answer to a request as no client would send it.
func sent(handler http.Handler, method, path, host string, header http.Header) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	r.Host, r.Header = host, header
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

// The other gateway believes what it is sent: it decides by the address, and some
// take the person from a header of a proxy that they trust.
func TestNothingThatAClientMakesUpReachesTheOtherGateway(t *testing.T) {
	old, _, s, handler := adopting(t, gatewaytest.Site{}, "header X-Device")
	cookie := old.SignIn("zoe@example.com")
	sent(handler, http.MethodPost, "/app/admin?x=1", s.Address(), http.Header{
		"Cookie": {"theme=dark; " + cookie + "; sidegate=x"}, "X-Device": {"phone"}, "Authorization": {"Basic eDp5"},
		"Remote-User": {"root"}, "Remote_user": {"root"}, "X-Auth-Request-Email": {"root@example.com"}, "X-Forwarded-User": {"root"},
		"X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Uri": {"/public"}, "X-Forwarded-Proto": {"https"},
		"X-Original-Url": {"https://evil.example/"}, "X-Original-Method": {"OPTIONS"}, "Forwarded": {"for=10.0.0.1"}, "X-Real-Ip": {"10.0.0.1"},
		"X-Session-Email": {"root@example.com"}, "Connection": {"X-Forwarded-Host"}, "X-Http-Method-Override": {"DELETE"},
	})
	asked := old.Asked()
	if len(asked) != 1 {
		t.Fatalf("it was asked %d times", len(asked))
	}
	client := fmt.Sprintf("198.51.100.%d", visitors.Load())
	want := http.Header{
		"Cookie": {cookie}, "X-Device": {"phone"}, "Accept": {"application/json"}, "User-Agent": {"sidegate"},
		"X-Original-Url": {s.URL + "/"}, "X-Original-Method": {"GET"}, "X-Forwarded-Method": {"GET"}, "X-Forwarded-Proto": {"http"},
		"X-Forwarded-Host": {s.Address()}, "X-Forwarded-Uri": {"/"}, "X-Forwarded-For": {client}, "X-Real-Ip": {client},
	}
	got := asked[0].Header
	for name := range want {
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("%s: %q; want %q", name, got[name], want[name])
		}
	}
	for name := range got {
		if want[name] == nil {
			t.Errorf("it was told %s: %q", name, got[name])
		}
	}
}

func TestCookiesThatAdoptNobody(t *testing.T) {
	old, up, s, handler := adopting(t, gatewaytest.Site{})
	zoe, ada := old.SignIn("zoe@example.com"), old.SignIn("ada@example.com")
	name, value, _ := strings.Cut(zoe, "=")
	for _, c := range []struct{ name, cookie string }{
		{"one of another name", "other=" + value},
		{"one whose name only begins alike", name + "x=" + value},
		{"one in other letters", strings.ToUpper(name) + "=" + value},
		{"two of one name that are two people's", zoe + "; " + ada},
		{"two of one name, one of them nobody's", zoe + "; " + name + "=x"},
		{"one without a value", name + "="},
		{"a line break, which would begin another header", name + "=x\r\nX-Forwarded-Uri: /admin"},
		{"a line feed", zoe + "\nX: y"},
		{"a NUL", zoe + "\x00"},
		{"more parts than there are", zoe + manyParts(name)},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := sent(handler, http.MethodGet, "/app", s.Address(), http.Header{"Cookie": {c.cookie}})
			if resp.StatusCode != http.StatusUnauthorized || up.Count() > 0 {
				t.Errorf("answered %s", resp.Status)
			}
			for _, asked := range old.Asked() {
				if asked.Header.Get("X-Forwarded-Uri") != "/" || asked.Header.Get("X") != "" {
					t.Errorf("it was told %v", asked.Header)
				}
			}
		})
	}
	if n := len(old.Asked()); n != 0 {
		t.Errorf("the other gateway was asked %d times", n)
	}
}

// manyParts are more parts of a cookie than any gateway makes.
func manyParts(name string) string {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "; %s_%d=x", name, i)
	}
	return b.String()
}

// Of the cookies of two gateways that know two people nobody can tell which one means.
func TestGatewaysThatDisagreeAdoptNobody(t *testing.T) {
	other := gatewaytest.NewOldGateway(t, gatewaytest.Authelia)
	old, _, s, handler := adopting(t, gatewaytest.Site{Options: other.Login("other")})
	for _, c := range []struct {
		name, here, there string
		status            int
	}{
		{"two people", "zoe@example.com", "ada@example.com", http.StatusUnauthorized},
		{"one person, in other letters", "Zoe@example.com", "zoe@Example.com", http.StatusOK},
		{"one that is known at one of them", "mia@example.com", "", http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			there := "authelia_session=unknown"
			if c.there != "" {
				there = other.SignIn(c.there)
			}
			resp := sent(handler, http.MethodGet, "/app", s.Address(), http.Header{"Cookie": {old.SignIn(c.here) + "; " + there}})
			if resp.StatusCode != c.status {
				t.Errorf("answered %s", resp.Status)
			}
		})
	}
}

// Whoever has one value that counted does not make it count again by changing what
// stands beside it, nor find the session of whom that value is too.
func TestAnAdoptedValueIsNotAdoptedBesideOthers(t *testing.T) {
	old, _, s, handler := adopting(t, gatewaytest.Site{})
	cookie := old.SignIn("zoe@example.com")
	name, _, _ := strings.Cut(cookie, "=")
	get := func(cookie string) int {
		return sent(handler, http.MethodGet, "/app", s.Address(), http.Header{"Cookie": {cookie}}).StatusCode
	}
	if got := get(cookie); got != http.StatusOK {
		t.Fatalf("answered %d", got)
	}
	for _, cookie := range []string{cookie + "; " + name + "_1=other", old.SignIn("ada@example.com") + "; " + name + "_1=shared"} {
		if got := get(cookie); got != http.StatusUnauthorized {
			t.Errorf("%q: answered %d", cookie, got)
		}
	}
}

func TestTheOldCookieReachesNoApp(t *testing.T) {
	for _, c := range []struct{ name, routes string }{
		{"behind session_auth", "session_endpoints\nsession_auth {\npublic /*\n}\nreverse_proxy {upstream}"},
		{"on a route without handlers of ours", "handle /app* {\nreverse_proxy {upstream}\n}\nhandle {\nsession_endpoints\nsession_auth\n}"},
		{"behind session_endpoints alone", "session_endpoints\nreverse_proxy {upstream}"},
		{"behind an error route", "session_endpoints\nsession_auth {\nrole nobody\nhandle_errors\n}\nhandle_errors {\nreverse_proxy {upstream}\n}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			old, up, s, handler := adopting(t, gatewaytest.Site{Routes: c.routes})
			cookie := old.SignIn("zoe@example.com")
			name, value, _ := strings.Cut(cookie, "=")
			sent(handler, http.MethodGet, "/app", s.Address(), http.Header{"Cookie": {
				"theme=dark; " + cookie + "; " + name + "_0=" + value + "; " + strings.ToUpper(name) + "=" + value, cookie}})
			if up.Count() != 1 {
				t.Fatalf("%d requests arrived", up.Count())
			}
			if got := up.Last().Header["Cookie"]; !slices.Equal(got, []string{"theme=dark"}) {
				t.Errorf("the app was sent %q", got)
			}
		})
	}
}

// A page of any site can open a websocket with the cookie of the other gateway too
// (cross-site WebSocket hijacking, RFC 6455 section 10.2).
func TestAWebsocketOfAnotherSiteAdoptsNobody(t *testing.T) {
	old, up, s, handler := adopting(t, gatewaytest.Site{})
	for origin, status := range map[string]int{s.URL: http.StatusOK, "https://evil.example": http.StatusForbidden} {
		resp := sent(handler, http.MethodGet, "/live", s.Address(), http.Header{
			"Cookie": {old.SignIn("zoe@example.com")}, "Origin": {origin}, "Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		})
		if resp.StatusCode != status {
			t.Errorf("a page of %s is answered %s, and %d arrived", origin, resp.Status, up.Count())
		}
	}
}

// A cookie that was just refused is no way to keep the other gateway busy.
func TestARefusedCookieIsNotAskedAboutAgain(t *testing.T) {
	old, _, s, handler := adopting(t, gatewaytest.Site{})
	for range 50 {
		resp := sent(handler, http.MethodGet, "/app", s.Address(), http.Header{"Cookie": {"_oauth2_proxy=expired"}})
		if resp.StatusCode != http.StatusUnauthorized {
			t.Fatalf("answered %s", resp.Status)
		}
	}
	if n := len(old.Asked()); n != 1 {
		t.Errorf("the other gateway was asked %d times", n)
	}
}

// An address that tries one cookie after the other is not asked about any more.
func TestAnAddressThatTriesManyCookiesIsNotAskedAbout(t *testing.T) {
	const limit = 1000
	old, _, s, handler := adopting(t, gatewaytest.Site{})
	last := 0
	for i := range limit + 5 {
		cookie := "_oauth2_proxy=guess-" + strings.Repeat("x", i)
		resp := sent(handler, http.MethodGet, "/app", s.Address(), http.Header{"Cookie": {cookie}})
		if last = resp.StatusCode; last == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "" {
			t.Error("it is not said for how long")
		}
	}
	if n := len(old.Asked()); n != limit || last != http.StatusServiceUnavailable {
		t.Errorf("the other gateway was asked %d times, and the last answer is %d", n, last)
	}
	if got := s.Client(t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).StatusCode; got != http.StatusOK {
		t.Errorf("passwords are refused there too: %d", got)
	}
}

// Made-up cookies do not weigh without end on a gateway that is in trouble, nor on
// another one that is not, and nobody is taken for a stranger for that: it is 503, and
// not for longer than the trouble is remembered.
func TestAnAddressDoesNotKeepAFailingGatewayBusy(t *testing.T) {
	const limit, atMost = login.DefaultPerAddressSilence, login.DefaultSilenceWindow
	old, well := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy), gatewaytest.NewOldGateway(t, gatewaytest.Authelia)
	s, everywhere := gatewaytest.InProcess(t, gatewaytest.Site{Options: well.Login("other") + old.Login("old"), Upstream: gatewaytest.NewRecorder(t).Address()})
	here, elsewhere := from(everywhere), from(everywhere)
	old.Answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	ask := func(handler http.Handler, cookie string) *http.Response {
		return sent(handler, http.MethodGet, "/app", s.Address(), http.Header{"Cookie": {cookie}})
	}
	var last *http.Response
	for i := range 2 * limit {
		last = ask(here, fmt.Sprintf("authelia_session=guess-%d; _oauth2_proxy=guess-%d", i, i))
		if last.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("answered %s", last.Status)
		}
	}
	if n, other := len(old.Asked()), len(well.Asked()); n != limit || other != limit {
		t.Errorf("the failing gateway was asked %d times, the other one %d times", n, other)
	}
	if wait, err := strconv.Atoi(last.Header.Get("Retry-After")); err != nil || wait < 1 || wait > int(atMost.Seconds()) {
		t.Errorf("it is to be tried again after %q", last.Header.Get("Retry-After"))
	}
	if got := ask(here, old.SignIn("zoe@example.com")); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("somebody there is answered %s", got.Status)
	}
	old.Answers(nil)
	if got := ask(elsewhere, old.SignIn("mia@example.com")); got.StatusCode != http.StatusOK {
		t.Errorf("somebody elsewhere is answered %s", got.Status)
	}
	if got := s.Client(t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).StatusCode; got != http.StatusOK {
		t.Errorf("passwords are refused there too: %d", got)
	}
}

// An app does not take the cookie away that the answer gives the browser.
func TestAnAppDoesNotOverwriteTheCookieOfWhoIsAdopted(t *testing.T) {
	old := gatewaytest.NewOldGateway(t, gatewaytest.OAuth2Proxy)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "sidegate=planted; Path=/")
		w.Header().Add("Set-Cookie", "theme=dark")
		w.Header().Set("Cache-Control", "public, max-age=3600")
	}))
	defer app.Close()
	s, handler := gatewaytest.InProcess(t, gatewaytest.Site{Options: old.Login("old"), Upstream: strings.TrimPrefix(app.URL, "http://")})
	resp := sent(from(handler), http.MethodGet, "/app", s.Address(), http.Header{"Cookie": {old.SignIn("zoe@example.com")}})
	lines := resp.Header["Set-Cookie"]
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "sidegate=") || strings.Contains(lines[0], "planted") || lines[1] != "theme=dark" {
		t.Errorf("%s: the cookies are %q", resp.Status, lines)
	}
	if got := resp.Header.Get("Cache-Control"); got != "private, no-store" {
		t.Errorf("caches keep it: %q", got)
	}
}
