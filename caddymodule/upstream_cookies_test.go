package caddymodule_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// sets has the app answer each request with the lines of Set-Cookie that the
// query names.
func (l *legacy) sets() {
	l.page = func(w http.ResponseWriter, r *http.Request) {
		for _, line := range r.URL.Query()["set"] {
			w.Header().Add("Set-Cookie", line)
		}
		fmt.Fprintln(w, "app")
	}
}

// given is the Cookie header that the app was last sent.
func (l *legacy) given() string {
	_, r := l.asked()
	return strings.Join(r.Header.Values("Cookie"), " | ")
}

// setting is a path to the app that sets those cookies.
func setting(lines ...string) string {
	path := "/app/x?"
	for _, line := range lines {
		path += "set=" + strings.NewReplacer(";", "%3B", " ", "%20", "=", "%3D").Replace(line) + "&"
	}
	return path
}

// keeping is a gateway in front of such an app.
func keeping(t *testing.T, site gatewaytest.Site, lines string) (*legacy, *gatewaytest.Server, gatewaytest.Site) {
	t.Helper()
	l := newLegacy(t)
	l.sets()
	site.Options += "\n" + l.login("legacy", lines+"\n"+legacyMap)
	site.Upstream = strings.TrimPrefix(l.URL, "http://")
	site.Routes = "session_endpoints\nsession_auth /app/* {\nupstream_token legacy\n}\nsession_auth /elsewhere/*\nreverse_proxy {upstream}"
	return l, gatewaytest.Start(t, site), site
}

// seat is a browser at which people sit.
type seat struct{ *gatewaytest.Browser }

// ofMary is one at which somebody has signed in through the app.
func ofMary(t testing.TB, s *gatewaytest.Server) seat {
	t.Helper()
	b := seat{s.Browser(t)}
	b.signIn("mary@example.com")
	return b
}

func (b seat) signIn(email string) {
	b.T.Helper()
	b.Submit("/auth/login", url.Values{"email": {email}, "password": {legacyPassword}}).Want(b.T, http.StatusSeeOther)
}

// others are the cookies that the browser has beside the gateway's.
func (b seat) others() string {
	var others []string
	for _, pair := range b.Jar {
		if !strings.HasPrefix(pair, "sidegate=") {
			others = append(others, pair)
		}
	}
	return strings.Join(others, "; ")
}

func TestAnAppsOwnCookiesStayHere(t *testing.T) {
	for store, site := range map[string]gatewaytest.Site{
		"memory": {Options: "store memory"},
		"redis":  gatewaytest.Site{}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret),
	} {
		t.Run(store, func(t *testing.T) { staysHere(t, site) })
	}
}

