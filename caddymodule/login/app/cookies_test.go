package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login"
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
		{"until its time is over", nil, "sudo=yes; HttpOnly; Max-Age=2", profile.AppCookie{Name: "sudo", Value: "yes", Expires: now.Unix() + 2}, true, true},
		{"for 400 days at most, as browsers have it", nil, "sid=1; HttpOnly; Max-Age=99999999999999999999", profile.AppCookie{Name: "sid", Value: "1", Expires: now.Unix() + 400*24*3600}, true, true},
		{"with a tab", nil, "auth=a\tb; HttpOnly", profile.AppCookie{Name: "auth", Value: "a\tb"}, true, true},
		{"with bytes that are no text", nil, "lat=caf\xe9; HttpOnly", profile.AppCookie{Name: "lat", Value: "caf\xe9"}, true, true},
		{"of an odd name", nil, "user[id]=5; HttpOnly", profile.AppCookie{Name: "user[id]", Value: "5"}, true, true},
		{"whose HttpOnly has spaces around it, and a value", nil, "k=1; HttpOnly =1", profile.AppCookie{Name: "k", Value: "1"}, true, true},
		{"whose HttpOnly has a quote for a value", nil, `k=1; HttpOnly="`, profile.AppCookie{Name: "k", Value: "1"}, true, true},
		{"which is not one whose path says so", nil, "k=1; Path=HttpOnly", profile.AppCookie{Name: "k", Place: atBrowser}, false, true},
		{"one without a name is no cookie to keep, and none for the browser", nil, "=1; HttpOnly", profile.AppCookie{}, true, false},
		{"nor is one without anything else", nil, "justvalue; HttpOnly", profile.AppCookie{}, true, false},
		{"nor one whose name is beyond measure", nil, strings.Repeat("n", 256) + "=1; HttpOnly", profile.AppCookie{}, true, false},
		{"nor one that could not go back", nil, "sid=a\x01b; HttpOnly", profile.AppCookie{}, true, false},
		{"but what is no cookie passes", nil, "HttpOnly", profile.AppCookie{}, false, false},
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

// A date that was not understood left a deleted cookie to live on.
func TestADeletionIsSeenInEveryFormOfItsDate(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	l := newLogin(t, app.Config{URL: "http://127.0.0.1/", KeepCookies: true, Now: func() time.Time { return now }})
	for date, want := range map[string]bool{
		"Thu, 01-Jan-70 00:00:01 GMT":        true,
		"Thu, 1 Jan 1970 00:00:00 GMT":       true,
		"Thu Jan 01 1970 00:00:00 GMT":       true,
		"Thu Jan  1 00:00:00 1970":           true,
		"Thursday, 01-Jan-1970 00:00:00 GMT": true,
		"Thu, 01 Jan 1970 00:00:00 +0000":    true,
		"Thu, 01 Jan 1970 0:00:00 GMT":       true,
		"Mon, 31-December-2029 23:59:59 GMT": true,
		"1 1:2:3 Oct 99":                     true,
		"Tue, 01 Jan 2030 00:00:01 GMT":      false,
		"Tue, 01 Jan 69 00:00:00 GMT":        false,
		"Thu, 31 Feb 1980 00:00:00 GMT":      false, // no date: RFC 6265 section 5.1.1
		"Thu, 01 Jan 1970 24:00:00 GMT":      false,
		"Thu, 01 Jan 1970 00:60:00 GMT":      false,
		"Thu, 00 Jan 1970 00:00:00 GMT":      false,
		"Thu, 01 Jan 1600 00:00:00 GMT":      false,
		"Thu, 01 Jan 00:00:00 GMT":           false,
		"Thu, 01 1970 00:00:00 GMT":          false,
		"Thu, 01 Jan 1970":                   false,
		"Thu, 001 Jan 01970 00:00:00 GMT":    false,
		"Thu, 01 Jan 1970 00:00 GMT":         false,
		"":                                   false,
		"0":                                  false,
	} {
		c, stays, _ := l.Said("sid=x; HttpOnly; Expires=" + date)
		if gone := c.Place == profile.CookieGone; gone != want || stays == gone {
			t.Errorf("%s: gone is %v, and it stays %v", date, gone, stays)
		}
	}
	for i, month := range strings.Fields("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec") {
		c, _, _ := l.Said("sid=x; HttpOnly; Expires=Fri, 15 " + month + " 2030 12:30:45 GMT")
		if at := time.Date(2030, time.Month(i+1), 15, 12, 30, 45, 0, time.UTC); c.Expires != at.Unix() {
			t.Errorf("%s is %v", month, time.Unix(c.Expires, 0).UTC())
		}
	}
}

