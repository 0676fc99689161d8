package endpoint_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// wantFit checks what nginx, Apache and browsers demand of the cookies: 8 KiB a
// line, of which the site may have half, and 4 KiB each, name and value.
func wantFit(t *testing.T, b *gatewaytest.Browser) {
	t.Helper()
	if line := strings.Join(b.Jar, "; "); len(line) > 4096 {
		t.Errorf("the browser sends %d bytes of cookies", len(line))
	}
	for _, pair := range b.Jar {
		if len(pair) >= 4096 {
			t.Errorf("browsers drop a cookie of %d bytes", len(pair))
		}
	}
}

func tabs(n int, returnTo string) (paths []string) {
	for i := range n {
		paths = append(paths, "/auth/login/sso?return_to="+url.QueryEscape(fmt.Sprintf(returnTo, i)))
	}
	return paths
}

func TestTwelveTabsOfOneBrowserAllSignIn(t *testing.T) {
	const to = "/dashboards/d/%d/servers?orgId=1&refresh=10s&from=now-6h&to=now&var-host=web-01&viewPanel=4"
	p := gatewaytest.NewIDP(t)
	for _, c := range []struct{ name, cookie, to string }{
		{"opened one after the other", "", "/tab/%d"},
		{"opened one after the other, with queries", "", to},
		{"over https", "same_site lax", to},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", ""), Cookie: c.cookie}).Browser(t)
			var callbacks []string
			for i, path := range tabs(12, c.to) {
				callbacks = append(callbacks, p.Consent(t, b.Open(path).Want(t, http.StatusSeeOther).Header.Get("Location")))
				if n := len(b.Attempts()); n != i+1 {
					t.Errorf("after %d attempts the browser has %d", i+1, n)
				}
				wantFit(t, b)
			}
			wantAllBack(t, b, callbacks, c.to)
		})
		t.Run(c.name+", but at once", func(t *testing.T) {
			b := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", ""), Cookie: c.cookie}).Browser(t)
			var callbacks []string
			for _, a := range b.AtOnce(tabs(12, c.to)...) {
				callbacks = append(callbacks, p.Consent(t, a.Want(t, http.StatusSeeOther).Header.Get("Location")))
			}
			wantFit(t, b)
			for i, a := range b.AtOnce(callbacks...) {
				a.Want(t, http.StatusSeeOther).WantHeader(t, "Location", fmt.Sprintf(c.to, i))
			}
			if len(b.Attempts()) != 0 {
				t.Errorf("the attempts %q are left", b.Attempts())
			}
			b.WantSignedIn(t, gatewaytest.Ada)
			wantOneSession(t, b)
		})
	}
}

// wantOneSession checks that the tabs have one session together: what is left over
// nobody could end, and it would count among those that the person may have.
func wantOneSession(t *testing.T, b *gatewaytest.Browser) {
	t.Helper()
	b.Cookie = strings.Join(b.Jar, "; ")
	if devices := gatewaytest.DevicesOf(b.Client); len(devices) != 1 {
		t.Errorf("the tabs have %d sessions", len(devices))
	}
}

// wantAllBack goes back from the provider in each tab, the oldest first.
func wantAllBack(t *testing.T, b *gatewaytest.Browser, callbacks []string, to string) {
	t.Helper()
	var first string
	for i, callback := range callbacks {
		b.Open(callback).Want(t, http.StatusSeeOther).WantHeader(t, "Location", fmt.Sprintf(to, i))
		if i == 0 {
			first = b.Jar[len(b.Jar)-1]
		}
	}
	// What the first tab has asked for with its cookie may come only now.
	if !slices.Contains(b.Jar, first) {
		t.Error("the session of the first tab is gone")
	}
	wantOneSession(t, b)
	b.WantSignedIn(t, gatewaytest.Ada)
	if len(b.Attempts()) != 0 {
		t.Errorf("the attempts %q are left", b.Attempts())
	}
}