func staysHere(t *testing.T, site gatewaytest.Site) {
	l, s, site := keeping(t, site, "keep_cookies")
	options, round := site.Options, 0
	for _, c := range []struct {
		name    string
		set     []string // by the app
		browser string   // what it has then, and sends
		given   string   // to the app with the next request
	}{
		{"one that it sets anew", []string{"SID=2; Path=/; HttpOnly"}, "", "SID=2"},
		{"one more", []string{"remember=1; Path=/; HttpOnly; Max-Age=10000"}, "", "SID=of-the-app; remember=1"},
		{"and the browser has those for scripts", []string{"csrf=1", "SID=2; HttpOnly", "theme=dark"}, "csrf=1; theme=dark", "SID=2; csrf=1; theme=dark"},
		{"until the app has the browser keep it", []string{"SID=2"}, "SID=2", "SID=2"},
		{"until the app deletes it", []string{"SID=; Max-Age=0"}, "", ""},
		{"but not with what it deletes under another path beside", []string{"SID=2; HttpOnly", "SID=; Path=/old; Max-Age=0"}, "", "SID=2"},
		{"and the last word counts", []string{"SID=2; HttpOnly", "SID=3; HttpOnly"}, "", "SID=3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := ofMary(t, s)
			b.Open(setting(c.set...)).Want(t, http.StatusOK)
			if got := b.others(); got != c.browser {
				t.Errorf("the browser has %q", got)
			}
			b.Open("/app/y").Want(t, http.StatusOK)
			if got := l.given(); got != c.given {
				t.Errorf("the app is given %q; want %q", got, c.given)
			}
			// What is not written yet is when another configuration takes over.
			round++
			site.Options = fmt.Sprintf("%s\nmax_sessions %d", options, 1000+round)
			s.Replace(t, site)
			gatewaytest.Await(t, "the store has it", func() bool {
				b.Open("/app/y").Want(t, http.StatusOK)
				return l.given() == c.given
			})
		})
	}
	t.Run("and one that a browser has of that name is not the app's", func(t *testing.T) {
		b := ofMary(t, s)
		b.Jar = append(b.Jar, "SID=of-mallory", "remember=of-mallory")
		b.Open(setting("remember=1; HttpOnly")).Want(t, http.StatusOK)
		b.Open(setting("remember=; Max-Age=0; Path=/elsewhere")).Want(t, http.StatusOK)
		b.Jar = append(b.Jar, "remember=of-mallory")
		b.Open("/app/y").Want(t, http.StatusOK)
		if got := l.given(); got != "SID=of-the-app" {
			t.Errorf("the app is given %q", got)
		}
	})
	t.Run("but not of an answer on a route that does not say so", func(t *testing.T) {
		b := ofMary(t, s)
		b.Open(strings.Replace(setting("SID=2; HttpOnly"), "/app/", "/elsewhere/", 1)).Want(t, http.StatusOK)
		if got := b.others(); got != "SID=2" {
			t.Errorf("the browser has %q", got)
		}
	})
	t.Run("nor of an answer to somebody who came in another way", func(t *testing.T) {
		if a := s.WithCookie(t, gatewaytest.Grace).Get(setting("SID=2; HttpOnly")); len(a.Cookies()) != 1 {
			t.Errorf("the browser is given %v", a.Cookies())
		}
	})
}

// Two people at one browser, one after the other.
func TestTheNextPersonAtABrowserHasNothingOfTheOneBefore(t *testing.T) {
	for store, site := range map[string]gatewaytest.Site{
		"memory": {Options: "store memory"},
		"redis":  gatewaytest.Site{}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret),
	} {
		t.Run(store, func(t *testing.T) {
			l, s, _ := keeping(t, site, "keep_cookies")
			b := ofMary(t, s)
			b.Jar = append(b.Jar, "SID=from-before-the-upgrade", "remember=from-before-the-upgrade", "theme=dark")
			b.Open(setting("SID=of-mary; HttpOnly", "remember=of-mary; HttpOnly")).Want(t, http.StatusOK)
			b.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent)
			if got := b.others(); got != "theme=dark" {
				t.Errorf("after the sign-out the browser has %q", got)
			}
			l.answer = func(w http.ResponseWriter, email string) {
				w.Header().Add("Set-Cookie", "SID=of-bob; HttpOnly")
				fmt.Fprintf(w, `{"user":{"mail":%q,"roles":[],"nr":8},"jwt":"bobs-token"}`, email)
			}
			b.signIn("bob@example.com")
			b.Open("/app/x").Want(t, http.StatusOK)
			if got := l.given(); got != "SID=of-bob; theme=dark" {
				t.Errorf("the app is given %q", got)
			}
		})
	}
}

func TestKeepCookiesNamesThoseThatStayHere(t *testing.T) {
	l, s, _ := keeping(t, gatewaytest.Site{}, "keep_cookies SID remember")
	b := ofMary(t, s)
	b.Jar = append(b.Jar, "remember=from-before")
	b.Open(setting("SID=2", "other=1; HttpOnly")).Want(t, http.StatusOK)
	if got := b.others(); got != "remember=from-before; other=1" {
		t.Errorf("the browser has %q", got)
	}
	b.Open("/app/y").Want(t, http.StatusOK)
	if got := l.given(); got != "SID=2; other=1" {
		t.Errorf("the app is given %q", got)
	}
	t.Run("and a browser forgets them with a session that is gone", func(t *testing.T) {
		b := seat{b.At(t, s)}
		other := seat{b.At(t, s)}
		other.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent)
		b.Open("/app/y").Want(t, http.StatusSeeOther)
		if got := b.others(); got != "other=1" {
			t.Errorf("the browser has %q", got)
		}
	})
}

