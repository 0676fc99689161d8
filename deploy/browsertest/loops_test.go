package browsertest

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// startAt runs a gateway at that name, with the users file.
func startAt(t *testing.T, name, cookie string) (origin string, p *gatewaytest.Process) {
	t.Helper()
	p = gatewaytest.StartProcess(t, gatewaytest.Site{Name: name, Cookie: cookie})
	return strings.Replace(p.URL, "127.0.0.1", name, 1), p
}

// atNames has a browser find all names on this machine.
func atNames() chromedp.ExecAllocatorOption {
	return chromedp.Flag("host-resolver-rules", "MAP *.example 127.0.0.1")
}

// Two gateways have cookies of one name, one of them for all hosts below its own:
// the browser sends both to the other.
func TestASignInHoldsBelowADomainWithAGatewayOfItsOwn(t *testing.T) {
	above, _ := startAt(t, "shop.example", "insecure\ndomain shop.example")
	below, _ := startAt(t, "app.shop.example", "insecure")
	b := open(t, atNames())
	for range 2 {
		for _, origin := range []string{above, below} {
			b.do(chromedp.Navigate(origin + "/orders"))
			b.signIn()
			b.wantPath("/orders")
			b.do(chromedp.Navigate(origin + "/orders?page=2"))
			b.wantText("upstream")
		}
		for _, origin := range []string{above, below} {
			b.do(chromedp.Navigate(origin + "/orders?page=3"))
			b.wantText("upstream")
			b.do(chromedp.Navigate(origin + "/auth/logout"))
			b.wantText("Sign out?")
			b.do(chromedp.Click("form button", chromedp.ByQuery))
			b.wantText("You are signed out")
		}
	}
}

// Browsers drop a Secure cookie there and say nothing.
func TestOverPlainHTTPWhoHasSignedInIsToldWhyItIsNotKept(t *testing.T) {
	origin, g := startAt(t, "app.shop.example", "same_site lax")
	b := open(t, atNames())
	b.do(chromedp.Navigate(origin + "/orders?page=2"))
	b.wantText("Email address")
	b.do(chromedp.Focus("#email"))
	b.keys(gatewaytest.Ada, kb.Tab, gatewaytest.Password, kb.Enter)
	b.wantText("You have signed in, but your browser did not keep it. If this address begins with http://, that is why")
	b.wantFocus("failure")
	g.AwaitLog(`"level":"warn"`, "over plain http, because it is Secure", "on a test network only, `insecure` in the block `cookie`")
}

// A reload repeats the Referer of the first time, which is the login page's.
func TestAReloadAfterTheSessionHasEndedAccusesNoBrowser(t *testing.T) {
	origin, _ := startAt(t, "app.shop.example", "insecure")
	b := open(t, atNames())
	b.do(chromedp.Navigate(origin + "/orders?page=2"))
	b.signIn()
	b.wantText("upstream")
	b.do(chromedp.Evaluate(`fetch("/auth/logout", {method: "POST"}).then(() => document.title = "ended")`, nil))
	b.await("the session has ended", `document.title`, func(title string) bool { return title == "ended" })
	b.do(chromedp.Reload())
	b.await("there is the bare form", `document.body.innerText`, func(text string) bool {
		return strings.Contains(text, "Email address") && !strings.Contains(text, "You have signed in, but")
	})
}

// Single sign-on answers at once, so the browser went round without end.
func TestThroughAProviderWhoseSignInIsNotKeptIsToldWhy(t *testing.T) {
	idp := gatewaytest.NewIDP(t)
	g := gatewaytest.StartProcess(t, gatewaytest.Site{Bare: true, Name: "app.other.example", Options: idp.Login("sso", ""), Cookie: "insecure\ndomain shop.example"})
	origin := strings.Replace(g.URL, "127.0.0.1", "app.other.example", 1)
	b := open(t, atNames())
	b.follow(origin + "/orders?page=2")
	at := ""
	for range 2 {
		before := at
		gatewaytest.Await(t, "the browser is at the provider", func() bool {
			at = b.wantAt(idp.URL + "/authorize?")
			return at != before
		})
		b.follow(origin + idp.Consent(t, at))
	}
	b.wantText("You have signed in, but this service did not know you again at the next page.")
	b.wantFocus("failure")
	g.AwaitLog(`"level":"warn"`, "the `domain` of `cookie` is shop.example, and people come to app.other.example")
}