func TestWhichCookiesOfABrowserStayHere(t *testing.T) {
	var seen app.Seen
	config := app.Config{URL: "http://127.0.0.1/", KeepCookies: true, Seen: &seen}
	l := newLogin(t, config)
	wants := func(t *testing.T, l *app.Login, name string, want bool) {
		t.Helper()
		if _, stays := l.StaysHere(name); stays != want {
			t.Errorf("%s stays here: %v", name, stays)
		}
	}
	wants(t, l, "connect_sid", false)
	l.See("connect.sid=1; Path=/app; HttpOnly")
	l.See("csrf=1")
	wants(t, l, "connect_sid", true)
	wants(t, l, "csrf", false)
	if at, _ := l.StaysHere("connect_sid"); at.Path != "/app" || at.Value != "" {
		t.Errorf("it is known as %+v", at)
	}
	t.Run("what deletes it says nothing of it", func(t *testing.T) {
		l.See("connect.sid=; Max-Age=0")
		wants(t, l, "connect_sid", true)
	})
	t.Run("as a login knows it that comes after", func(t *testing.T) {
		wants(t, newLogin(t, config), "connect_sid", true)
	})
	t.Run("those that sessions keep", func(t *testing.T) {
		l.SeeKept(profile.AppCookies{{Name: "sid", Value: "1"}, {Name: "csrf", Value: "1"}, {Name: "theme", Place: profile.CookieAtBrowser}})
		wants(t, l, "sid", true)
		wants(t, l, "csrf", false) // the app's own word goes before
		wants(t, l, "theme", false)
	})
	t.Run("the last word counts", func(t *testing.T) {
		l.See("connect.sid=1")
		wants(t, l, "connect_sid", false)
	})
	t.Run("named ones, and no others", func(t *testing.T) {
		named := newLogin(t, app.Config{URL: "http://127.0.0.1/", KeepCookies: true, CookieNames: []string{"App.SID"}})
		named.See("other=1; HttpOnly")
		named.SeeKept(profile.AppCookies{{Name: "third", Value: "1"}})
		for name, want := range map[string]bool{"app_sid": true, "other": false, "third": false} {
			wants(t, named, name, want)
		}
	})
	t.Run("none without keep_cookies", func(t *testing.T) {
		off := newLogin(t, app.Config{URL: "http://127.0.0.1/"})
		off.See("sid=1; HttpOnly")
		off.SeeKept(profile.AppCookies{{Name: "sid", Value: "1"}})
		wants(t, off, "sid", false)
	})
	t.Run("as many as are known at most", func(t *testing.T) {
		l.See("oldest=1; HttpOnly")
		for i := range 1000 {
			l.See(fmt.Sprintf("made-up-%d=1; HttpOnly", i))
		}
		wants(t, l, "oldest", false)
		wants(t, l, "made-up-999", true)
	})
}

func TestASignInKeepsTheNamedCookiesAlone(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Set-Cookie"] = []string{"sid=1", "theme=dark", "remember=1; HttpOnly"}
		answer(200, "{}")(w, r)
	})
	person, err := signIn(t, newLogin(t, app.Config{URL: url, KeepCookies: true, CookieNames: []string{"sid"}}))
	if err != nil || strings.Join(person.Kept.UpstreamCookies, " ") != "sid=1 theme;;;b" || strings.Join(person.CookieLines, " ") != "theme=dark; Path=/" {
		t.Fatalf("got %v, %v, %v", person.Kept.UpstreamCookies, person.CookieLines, err)
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
			if _, definite := errors.AsType[*login.Definite](err); definite != (c.status == 404) {
				t.Errorf("nothing else is to be heard: %v", definite)
			}
			if got := textOf(err); got != c.want || asked != 1 || !l.SignsOut() {
				t.Errorf("got %q after %d questions", got, asked)
			}
		})
	}
	t.Run("an app whose answer cannot be read to its end has heard it", func(t *testing.T) {
		url := serveRaw(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<p>")
		if err := newLogin(t, app.Config{URL: url, Logout: url}).SignOut(t.Context(), kept); err != nil {
			t.Errorf("got %v", err)
		}
	})
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