// The app gave a visitor its session, the visitor signed in and wrote into it, and
// the next person at that browser read it.
func TestWhatAnAppGaveAVisitorIsNotTheSessionOfWhoSignsIn(t *testing.T) {
	l := newLegacy(t)
	l.sets()
	s := gatewaytest.Start(t, gatewaytest.Site{
		Options:  l.login("legacy", "keep_cookies\n"+legacyMap),
		Upstream: strings.TrimPrefix(l.URL, "http://"),
		Routes:   "session_endpoints\nsession_auth {\nupstream_token legacy\noptional\n}\nreverse_proxy {upstream}",
	})
	b := seat{s.Browser(t)}
	b.Open(setting("connect.sid=of-a-visitor; Path=/; HttpOnly", "theme=dark")).Want(t, http.StatusOK)
	b.Open("/app/y").Want(t, http.StatusOK)
	if got := l.given(); got != "connect.sid=of-a-visitor; theme=dark" {
		t.Errorf("of a visitor the app is given %q", got)
	}
	b.signIn("mary@example.com")
	if got := b.others(); got != "theme=dark" {
		t.Errorf("after the sign-in the browser has %q", got)
	}
	b.Jar = append(b.Jar, "connect.sid=planted", "CONNECT%2esid=planted")
	b.Open("/app/y").Want(t, http.StatusOK)
	if got := l.given(); got != "SID=of-the-app; theme=dark" {
		t.Errorf("the app is given %q", got)
	}
	b.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent)
	if got := b.others(); strings.Contains(got, "connect.sid=") {
		t.Errorf("after the sign-out the browser has %q", got)
	}
	t.Run("nor is what somebody of another login left there", func(t *testing.T) {
		b := seat{s.Browser(t)}
		b.Jar = []string{s.WithCookie(t, gatewaytest.Grace).Cookie}
		b.Open(setting("connect.sid=of-grace; Path=/; HttpOnly")).Want(t, http.StatusOK)
		b.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent)
		if got := b.others(); got != "" {
			t.Errorf("after the sign-out the browser has %q", got)
		}
	})
}

// The page's script could not read the token that it has to send: every form
// was refused.
func TestACookieForScriptsOfASignInReachesTheBrowser(t *testing.T) {
	l, s, _ := keeping(t, gatewaytest.Site{}, "keep_cookies")
	l.answer = func(w http.ResponseWriter, email string) {
		for _, line := range []string{"csrftoken=c1; Path=/; SameSite=Lax", "SID=of-mary; HttpOnly", "sidegate=forged", "=sidegate=forged"} {
			w.Header().Add("Set-Cookie", line)
		}
		fmt.Fprintf(w, `{"user":{"mail":%q,"roles":[],"nr":7},"jwt":"t"}`, email)
	}
	b := ofMary(t, s)
	if got := b.others(); got != "csrftoken=c1" {
		t.Errorf("the browser has %q", got)
	}
	b.Open("/app/x").Want(t, http.StatusOK)
	if got := l.given(); got != "SID=of-mary; csrftoken=c1" {
		t.Errorf("the app is given %q", got)
	}
	b.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent)
	if got := b.others(); got != "" {
		t.Errorf("after the sign-out the browser has %q", got)
	}
}

func TestCookiesOfOddNamesAreExpiredAtTheSignOut(t *testing.T) {
	_, s, _ := keeping(t, gatewaytest.Site{}, "keep_cookies")
	b := ofMary(t, s)
	b.Open(setting("user[id]=5; HttpOnly", "a:b=1; HttpOnly; Path=/app")).Want(t, http.StatusOK)
	told := strings.Join(b.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent).Header.Values("Set-Cookie"), "\n")
	for _, line := range []string{"user[id]=; Path=/; Max-Age=0; HttpOnly", "a:b=; Path=/app; Max-Age=0; HttpOnly"} {
		if !strings.Contains(told, line) {
			t.Errorf("it is told %s", told)
		}
	}
}