// Over plain http, at names that are not this machine's, browsers do not say where
// a link stood.
func TestWithSameSiteStrictALinkOfAnotherSiteToAPageOfTheGateway(t *testing.T) {
	named, _ := startAt(t, "app.shop.example", "insecure\nsame_site strict")
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Localhost: true, Cookie: "same_site strict\nname __Host-Http-sidegate"})
	for name, c := range map[string]struct{ origin, other string }{
		"at a name over plain http": {named, strings.Replace(named, "app.shop.example", "evil.example", 1)},
		"on this machine":           {strings.Replace(p.URL, "127.0.0.1", "localhost", 1), p.URL},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, atNames())
			b.do(chromedp.Navigate(c.origin + "/orders"))
			b.signIn()
			for path, text := range map[string]string{
				"/auth/logout": "Sign out?", "/auth/login": "You are signed in as", "/auth/login?return_to=%2Forders%3Fpage%3D2": "upstream", "/orders?page=3": "upstream",
			} {
				b.do(chromedp.Navigate(c.other + "/elsewhere"))
				b.follow(c.origin + path)
				b.wantAt(c.origin)
				b.wantText(text)
			}
			b.do(chromedp.Navigate(c.other + "/elsewhere"))
			b.follow(c.origin + "/auth/logout")
			b.wantText("Sign out?")
			b.do(chromedp.Click("form button", chromedp.ByQuery))
			b.wantText("You are signed out")
			b.do(chromedp.Navigate(c.other + "/elsewhere"))
			b.follow(c.origin + "/auth/logout")
			b.wantText("You are signed out")
		})
	}
}

func TestWithSameSiteStrictALinkOfAnotherSiteLeadsToThePage(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Localhost: true, Cookie: "same_site strict\nname __Host-Http-sidegate"})
	origin := strings.Replace(p.URL, "127.0.0.1", "localhost", 1)
	b := open(t, atNames())
	b.do(chromedp.Navigate(origin + "/orders"))
	b.signIn()
	b.do(chromedp.Navigate(p.URL + "/auth/login")) // another site, as far as browsers know
	b.follow(origin + "/orders?page=2")
	b.wantText("upstream")
	b.wantPath("/orders?page=2")
	b.do(chromedp.Navigate(p.URL + "/auth/login"))
	b.follow(origin + "/a//b?page=4#row7")
	b.await("nothing of the address is lost", `location.href`, func(at string) bool { return at == origin+"/a//b?page=4#row7" })
	t.Run("and who is not signed in gets the form", func(t *testing.T) {
		b := open(t, atNames())
		b.do(chromedp.Navigate(p.URL + "/auth/login"))
		b.follow(origin + "/orders?page=3")
		b.wantText("Email address")
		b.wantPath("/auth/login?return_to=%2Forders%3Fpage%3D3")
	})
}

// The provider leads back from another site, without the session that there was:
// each sign-in left it behind.
func TestWithSameSiteStrictALinkToAProviderLeavesOneSession(t *testing.T) {
	idp := gatewaytest.NewIDP(t)
	for name, site := range map[string]gatewaytest.Site{
		"at a name over plain http": {Bare: true, Options: idp.Login("sso", ""), Name: "app.shop.example", Cookie: "insecure\nsame_site strict"},
		"on this machine":           {Bare: true, Options: idp.Login("sso", ""), Localhost: true, Cookie: "same_site strict\nname __Host-Http-sidegate"},
	} {
		t.Run(name, func(t *testing.T) {
			g := gatewaytest.StartProcess(t, site)
			origin, other := strings.Replace(g.URL, "127.0.0.1", "localhost", 1), idp.URL
			if site.Name != "" {
				origin, other = strings.Replace(g.URL, "127.0.0.1", site.Name, 1), strings.Replace(g.URL, "127.0.0.1", "evil.example", 1)
			}
			b := open(t, atNames())
			for _, path := range []string{"/orders", "/auth/login/sso?return_to=%2Forders", "/auth/login/sso?return_to=%2Forders"} {
				b.do(chromedp.Navigate(other + "/elsewhere"))
				b.follow(origin + path)
				b.consent(idp, origin)
				b.wantAt(origin + "/orders")
				b.wantText("upstream")
			}
			b.do(chromedp.Navigate(origin + "/auth/sessions"))
			b.await("there is one session", `document.body.innerText`, func(listed string) bool {
				return strings.Contains(listed, "You are signed in nowhere else.")
			})
		})
	}
}