func TestTheThirteenthAttemptHasTheOldestForgotten(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	b := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")}).Browser(t)
	var callbacks []string
	for _, path := range tabs(13, "/%d") {
		callbacks = append(callbacks, p.Consent(t, b.Open(path).Want(t, http.StatusSeeOther).Header.Get("Location")))
	}
	if n := len(b.Attempts()); n != 12 {
		t.Errorf("the browser has %d attempts", n)
	}
	again := p.Consent(t, b.Open(callbacks[0]).Want(t, http.StatusSeeOther).Header.Get("Location")) // it begins anew
	t.Run("and is told of when it comes to nothing again", func(t *testing.T) {
		b := b.At(t, b.Server)
		b.Jar = slices.DeleteFunc(b.Jar, func(pair string) bool { return strings.Contains(pair, query(t, again, "state")[:16]) })
		if a := b.Open(again).Want(t, http.StatusBadRequest); !strings.Contains(a.Body, "Too many sign-ins were begun at once in this browser") {
			t.Errorf("the page is\n%s", a.Body)
		}
	})
	b.Return(callbacks[2]).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/2")
	b.Return(callbacks[12]).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/12")
}

// query is a parameter of an address.
func query(t *testing.T, address, name string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(name)
}

// None of twelve requests that come at once tells of the others.
func TestTwelveTabsOpenedAtOnceWithLongAddresses(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	for _, c := range []struct {
		name       string
		cookie     string
		each, most int // bytes: of an address, and of the cookies
	}{
		{"of a kilobyte have half of the line", "same_site lax", 1000, 4096},
		{"of three leave room on it", "same_site lax", 3000, 6000},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", ""), Cookie: c.cookie}).Browser(t)
			var paths, callbacks []string
			for range 12 {
				paths = append(paths, "/auth/login/sso?return_to="+url.QueryEscape(deep(c.each)))
			}
			for _, a := range b.AtOnce(paths...) {
				callbacks = append(callbacks, p.Consent(t, a.Want(t, http.StatusSeeOther).Header.Get("Location")))
			}
			if n := len(strings.Join(b.Jar, "; ")); n > c.most || len(b.Attempts()) != 12 {
				t.Errorf("%d attempts are %d bytes", len(b.Attempts()), n)
			}
			for _, callback := range callbacks {
				if a := b.Open(callback); a.StatusCode != http.StatusSeeOther && (a.StatusCode != http.StatusOK || !strings.Contains(a.Body, "could not be kept whole")) {
					t.Fatalf("%s\n%s", a.Status, a.Body)
				}
				wantFit(t, b) // from the first on that knows of the others
			}
			b.WantSignedIn(t, gatewaytest.Ada)
		})
	}
}

// A browser that opens many tabs at once comes with more than there may be, and
// with far too much of what another version set.
func TestTooManyAttemptsBecomeFew(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	b := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")}).Browser(t)
	b.AtOnce(tabs(40, "/%d")...)
	if n := len(b.Attempts()); n != 40 {
		t.Fatalf("the browser has %d attempts", n)
	}
	b.Begin(p, "sso", "/")
	if n := len(b.Attempts()); n != 12 {
		t.Errorf("the browser has %d attempts", n)
	}
	b.Jar = nil
	for i := range 4 {
		b.Jar = append(b.Jar, fmt.Sprintf("sidegate-attempt-%016d=%s", i, strings.Repeat("A", 2000)))
	}
	b.Return(b.Begin(p, "sso", "/orders")).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/orders")
	wantFit(t, b)
}

// deep is an address of so many bytes that hardly get shorter.
func deep(n int) string {
	address := "/orders?ticket="
	for len(address) < n {
		address += rand.Text()[:24] + "&a="
	}
	return address[:n]
}

func TestALongAddressIsComeBackToThroughAProvider(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Bare: true, Options: p.Login("sso", "")})
	for name, address := range map[string]string{
		"one of a kilobyte with many &":               "/orders?" + strings.Repeat("a=1&", 250),
		"one of three kilobytes":                      deep(3072),
		"one of three kilobytes that are all escaped": "/orders?q=" + strings.Repeat("%22%5B", 510),
		"one of bytes that are no UTF-8":              "/caf%E9/%FF?q=%E9",
	} {
		t.Run(name, func(t *testing.T) {
			b := s.Browser(t)
			login := b.Open(address).Want(t, http.StatusSeeOther)
			straight := b.Open(login.Header.Get("Location")).Want(t, http.StatusSeeOther)
			away := b.Open(straight.Header.Get("Location")).Want(t, http.StatusSeeOther)
			wantFit(t, b)
			back := b.Open(p.Consent(t, away.Header.Get("Location"))).Want(t, http.StatusSeeOther)
			back.WantHeader(t, "Location", address)
			for _, a := range []gatewaytest.Answer{login, straight, back} {
				if n := headerSize(a); n > 4096 {
					t.Errorf("%s is answered with %d bytes of headers: nginx answers 502", a.Request.URL.Path, n)
				}
			}
			if strings.Contains(strings.Join(b.Jar, ";"), "attempt") {
				t.Errorf("the browser keeps %q", b.Jar)
			}
		})
	}
}

