package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login/app"
	"example.com/sidegate/caddymodule/profile"
)

func TestWhichCookiesOfAnAnswerStayHere(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	past := "; Expires=" + now.Add(-time.Hour).Format(http.TimeFormat)
	gone, atBrowser := profile.CookieGone, profile.CookieAtBrowser
	for _, c := range []struct {
		name  string
		names []string
		line  string
		want  profile.AppCookie
		stays bool
		said  bool
	}{
		{"one with HttpOnly", nil, "sid=1; Path=/; HttpOnly", profile.AppCookie{Name: "sid", Value: "1"}, true, true},
		{"in whatever case and order", nil, "sid=1;httponly ; SameSite=Lax", profile.AppCookie{Name: "sid", Value: "1"}, true, true},
		{"whatever its value is", nil, `sid={"a": "b\c"},ö; HttpOnly`, profile.AppCookie{Name: "sid", Value: `{"a": "b\c"},ö`}, true, true},
		{"with spaces around it", nil, " sid = a b ; HttpOnly", profile.AppCookie{Name: "sid", Value: "a b"}, true, true},
		{"with quotes, which the app reads too", nil, `sid="a"; HttpOnly`, profile.AppCookie{Name: "sid", Value: `"a"`}, true, true},
		{"and where a browser would have it", nil, "sid=1; HttpOnly; Path=/app; Domain=.example.com",
			profile.AppCookie{Name: "sid", Value: "1", Path: "/app", Domain: "example.com"}, true, true},
		{"not one for scripts", nil, "csrf=1; Path=/", profile.AppCookie{Name: "csrf", Place: atBrowser}, false, true},
		{"not one whose value says so", nil, "csrf=HttpOnly", profile.AppCookie{Name: "csrf", Place: atBrowser}, false, true},
		{"not one that is deleted, which lets the browser forget it", nil, "sid=; Max-Age=0; HttpOnly", profile.AppCookie{Name: "sid", Place: gone}, false, true},
		{"nor in the way of PHP", nil, "sid=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT", profile.AppCookie{Name: "sid", Place: gone}, false, true},
		{"nor by a time that has passed", nil, "sid=1; HttpOnly" + past, profile.AppCookie{Name: "sid", Place: gone}, false, true},
		{"one that is named, for scripts or not", []string{"sid"}, "sid=1", profile.AppCookie{Name: "sid", Value: "1"}, true, true},
		{"not one that is not named", []string{"sid"}, "other=1; HttpOnly", profile.AppCookie{}, false, false},
		{"not one without a name", nil, "=1; HttpOnly", profile.AppCookie{}, false, false},
		{"not what is no cookie", nil, "HttpOnly", profile.AppCookie{}, false, false},
		{"not one that could not go back", nil, "sid=a\x01b; HttpOnly", profile.AppCookie{}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLogin(t, app.Config{URL: "http://127.0.0.1/", KeepCookies: true, CookieNames: c.names, Now: func() time.Time { return now }})
			got, stays, said := l.Said(c.line)
			if got != c.want || stays != c.stays || said != c.said {
				t.Errorf("got %+v, stays %v, said %v", got, stays, said)
			}
			off := newLogin(t, app.Config{URL: "http://127.0.0.1/"})
			if _, stays, said := off.Said(c.line); stays || said {
				t.Error("it stays, or is said, without keep_cookies")
			}
		})
	}
}

func TestASignInKeepsTheNamedCookiesAlone(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Set-Cookie"] = []string{"sid=1", "theme=dark"}
		answer(200, "{}")(w, r)
	})
	person, err := signIn(t, newLogin(t, app.Config{URL: url, KeepCookies: true, CookieNames: []string{"sid"}}))
	if err != nil || strings.Join(person.Kept.UpstreamCookies, " ") != "sid=1" {
		t.Fatalf("got %v, %v", person, err)
	}
}

func TestSignOut(t *testing.T) {
	kept := &profile.Kept{UpstreamToken: "t1", UpstreamCookies: []string{"sid=1", "old;;;g", "x=2"}}
	for _, c := range []struct {
		name   string
		status int
		want   string // of the error
	}{
		{"an app that has heard it", 204, ""},
		{"an app that leads on", 302, ""},
		{"an app that does not know the session any more", 401, ""},
		{"an app that has no such address", 404, "login legacy: logout: the app answers 404"},
		{"an app in trouble", 500, "login legacy: logout: the app answers 500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				asked++
				if r.Method != http.MethodPost || r.URL.Path != "/logout" || r.Header.Get("Authorization") != "Bearer t1" ||
					r.Header.Get("Cookie") != "sid=1; x=2" || r.Header.Get("X-Api-Key") != apiKey {
					t.Errorf("it was sent %s %s with %v", r.Method, r.URL, r.Header)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
			})
			l := newLogin(t, app.Config{URL: url, Logout: url + "/logout"})
			err := l.SignOut(t.Context(), kept)
			if got := textOf(err); got != c.want || asked != 1 || !l.SignsOut() {
				t.Errorf("got %q after %d questions", got, asked)
			}
		})
	}
	t.Run("no error gives a credential away", func(t *testing.T) {
		l := newLogin(t, app.Config{URL: "http://127.0.0.1:1/", Logout: "http://127.0.0.1:1/logout"})
		err := l.SignOut(t.Context(), &profile.Kept{UpstreamToken: "canary", UpstreamCookies: []string{"sid=canary"}})
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an app that does not answer is not waited for", func(t *testing.T) {
		release := make(chan struct{})
		url := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
		t.Cleanup(func() { close(release) })
		l := newLogin(t, app.Config{URL: url, Logout: url, Timeout: 10 * time.Millisecond})
		if err := l.SignOut(t.Context(), kept); err == nil {
			t.Error("it was told")
		}
	})
	t.Run("nothing is asked where no logout is configured, or nothing is kept", func(t *testing.T) {
		if l := newLogin(t, app.Config{URL: "http://127.0.0.1:1/"}); l.SignsOut() || l.SignOut(t.Context(), kept) != nil {
			t.Error("it was")
		}
		if err := newLogin(t, app.Config{URL: "http://127.0.0.1:1/", Logout: "http://127.0.0.1:1/"}).SignOut(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
	t.Run("an address that is none is refused", func(t *testing.T) {
		if _, err := app.New(app.Config{Name: "legacy", URL: "http://127.0.0.1/", Logout: "logout"}); err == nil || !strings.Contains(err.Error(), "logout: ") {
			t.Errorf("got %v", err)
		}
	})
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
