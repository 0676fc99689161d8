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
			b.wantText("Email address")
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
	g.AwaitLog(`"level":"warn"`, "over plain http, because it is Secure", "say `insecure` in `cookie`")
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
	t.Run("and who is not signed in gets the form", func(t *testing.T) {
		b := open(t, atNames())
		b.do(chromedp.Navigate(p.URL + "/auth/login"))
		b.follow(origin + "/orders?page=3")
		b.wantText("Email address")
		b.wantPath("/auth/login?return_to=%2Forders%3Fpage%3D3")
	})
}
