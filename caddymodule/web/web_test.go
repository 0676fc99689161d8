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
			case "same site", "depart":
				want = strings.Replace(want, "form-action 'self'", "form-action 'none'", 1)
			default:
				if leadsOn(name) {
					want = strings.Replace(want, "form-action 'self'; ", "", 1)
				}
			}
			if got := w.Header().Get("Content-Security-Policy"); got != want {
				t.Errorf("policy is\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// leadsOn reports whether that page of every page is one with a form that leads on.
func leadsOn(name string) bool {
	for _, of := range []string{"account", "device", "form", "login", "no accounts", "no way", "one device", "post back", "providers", "sign out", "already", "kept"} {
		if strings.HasPrefix(name, of) {
			return true
		}
	}
	return false
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

// Browsers hold form-action against every redirect that follows a post. Where ours leads
// is the app's: to www., to its own sign-in, to a program by its scheme. One that is not
// listed leaves the person on the page, as if the button did nothing.
func TestAFormWhosePostLeadsOnIsHeldToNoOrigin(t *testing.T) {
	for name, write := range everyPage() {
		for _, form := range find(elements(t, record(write).Body.String()), "form") {
			policy := record(write).Header().Get("Content-Security-Policy")
			// What starts over leads to the login page, and no further by itself.
			if held := strings.Contains(policy, "form-action"); held != (form.attr["action"] == "/auth/start-over") {
				t.Errorf("%s posts to %s by %s", name, form.attr["action"], policy)
			}
		}
	}
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
