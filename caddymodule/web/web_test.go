package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/web"
)

func TestEveryPageCarriesTheSecurityHeaders(t *testing.T) {
	want := map[string]string{
		"Content-Type":                 "text/html; charset=utf-8",
		"Cache-Control":                "no-store",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
	}
	for name, write := range everyPage() {
		t.Run(name, func(t *testing.T) {
			w := record(write)
			for header, value := range want {
				if got := w.Header().Get(header); got != value {
					t.Errorf("%s is %q, want %q", header, got, value)
				}
			}
			if got := w.Header().Get("Content-Length"); got != strconv.Itoa(w.Body.Len()) {
				t.Errorf("Content-Length is %s of %d bytes", got, w.Body.Len())
			}
		})
	}
}

// With no-referrer, browsers send "Origin: null" with a form's post (Fetch,
// "append a request Origin header"), and our own forms would look cross-site.
func TestTheReferrerPolicyLetsOurFormsSayWhereTheyComeFrom(t *testing.T) {
	for name, write := range everyPage() {
		t.Run(name, func(t *testing.T) {
			if got := record(write).Header().Get("Referrer-Policy"); got != "same-origin" {
				t.Errorf("Referrer-Policy is %q", got)
			}
		})
	}
}

func TestThePolicyAllowsTheStyleSheetByItsHashAndNothingElse(t *testing.T) {
	for name, write := range everyPage() {
		t.Run(name, func(t *testing.T) {
			w := record(write)
			_, rest, _ := strings.Cut(w.Body.String(), "<style>")
			css, _, ok := strings.Cut(rest, "</style>")
			if !ok || css == "" {
				t.Fatal("no style sheet in the page")
			}
			sum := sha256.Sum256([]byte(css))
			want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; " +
				"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
			if script := ownScript(t, name); script != "" {
				want = strings.Replace(want, "; img-src", "; script-src "+scriptOf(t, w.Body.String(), script)+"; img-src", 1)
			}
			switch name {
			case "post back", "sign out there":
				want = strings.Replace(want, "form-action 'self'", "form-action *", 1)
			case "same site", "depart":
				want = strings.Replace(want, "form-action 'self'", "form-action 'none'", 1)
			}
			if got := w.Header().Get("Content-Security-Policy"); got != want {
				t.Errorf("policy is\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// scriptOf is the page's script, which is that one, as a policy names it.
func scriptOf(t *testing.T, body, want string) string {
	t.Helper()
	_, rest, _ := strings.Cut(body, "<script>")
	script, _, ok := strings.Cut(rest, "</script>")
	if !ok || script != want {
		t.Fatalf("the script is %q", script)
	}
	sum := sha256.Sum256([]byte(script))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// formAction is what the policy of a login page with these targets lets forms
// lead to.
func formAction(t *testing.T, targets ...string) string {
	t.Helper()
	w := record(func(w http.ResponseWriter) { web.Login{Base: "/auth", FormTargets: targets}.Write(w, web.View{}, 200) })
	parts := strings.Split(w.Header().Get("Content-Security-Policy"), "; ")
	if len(parts) != 7 {
		t.Fatalf("policy has %d directives: %q", len(parts), parts)
	}
	return strings.TrimPrefix(parts[4], "form-action ")
}

func TestFormsMayEndUpAtListedOriginsOnly(t *testing.T) {
	for name, c := range map[string]struct {
		targets []string
		want    string
	}{
		"none is listed":                         {nil, "'self'"},
		"an origin":                              {[]string{"https://sso.example.com"}, "'self' https://sso.example.com"},
		"a URL counts as its origin":             {[]string{"https://SSO.example.com:8443/logout?x=1"}, "'self' https://sso.example.com:8443"},
		"two of one origin are listed once":      {[]string{"https://a.example.com/x", "https://a.example.com/y"}, "'self' https://a.example.com"},
		"one that begins like another is listed": {[]string{"https://a.example.com", "https://a.example"}, "'self' https://a.example.com https://a.example"},
		"plain HTTP, as in development":          {[]string{"http://localhost:8080"}, "'self' http://localhost:8080"},
		"user and password are left out":         {[]string{"https://u:p@a.example.com"}, "'self' https://a.example.com"},
		"an empty port is left out":              {[]string{"https://a.example.com:"}, "'self' https://a.example.com"},
		"an asterisk widens nothing":             {[]string{"https://*.example.com", "*", "https:"}, "'self'"},
		"a semicolon adds no directive":          {[]string{"https://a.example.com;script-src *"}, "'self'"},
		"a space adds no source":                 {[]string{"https://a.example.com *"}, "'self'"},
		"a keyword is no origin":                 {[]string{"'unsafe-inline'", ""}, "'self'"},
		"another scheme is no origin":            {[]string{"javascript:alert(1)", "data:x", "ftp://a.example.com"}, "'self'"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := formAction(t, c.targets...); got != c.want {
				t.Errorf("form-action is %s, want %s", got, c.want)
			}
		})
	}
}

// FuzzAFormTargetAddsAtMostItself gives the policy any text as a target: at
// most one source comes of it, and that is the origin of an http(s) URL.
func FuzzAFormTargetAddsAtMostItself(f *testing.F) {
	for _, seed := range []string{"https://a.example.com", "https://a.example.com; script-src *", "https://*", "http://a,b", "//a", "https://[::1]:1",
		"https://a\r\nb", "https://'none'", "https://ä.example", "HTTPS://A.EXAMPLE:443/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		sources := strings.Split(formAction(t, target), " ")
		if sources[0] != "'self'" || len(sources) > 2 {
			t.Fatalf("form-action became %q", sources)
		}
		if len(sources) == 1 {
			return
		}
		_, host, ok := strings.Cut(sources[1], "://")
		if !ok || host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-._:") != "" {
			t.Errorf("source %q", sources[1])
		}
	})
}

func TestEvery401NamesAChallengeThatOpensNoDialogue(t *testing.T) {
	login := func(w http.ResponseWriter) {
		web.Login{Base: "/auth", Password: true, Failure: web.Wrong}.Write(w, web.View{}, 401)
	}
	t.Run("Bearer, when the caller names none", func(t *testing.T) {
		if got := record(login).Header().Get("WWW-Authenticate"); got != "Bearer" {
			t.Errorf("WWW-Authenticate is %q", got)
		}
	})
	t.Run("the caller's own stays", func(t *testing.T) {
		w := httptest.NewRecorder()
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		login(w)
		if got := w.Header().Values("WWW-Authenticate"); len(got) != 1 || got[0] != `Bearer error="invalid_token"` {
			t.Errorf("WWW-Authenticate is %q", got)
		}
	})
	t.Run("and no other status does", func(t *testing.T) {
		w := record(func(w http.ResponseWriter) { web.Problem{Status: 403}.Write(w, web.View{}) })
		if got := w.Header().Get("WWW-Authenticate"); got != "" {
			t.Errorf("WWW-Authenticate is %q", got)
		}
	})
}

func TestAnAnswerToHEADHasTheHeadersAndNoPage(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { web.SignedOut{Base: "/auth"}.Write(w, web.View{}, 200) }))
	defer srv.Close()
	get, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer get.Body.Close()
	page, err := io.ReadAll(get.Body)
	if err != nil || len(page) == 0 {
		t.Fatalf("page of %d bytes: %v", len(page), err)
	}
	head, err := http.Head(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer head.Body.Close()
	if body, err := io.ReadAll(head.Body); err != nil || len(body) != 0 {
		t.Errorf("HEAD is answered with %d bytes: %v", len(body), err)
	}
	if head.ContentLength != int64(len(page)) {
		t.Errorf("HEAD tells %d bytes, GET sends %d", head.ContentLength, len(page))
	}
}

func TestWaitsAreToldInWordsAndInWholeSecondsRoundedUp(t *testing.T) {
	for name, c := range map[string]struct {
		wait   time.Duration
		header string
		words  string
	}{
		"no wait is no header":         {0, "", "Try again in a moment."},
		"a negative wait is none":      {-time.Second, "", "Try again in a moment."},
		"less than a second is one":    {time.Millisecond, "1", "Try again in 1 second."},
		"a part of a second counts":    {1100 * time.Millisecond, "2", "Try again in 2 seconds."},
		"a minute and a half":          {90 * time.Second, "90", "Try again in 90 seconds."},
		"a little more is two minutes": {91 * time.Second, "91", "Try again in 2 minutes."},
		"a quarter of an hour":         {15 * time.Minute, "900", "Try again in 15 minutes."},
		"a long time is told in hours": {100 * time.Minute, "6000", "Try again in 2 hours."},
	} {
		t.Run(name, func(t *testing.T) {
			w := record(func(w http.ResponseWriter) {
				web.Login{Base: "/auth", Failure: web.Throttled, RetryAfter: c.wait}.Write(w, web.View{}, 429)
			})
			if got := w.Header().Get("Retry-After"); got != c.header {
				t.Errorf("Retry-After is %q, want %q", got, c.header)
			}
			if !strings.Contains(w.Body.String(), c.words) {
				t.Errorf("the page does not say %q", c.words)
			}
		})
	}
}
