package endpoint_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

const firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0"

// browserAs is a browser of somebody who has signed in with that User-Agent.
func browserAs(t testing.TB, s *gatewaytest.Server, email, userAgent string) *gatewaytest.Browser {
	t.Helper()
	return &gatewaytest.Browser{Client: s.Client(t), Jar: []string{signInAs(t, s, email, userAgent).Cookie}}
}

func TestOnesDevicesAreAPageToWhoLooks(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	browserAs(t, s, gatewaytest.Ada, "curl/8.1")
	browserAs(t, s, gatewaytest.Grace, "Tablet/1.0")
	b := browserAs(t, s, gatewaytest.Ada, firefox)
	page := b.Open("/auth/sessions").Want(t, http.StatusOK)
	for _, part := range []string{"ada@example.com", "Firefox on Windows", "curl", "127.0.0.1", "by password", "UTC</time>", `action="/auth/logout"`, `action="/auth/sessions"`} {
		if !strings.Contains(page.Body, part) {
			t.Errorf("the page has no %s:\n%s", part, page.Body)
		}
	}
	if this, other := strings.Index(page.Body, "Firefox"), strings.Index(page.Body, "curl"); this > other {
		t.Error("the device that it is shown on does not come first")
	}
	if strings.Contains(page.Body, "Tablet") {
		t.Error("somebody else's device is shown")
	}
	for name, c := range map[string]struct {
		header []string
		page   bool
	}{
		"a browser that navigates":              {[]string{"Sec-Fetch-Mode", "navigate"}, true},
		"who asks for a page, and says no more": {[]string{"Accept", "text/html"}, true},
		"a script":                              {[]string{"Sec-Fetch-Mode", "cors", "Accept", "text/html"}, false},
		"a program":                             {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.At(t, s).Do(http.MethodGet, "/auth/sessions", "", c.header...).Want(t, http.StatusOK)
			if is := strings.HasPrefix(got.Header.Get("Content-Type"), "text/html"); is != c.page {
				t.Errorf("it is answered with %s", got.Header.Get("Content-Type"))
			}
			for _, word := range []string{"Cookie", "Accept", "Sec-Fetch-Mode"} {
				if !strings.Contains(got.Header.Get("Vary"), word) {
					t.Errorf("Vary is %q, without %s", got.Header.Get("Vary"), word)
				}
			}
		})
	}
}

func TestADeviceIsSignedOutByAPress(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	b, other := browserAs(t, s, gatewaytest.Ada, firefox), s.WithCookie(t, gatewaytest.Grace)
	lost := signInAs(t, s, gatewaytest.Ada, agent)
	id := gatewaytest.IDOf(t, lost)
	const out = "That device is signed out."
	told := "/auth/sessions?signed_out=" + id

	t.Run("nothing is told that is not so", func(t *testing.T) {
		if strings.Contains(b.At(t, s).Open(told).Body, out) {
			t.Error("a device that is signed in is said to be out")
		}
		if strings.Contains(b.At(t, s).Open("/auth/sessions?signed_out=others").Body, "All other devices are signed out.") {
			t.Error("all are said to be out while one is signed in")
		}
		if strings.Contains(b.At(t, s).Open("/auth/sessions?signed_out=%3Cb%3Eyou+lose").Body, "lose") {
			t.Error("the address speaks on the page")
		}
	})
	t.Run("one of one's own", func(t *testing.T) {
		b := b.At(t, s)
		b.Submit("/auth/sessions/"+id, nil).Want(t, http.StatusSeeOther).WantHeader(t, "Location", told)
		if !strings.Contains(b.Open(told).Body, out) {
			t.Error("the page does not say so")
		}
		lost.Get("/auth/session").Want(t, http.StatusUnauthorized)
	})
	t.Run("one that is out already", func(t *testing.T) {
		b.At(t, s).Submit("/auth/sessions/"+id, nil).Want(t, http.StatusSeeOther).WantHeader(t, "Location", told)
	})
	t.Run("none of somebody else", func(t *testing.T) {
		b.At(t, s).Submit("/auth/sessions/"+gatewaytest.IDOf(t, other), nil).Want(t, http.StatusSeeOther)
		other.In(t).Get("/auth/session").Want(t, http.StatusOK)
	})
	t.Run("none without an id", func(t *testing.T) {
		got := b.At(t, s).Submit("/auth/sessions/nonsense", nil).Want(t, http.StatusNotFound)
		if !strings.Contains(got.Header.Get("Content-Type"), "text/html") {
			t.Errorf("it is answered with %s", got.Body)
		}
	})
	t.Run("none for a page of another site", func(t *testing.T) {
		lost := s.WithCookie(t, gatewaytest.Ada)
		for _, path := range []string{"/auth/sessions/" + gatewaytest.IDOf(t, lost), "/auth/sessions"} {
			b.At(t, s).Do(http.MethodPost, path, "", "Content-Type", gatewaytest.AsForm, "Accept", "text/html", "Sec-Fetch-Mode", "navigate",
				"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example").Want(t, http.StatusForbidden)
		}
		lost.Get("/auth/session").Want(t, http.StatusOK)
	})
	t.Run("none for what no form of ours sends; programs have DELETE", func(t *testing.T) {
		lost := s.WithCookie(t, gatewaytest.Ada)
		for _, media := range []string{gatewaytest.AsJSON, "multipart/form-data; boundary=b", "text/plain"} {
			for _, path := range []string{"/auth/sessions/" + gatewaytest.IDOf(t, lost), "/auth/sessions"} {
				b.At(t, s).Do(http.MethodPost, path, "{}", "Content-Type", media).Want(t, http.StatusUnsupportedMediaType)
				b.At(t, s).Do(http.MethodPost, path, "{}", "Content-Type", media, "Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin").
					Want(t, http.StatusUnsupportedMediaType)
			}
		}
		lost.Get("/auth/session").Want(t, http.StatusOK)
	})
	t.Run("all others", func(t *testing.T) {
		b := b.At(t, s)
		b.Submit("/auth/sessions", nil).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/sessions?signed_out=others")
		if page := b.Open("/auth/sessions?signed_out=others").Body; !strings.Contains(page, "All other devices are signed out.") || !strings.Contains(page, "You are signed in nowhere else.") {
			t.Errorf("the page is\n%s", page)
		}
		if devices := gatewaytest.DevicesOf(s.With(t, b.Jar[0], "")); len(devices) != 1 {
			t.Errorf("left are %+v", devices)
		}
		other.In(t).Get("/auth/session").Want(t, http.StatusOK)
	})
	t.Run("this one", func(t *testing.T) {
		own, b := gatewaytest.IDOf(t, s.With(t, b.Jar[0], "")), b.At(t, s)
		cookie := b.Jar[0]
		b.Submit("/auth/sessions/"+own, nil).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/logout")
		if len(b.Jar) != 0 {
			t.Errorf("the browser keeps %q", b.Jar)
		}
		s.WantDead(t, cookie, "")
	})
}

