package browsertest

import (
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// A refusal is no page of the app, and what stands behind the # is the app's.
func TestTheFragmentIsKeptOnTheWayOnFromARefusal(t *testing.T) {
	g := gatewaytest.StartProcess(t, gatewaytest.Site{Auth: "path /billing/* {\naccount_admin\n}"})
	const link = "/billing/7?a=1#/lines/2"
	b := open(t) // which complains of 403
	refused := func() {
		b.do(chromedp.Navigate(g.URL + "/auth/account"))
		b.pressNamed("Globex")
		b.await("Globex is marked", `(document.querySelector("[aria-current]") || document.body).innerText.slice(0, 6)`, func(said string) bool { return said == "Globex" })
		b.do(chromedp.Navigate(g.URL + link))
		b.wantText("Only administrators of the account you act for may do this.")
	}
	b.do(chromedp.Navigate(g.URL + "/orders"))
	b.signIn()
	b.wantText("upstream")
	refused()
	b.pressNamed("Act for another account")
	b.pressNamed("Acme Ltd")
	b.wantText("upstream")
	b.wantAddress(g.URL + link)
	refused()
	b.pressNamed("Sign out, or sign in as somebody else")
	b.wantText("Sign out?")
	b.pressNamed("Sign out")
	b.wantText("Email address")
	b.signIn()
	b.wantText("upstream")
	b.wantAddress(g.URL + link)
}

func TestTryingAgainKeepsTheFragment(t *testing.T) {
	r := redistest.Start(t, redistest.AppendOnly())
	g := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "cache off"}.OnRedis(r, gatewaytest.PresentSecret))
	b := open(t) // which complains of 503
	b.do(chromedp.Navigate(g.URL + "/orders?z#/7"))
	b.signIn()
	b.wantText("upstream")
	r.Kill()
	b.do(chromedp.Reload())
	b.wantText("Sessions cannot be looked up just now.")
	r.Restart()
	gatewaytest.Await(t, "the store answers", func() bool {
		return g.Client(t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).StatusCode == http.StatusOK
	})
	b.pressNamed("Try again")
	b.wantText("upstream")
	b.wantAddress(g.URL + "/orders?z#/7")
}
