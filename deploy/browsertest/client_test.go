package browsertest

import (
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// followSession has the page follow who is signed in by the gateway's client, and note each
// state with the moment that it came at.
func (b *tab) followSession(options string) {
	b.t.Helper()
	b.do(chromedp.Evaluate(`window.states = []; import("/auth/client.js").then(({ createClient }) => {
		window.client = createClient(`+options+`)
		client.subscribe(({ status }) => states.push({ status, at: Date.now() }))
	}); 0`, nil))
	b.wantStatuses("loading authenticated")
}

// wantStatuses waits until the page was told exactly these, one after the other.
func (b *tab) wantStatuses(want string) {
	b.t.Helper()
	b.await("the client has said "+want, `states.map((state) => state.status).join(" ")`, func(said string) bool { return said == want })
}

// lastTold is when the page was told the last state, in milliseconds.
func (b *tab) lastTold() (at int64) {
	b.t.Helper()
	b.do(chromedp.Evaluate(`states.at(-1).at`, &at))
	return at
}

// startTabs has two tabs of one browser at an app, of somebody who is signed in.
func startTabs(t *testing.T, options string) (p *gatewaytest.Process, one, other *tab) {
	t.Helper()
	p = gatewaytest.StartProcess(t, gatewaytest.Site{})
	one = open(t)
	one.do(chromedp.Navigate(p.URL + "/orders"))
	one.signIn()
	one.followSession(options)
	other = one.another()
	other.do(chromedp.Navigate(p.URL + "/orders"))
	other.wantText("upstream")
	other.followSession(options)
	return p, one, other
}

// Whoever signs out in one tab is signed out in the other: because it says so, or, where
// it does not, because the gateway does.
func TestTabsKnowOfASignOutInAnother(t *testing.T) {
	const streams, none = `{base: "/auth"}`, `{base: "/auth", events: false}`
	for name, c := range map[string]struct {
		options, signOut string
	}{
		"by what the other tab says, without the stream of events": {none, `client.logout()`},
		"by what the other tab says, and by the stream":            {streams, `client.logout()`},
		"by the stream, which one tab hears for both":              {streams, `fetch("/auth/logout", { method: "POST" })`},
	} {
		t.Run(name, func(t *testing.T) {
			_, one, other := startTabs(t, c.options)
			if c.options == streams {
				// Which of them listens is the browser's choice.
				one.await("one tab listens", `"" + performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/auth/session")).length`,
					func(n string) bool { return n != "0" && n != "1" })
			}
			var began int64
			other.do(chromedp.Evaluate(`const began = Date.now(); `+c.signOut+`; began`, &began))
			one.wantStatuses("loading authenticated anonymous")
			other.wantStatuses("loading authenticated anonymous")
			for _, b := range []*tab{one, other} {
				if took := b.lastTold() - began; gatewaytest.Long() && took > 1000 {
					t.Errorf("a tab knew after %s ms", strconv.FormatInt(took, 10))
				}
			}
		})
	}
}

func TestATabKnowsOfASignInInAnother(t *testing.T) {
	_, one, other := startTabs(t, `{base: "/auth"}`)
	other.do(chromedp.Evaluate(`client.logout(); 0`, nil))
	one.wantStatuses("loading authenticated anonymous")
	other.wantStatuses("loading authenticated anonymous")
	other.do(chromedp.Evaluate(`client.login(); 0`, nil))
	other.signIn()
	other.wantPath("/orders")
	other.followSession(`{base: "/auth"}`)
	one.wantStatuses("loading authenticated anonymous authenticated")
}

// What ends a session elsewhere, on another device, is heard by the stream alone.
func TestTabsKnowOfWhatHappensElsewhere(t *testing.T) {
	p, one, other := startTabs(t, `{base: "/auth"}`)
	elsewhere := p.Client(t)
	elsewhere.SignIn(gatewaytest.Ada)
	elsewhere.Do("DELETE", "/auth/sessions", "").Want(t, 204)
	one.wantStatuses("loading authenticated anonymous")
	other.wantStatuses("loading authenticated anonymous")
}

// The tab that was first listens for both, until the browser freezes it.
func TestATabThatIsFrozenLeavesTheStreamToAnother(t *testing.T) {
	p, one, other := startTabs(t, `{base: "/auth"}`)
	one.do(page.SetWebLifecycleState(page.SetWebLifecycleStateStateFrozen))
	elsewhere := p.Client(t)
	elsewhere.SignIn(gatewaytest.Ada)
	elsewhere.Do("DELETE", "/auth/sessions", "").Want(t, 204)
	other.wantStatuses("loading authenticated anonymous")
	one.do(page.SetWebLifecycleState(page.SetWebLifecycleStateStateActive))
	one.wantStatuses("loading authenticated anonymous")
}

// The client of the page is that of its own gateway, below whichever base_path.
func TestTheClientKnowsWhereItIsFrom(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "base_path /-/gate"})
	b := open(t)
	b.do(chromedp.Navigate(p.URL + "/orders"))
	b.signIn()
	b.do(chromedp.Evaluate(`import("/-/gate/client.js").then(async ({ getSession }) => { window.email = (await getSession()).email }); 0`, nil))
	b.await("it says who is signed in", `window.email ?? ""`, func(email string) bool { return email == gatewaytest.Ada })
}