func TestThePageOfOnesDevicesWithoutASession(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	b := s.Browser(t)
	const login = "/auth/login?return_to=%2Fauth%2Fsessions"
	b.Open("/auth/sessions").Want(t, http.StatusSeeOther).WantHeader(t, "Location", login)
	b.Submit("/auth/sessions", nil).Want(t, http.StatusSeeOther).WantHeader(t, "Location", login)
	b.Submit("/auth/sessions/AAAAAAAAAAAAAAAA", nil).Want(t, http.StatusSeeOther).WantHeader(t, "Location", login)
	form := url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}, "return_to": {"/auth/sessions"}}
	b.Submit("/auth/login", form).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/sessions")
	t.Run("and where the session has ended, its cookie is forgotten", func(t *testing.T) {
		ended := browserAs(t, s, gatewaytest.Ada, firefox)
		s.With(t, ended.Jar[0], "").Post("/auth/logout")
		ended.Open("/auth/sessions").Want(t, http.StatusSeeOther)
		if len(ended.Jar) != 0 {
			t.Errorf("the browser keeps %q", ended.Jar)
		}
	})
}

// What hundreds of sessions would hide is said, and one press ends it all.
func TestThePageOfHundredsOfDevicesIsShortened(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	b := browserAs(t, s, gatewaytest.Ada, firefox)
	for i := range 105 {
		signInAs(t, s, gatewaytest.Ada, fmt.Sprintf("Device-%d/1", i))
	}
	page := b.Open("/auth/sessions").Want(t, http.StatusOK).Body
	if n := strings.Count(page, `action="/auth/sessions/`); n != 100 {
		t.Errorf("%d can be signed out one by one", n)
	}
	if !strings.Contains(page, "And 5 more, which are not shown.") {
		t.Error("it is not said how many are missing")
	}
	b.Submit("/auth/sessions", nil).Want(t, http.StatusSeeOther)
	if n := len(gatewaytest.DevicesOf(s.With(t, b.Jar[0], ""))); n != 1 {
		t.Errorf("%d are left", n)
	}
}

func TestADeviceThatCannotBeReadIsOnThePage(t *testing.T) {
	g := startWithFormer(t, "embedded")
	lost := g.WithCookie(t, gatewaytest.Ada)
	id := gatewaytest.IDOf(t, lost)
	giveSecrets(g, gatewaytest.PresentSecret)
	b := browserAs(t, g.Server, gatewaytest.Ada, firefox)
	page := b.Open("/auth/sessions").Want(t, http.StatusOK).Body
	if !strings.Contains(page, "Device "+id) || strings.Contains(page, "nowhere else") {
		t.Errorf("the page is\n%s", page)
	}
	b.Submit("/auth/sessions/"+id, nil).Want(t, http.StatusSeeOther)
	if page := b.Open("/auth/sessions?signed_out=" + id).Body; strings.Contains(page, "Device "+id) || !strings.Contains(page, "That device is signed out.") {
		t.Errorf("the page is\n%s", page)
	}
	t.Run("and whose own cannot be read is offered to start over", func(t *testing.T) {
		lost := &gatewaytest.Browser{Client: g.Client(t), Jar: []string{g.WithCookie(t, gatewaytest.Ada).Cookie}}
		giveSecrets(g, gatewaytest.FormerSecret)
		if a := lost.Open("/auth/sessions").Want(t, http.StatusServiceUnavailable); !strings.Contains(a.Body, `name="return_to" value="/auth/sessions"`) {
			t.Errorf("the page is\n%s", a.Body)
		}
	})
}

func TestThePageOfOnesDevicesWhileTheStoreIsAway(t *testing.T) {
	r := redistest.Start(t, redistest.AppendOnly())
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "store redis " + r.URL() + "\nsecret a-secret-that-is-long-enough-for-tests"})
	b := browserAs(t, s, gatewaytest.Ada, firefox)
	id := gatewaytest.IDOf(t, s.With(t, b.Jar[0], ""))
	r.Kill()
	for name, answer := range map[string]gatewaytest.Answer{
		"the page":        b.Open("/auth/sessions"),
		"a press":         b.Submit("/auth/sessions/"+id, nil),
		"the other press": b.Submit("/auth/sessions", nil),
	} {
		t.Run(name, func(t *testing.T) {
			answer.Want(t, http.StatusServiceUnavailable).WantHeader(t, "Set-Cookie", "")
			if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") || answer.Header.Get("Retry-After") == "" {
				t.Errorf("it is answered with %v", answer.Header)
			}
		})
	}
}
