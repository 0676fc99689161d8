package browsertest

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"github.com/chromedp/chromedp"
)

// another opens another tab of the same browser.
func (b *tab) another() *tab {
	b.t.Helper()
	ctx, leave := chromedp.NewContext(b)
	b.t.Cleanup(leave)
	n := &tab{Context: ctx, t: b.t}
	n.do()
	return n
}

// follow sets out for an address, as a link on the page does, and waits for
// nothing.
func (b *tab) follow(address string) {
	b.t.Helper()
	b.do(chromedp.Evaluate(fmt.Sprintf("setTimeout(() => { location.href = %q })", address), nil))
}

// wantAt waits until the browser is at an address that begins so, and returns it.
func (b *tab) wantAt(prefix string) string {
	b.t.Helper()
	at := ""
	gatewaytest.Await(b.t, "the browser is at "+prefix, func() bool {
		// While a page goes and the next comes there is none to ask.
		err := chromedp.Run(b, chromedp.Evaluate(`document.readyState == "complete" ? location.href : ""`, &at))
		return err == nil && strings.HasPrefix(at, prefix)
	}, func() string { return "it is at " + at })
	return at
}

// plainName is one that is not this machine's, as far as browsers know.
const plainName = "app.example.com"

// startWithProvider runs a gateway with a provider and Secure cookies, at a name
// that browsers keep those of without TLS.
func startWithProvider(t *testing.T) (*gatewaytest.IDP, string) {
	t.Helper()
	idp := gatewaytest.NewIDP(t)
	g := gatewaytest.StartProcess(t, gatewaytest.Site{Bare: true, Options: idp.Login("sso", ""), Cookie: "same_site lax", Localhost: true, Name: plainName})
	return idp, strings.Replace(g.URL, "127.0.0.1", "localhost", 1)
}

// consent has the provider send the tab back.
func (b *tab) consent(idp *gatewaytest.IDP, origin string) {
	b.t.Helper()
	b.follow(origin + idp.Consent(b.t, b.wantAt(idp.URL+"/authorize?")))
}

func TestTwelveTabsThatABrowserOpensAtOnceAllSignIn(t *testing.T) {
	idp, origin := startWithProvider(t)
	first := open(t)
	tabs := []*tab{first}
	for range 11 {
		tabs = append(tabs, first.another())
	}
	address := func(i int) string {
		return fmt.Sprintf("%s/dashboards/d/%d/servers?orgId=1&from=now-6h&to=now&var-host=web-01", origin, i)
	}
	for i, b := range tabs {
		b.follow(address(i))
	}
	for _, b := range tabs {
		b.wantAt(idp.URL + "/authorize?")
	}
	// A provider that knows the person answers in all of them at once.
	callbacks := make([]string, len(tabs))
	for i, b := range tabs {
		callbacks[i] = origin + idp.Consent(t, b.wantAt(idp.URL+"/authorize?"))
	}
	for i, b := range tabs {
		b.follow(callbacks[i])
	}
	for i, b := range tabs {
		if at := b.wantAt(origin + "/dashboards/"); at != address(i) {
			t.Errorf("tab %d is at %s", i, at)
		}
		b.wantText("upstream")
	}
	if n := first.cookieCount(); n != 1 {
		t.Errorf("the browser has %d cookies; want that of the session", n)
	}
	first.do(chromedp.Navigate(origin + "/auth/sessions"))
	first.await("there is one session, not one for each tab", `document.body.innerText`, func(listed string) bool {
		return strings.Contains(listed, "You are signed in nowhere else.")
	})
}

func TestADeepLinkOfThreeKilobytesIsComeBackTo(t *testing.T) {
	idp, origin := startWithProvider(t)
	b := open(t)
	query := url.Values{"filter": {strings.Repeat(`{"name":"caf`+"\u00e9"+`","in":[1,2]},`, 40)}}
	address := origin + "/orders?" + query.Encode() + "&ticket="
	address += strings.Repeat("0123456789abcdef", 200)[:3072-len(address)+len(origin)]
	b.follow(address)
	b.consent(idp, origin)
	if at := b.wantAt(origin + "/orders"); at != address {
		t.Errorf("the browser is at %s, want %s", at, address)
	}
	t.Run("and of a longer one the rest is said to be lost", func(t *testing.T) {
		b := open(t)
		b.follow(address + "&more=1")
		b.consent(idp, origin)
		b.wantText("could not be kept whole")
		b.do(chromedp.Click("a.button"))
		b.wantAt(origin + "/orders")
		b.wantPath("/orders")
	})
}

// Over plain http, at a name that is not this machine's, browsers drop a Secure
// cookie and say nothing: the person is told, in the second round, and goes no
// round more.
func TestOverPlainHTTPTheBrowserIsToldWhyThereIsNoCookie(t *testing.T) {
	idp, origin := startWithProvider(t)
	origin = strings.Replace(origin, "localhost", plainName, 1)
	b := open(t, chromedp.Flag("host-resolver-rules", "MAP "+plainName+" 127.0.0.1"))
	b.follow(origin + "/orders")
	first := b.wantAt(idp.URL + "/authorize?")
	b.follow(origin + idp.Consent(t, first))
	second := ""
	gatewaytest.Await(t, "the sign-in begins again", func() bool {
		second = b.wantAt(idp.URL + "/authorize?")
		return second != first
	}, func() string { return "it is at " + second })
	b.follow(origin + idp.Consent(t, second))
	b.wantText("Your browser sent no cookie for this attempt. If this address begins with http://, that is why")
	if n := idp.Count("/token"); n != 0 {
		t.Errorf("%d codes were used", n)
	}
}