func headerSize(a gatewaytest.Answer) (size int) {
	for name, values := range a.Header {
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	return size
}

func TestWhatIsLostOfALongAddressIsSaidAfterAProvider(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Bare: true, Options: p.Login("sso", "")})
	t.Run("when it was too long from the start", func(t *testing.T) {
		b := s.Browser(t)
		at := deep(3500)
		for range 3 {
			at = b.Open(at).Want(t, http.StatusSeeOther).Header.Get("Location")
		}
		wantLost(t, b.Open(p.Consent(t, at)), "/orders")
		b.WantSignedIn(t, gatewaytest.Ada)
	})
	t.Run("when there was no room beside other tabs", func(t *testing.T) {
		b := s.Browser(t)
		first := b.Begin(p, "sso", deep(3000))
		second := b.Begin(p, "sso", deep(2000))
		wantFit(t, b)
		wantLost(t, b.Open(first), "/orders")
		b.Open(second).Want(t, http.StatusSeeOther)
	})
	t.Run("when eleven other tabs have all the room", func(t *testing.T) {
		b := s.Browser(t)
		for _, path := range tabs(11, "/tab/%d?from=now-6h&to=now&ticket="+rand.Text()+rand.Text()) {
			b.Open(path).Want(t, http.StatusSeeOther)
		}
		wantFit(t, b)
		callback := b.Begin(p, "sso", deep(3000))
		wantFit(t, b)
		wantLost(t, b.Open(callback), "/orders")
	})
	t.Run("not, when there was", func(t *testing.T) {
		b := s.Browser(t)
		long := []string{deep(500), deep(600), deep(700), deep(200)}
		var callbacks []string
		for _, address := range long {
			callbacks = append(callbacks, b.Begin(p, "sso", address))
		}
		wantFit(t, b)
		for i, callback := range callbacks {
			b.Open(callback).Want(t, http.StatusSeeOther).WantHeader(t, "Location", long[i])
		}
	})
}

func TestWhatIsLostOfALongAddressIsSaidOnTheLoginPage(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	both := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	t.Run("to whom was led there", func(t *testing.T) {
		b := both.Browser(t)
		login := b.Open(deep(3500)).Want(t, http.StatusSeeOther).Header.Get("Location")
		page := b.Open(login).Want(t, http.StatusOK)
		if returnToField(t, page) != "/orders" || !strings.Contains(page.Body, "cannot be kept whole. Signing in leads to <strong>/orders</strong>") {
			t.Errorf("the page is\n%s", page.Body)
		}
	})
	t.Run("to whom an app led there by itself", func(t *testing.T) {
		page := both.Browser(t).Open("/auth/login?return_to=" + url.QueryEscape(deep(5000)))
		if returnToField(t, page) != "/orders" || !strings.Contains(page.Body, "cannot be kept whole") {
			t.Errorf("the page is\n%s", page.Body)
		}
	})
	t.Run("and nothing of somebody else's is said", func(t *testing.T) {
		page := both.Browser(t).Open("/auth/login?return_to=" + url.QueryEscape("https://evil.example.com/x?"+deep(5000)))
		if returnToField(t, page) != "/" || strings.Contains(page.Body, "evil") {
			t.Errorf("the page is\n%s", page.Body)
		}
	})
}

func wantLost(t *testing.T, a gatewaytest.Answer, to string) {
	t.Helper()
	a.Want(t, http.StatusOK)
	if !strings.Contains(a.Body, "could not be kept whole while you signed in. This leads to <strong>"+to+"</strong>") ||
		!strings.Contains(a.Body, `href="`+to+`"`) || strings.Contains(a.Body, "http-equiv") {
		t.Errorf("the page is\n%s", a.Body)
	}
}

// Whoever packs something of their own into the address gains nothing by it.
func TestAPackedAddressIsReadAsAnyOther(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for _, packed := range []string{"~", "~!", "~AAAA", "~gqlKLChAUQV2Z7E92CFGaoW2qkZGiapGRoAAAAD__w"} {
		if field := returnToField(t, s.Browser(t).Open("/auth/login?return_to="+packed)); field != "/" {
			t.Errorf("%s leads to %q", packed, field)
		}
	}
}