// A browser's cookie is one for its path and domain: told of another, it keeps it.
func TestABrowserIsToldToForgetACookieWhereItHasIt(t *testing.T) {
	_, s, _ := keeping(t, gatewaytest.Site{}, "keep_cookies")
	b := ofMary(t, s)
	b.Open(setting("SID=2; HttpOnly; Path=/app; Domain=example.com", "lang=de")).Want(t, http.StatusOK)
	told := make(map[string]bool)
	for _, line := range b.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent).Header.Values("Set-Cookie") {
		told[line] = true
	}
	if len(told) != 2 || !told["SID=; Path=/app; Domain=example.com; Max-Age=0; HttpOnly"] {
		t.Errorf("it is told %v", told)
	}
}

// One gateway is asked, and then the other; in the end the first is stopped just
// when the app has said something new.
func TestTwoGatewaysKeepTheSameCookies(t *testing.T) {
	l := newLegacy(t)
	l.sets()
	site := gatewaytest.Site{
		Options:  l.login("legacy", "keep_cookies\n"+legacyMap),
		Upstream: strings.TrimPrefix(l.URL, "http://"),
		Routes:   "session_endpoints\nsession_auth {\nupstream_token legacy\n}\nreverse_proxy {upstream}",
	}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret)
	one, other := gatewaytest.StartProcess(t, site), gatewaytest.StartProcess(t, site)
	b := ofMary(t, one.Server)
	shows := func(at *gatewaytest.Process, want string) {
		t.Helper()
		there := seat{b.At(t, at.Server)}
		gatewaytest.Await(t, "the other has the cookie", func() bool {
			there.Open("/app/y").Want(t, http.StatusOK)
			return l.given() == want
		})
	}
	b.Open(setting("SID=2; HttpOnly")).Want(t, http.StatusOK)
	shows(other, "SID=2")
	seat{b.At(t, other.Server)}.Open(setting("SID=3; HttpOnly")).Want(t, http.StatusOK)
	shows(one, "SID=3")
	b.Open(setting("SID=4; HttpOnly")).Want(t, http.StatusOK)
	b.Open(setting("SID=5; HttpOnly")).Want(t, http.StatusOK)
	one.Terminate()
	shows(other, "SID=5")
	t.Run("and what comes after the sign-out at one brings it back at none", func(t *testing.T) {
		there := seat{b.At(t, other.Server)}
		reached, release := make(chan struct{}), make(chan struct{})
		l.page = func(w http.ResponseWriter, r *http.Request) {
			close(reached)
			gatewaytest.Hold(r, release)
			w.Header().Set("Set-Cookie", "SID=6; HttpOnly")
		}
		gatewayClient := other.With(t, strings.Join(b.Jar, "; "), "")
		var late sync.WaitGroup
		late.Go(func() {
			if a, err := gatewayClient.Try(t.Context(), http.MethodGet, "/app/z", ""); err != nil || len(a.Cookies()) > 0 {
				t.Errorf("%v: the browser is given %v", err, a.Cookies())
			}
		})
		<-reached
		there.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent)
		close(release)
		late.Wait()
		other.Terminate() // with all that it had to write
		other.Start()
		seat{b.At(t, other.Server)}.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusUnauthorized)
	})
}

// An error route may lead to another app, whose cookies are not the app's.
func TestCookiesOfAnErrorRouteAreNotTheApps(t *testing.T) {
	l, other := newLegacy(t), newLegacy(t)
	other.sets()
	s := gatewaytest.Start(t, gatewaytest.Site{
		Options: l.login("legacy", "keep_cookies\n"+legacyMap),
		Routes: "session_endpoints\nsession_auth {\nupstream_token legacy\n}\nerror /app/* 502\n" +
			"reverse_proxy " + strings.TrimPrefix(l.URL, "http://") + "\nhandle_errors {\nreverse_proxy " + strings.TrimPrefix(other.URL, "http://") + "\n}",
	})
	b := ofMary(t, s)
	b.Open(setting("SID=2; HttpOnly")).Want(t, http.StatusOK)
	if got := b.others(); got != "SID=2" {
		t.Errorf("the browser has %q", got)
	}
	b.Open("/else").Want(t, http.StatusOK)
	if got := l.given(); got != "SID=of-the-app" {
		t.Errorf("the app is given %q", got)
	}
}

func TestManyRequestsWhileTheAppRotatesItsCookie(t *testing.T) {
	l, s, _ := keeping(t, gatewaytest.Site{}, "keep_cookies")
	var n atomic.Int64
	l.page = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", fmt.Sprintf("SID=%d; HttpOnly", n.Add(1)))
	}
	member := member(t, s)
	var requests sync.WaitGroup
	for range 20 {
		requests.Go(func() {
			for range 5 {
				if a := member.In(t).Get("/app/x"); a.StatusCode != http.StatusOK || len(a.Cookies()) > 0 {
					t.Errorf("%s with %v", a.Status, a.Cookies())
				}
			}
		})
	}
	requests.Wait()
	member.Get("/app/x").Want(t, http.StatusOK) // whichever came last was good
	l.asked()
	member.Get("/app/x").Want(t, http.StatusOK)
	if got := l.given(); got != "SID=101" {
		t.Errorf("the app is given %q", got)
	}
}

func TestAnAppIsToldOfSignOuts(t *testing.T) {
	l := newLegacy(t)
	log := filepath.Join(t.TempDir(), "debug.log")
	var told sync.Map
	var calls atomic.Int64
	status := atomic.Int64{}
	status.Store(http.StatusNoContent)
	l.page = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/logout" {
			w.Header().Set("Set-Cookie", "SID=newest; HttpOnly")
			return
		}
		calls.Add(1)
		told.Store(r.Method+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Cookie"), true)
		w.WriteHeader(int(status.Load()))
	}
	s := gatewaytest.Start(t, gatewaytest.Site{
		Options:  l.login("legacy", "keep_cookies\nlogout "+l.URL+"/api/logout\n"+legacyMap),
		Upstream: strings.TrimPrefix(l.URL, "http://"),
		Routes:   "session_endpoints\nsession_auth {\nupstream_token legacy\n}\nreverse_proxy {upstream}",
		Global:   "debug\nlog default {\noutput file " + log + "\nformat json\n}",
	})
	wantCalls := func(t *testing.T, want int64) {
		t.Helper()
		gatewaytest.Await(t, "the app is told", func() bool { return calls.Load() >= want })
		if got := calls.Swap(0); got != want {
			t.Errorf("it was told %d times; want %d", got, want)
		}
	}
	t.Run("once, with its token and its cookies of now", func(t *testing.T) {
		m := member(t, s)
		m.Get("/app").Want(t, http.StatusOK)
		old := m.In(t)
		m.Post("/auth/logout").Want(t, http.StatusNoContent)
		wantCalls(t, 1)
		old.Post("/auth/logout").Want(t, http.StatusNoContent)
		if _, ok := told.Load("POST Bearer token-of-the-app SID=newest"); !ok {
			t.Error("it was told something else")
		}
	})
	t.Run("of a device, and of all others", func(t *testing.T) {
		m, _, _ := member(t, s), member(t, s), member(t, s)
		m.Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusNoContent)
		wantCalls(t, 2)
		m.Post("/auth/logout").Want(t, http.StatusNoContent)
		wantCalls(t, 1)
	})
	t.Run("and one that is in trouble signs nobody in again", func(t *testing.T) {
		status.Store(http.StatusNotFound)
		m := member(t, s)
		m.In(t).Post("/auth/logout").Want(t, http.StatusNoContent)
		m.Get("/auth/session").Want(t, http.StatusUnauthorized)
		wantCalls(t, 1)
		gatewaytest.Await(t, "the log says so, and no credential", func() bool {
			text, err := os.ReadFile(log)
			if strings.Contains(string(text), "token-of-the-app") || strings.Contains(string(text), "SID=newest") {
				t.Fatal("it holds a credential")
			}
			return err == nil && strings.Contains(string(text), "could not be told that somebody has signed out")
		})
	})
	t.Run("but not of one who signs in anew", func(t *testing.T) {
		m := member(t, s)
		m.SignInByForm("mary@example.com", legacyPassword, "/").Want(t, http.StatusSeeOther)
		m.Post("/auth/logout").Want(t, http.StatusNoContent)
		wantCalls(t, 1)
	})
}
