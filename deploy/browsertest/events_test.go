package browsertest

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"github.com/chromedp/chromedp"
)

// listen has the page open a stream of its session's events, and note what it hears.
const listen = `window.heard = []
window.source = new EventSource("/auth/events")
source.onopen = () => heard.push("open")
source.addEventListener("session", e => heard.push(JSON.parse(e.data).reason))`

// wantHeard waits until the page has heard exactly that.
func (b *tab) wantHeard(want ...string) {
	b.t.Helper()
	b.await("the page hears "+strings.Join(want, ", "), `heard.join(" ")`, func(heard string) bool { return heard == strings.Join(want, " ") })
}

// ask sends a request of the page's own, and waits for the answer's status.
func (b *tab) ask(method, path, body, want string) {
	b.t.Helper()
	b.do(chromedp.Evaluate(`window.answered = ""; fetch("`+path+`", {method: "`+method+`", body: '`+body+
		`' || undefined, headers: {"Content-Type": "application/json"}}).then(a => { answered = "" + a.status })`, nil))
	b.await(method+" "+path+" is answered", `answered`, func(status string) bool { return status == want })
}

func TestAPageHearsWhatBecomesOfItsSession(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	b := open(t)
	b.do(chromedp.Navigate(p.URL + "/orders"))
	b.signIn()
	b.do(chromedp.Evaluate(listen, nil))
	b.wantHeard("open")

	other := b.another()
	other.do(chromedp.Navigate(p.URL + "/orders"))
	other.wantText("upstream")
	other.ask("PUT", "/auth/session/primary-account", `{"accountId":"globex"}`, "200")
	b.wantHeard("open", "account")

	// A reload sends it away, and it comes back by itself: nothing was missed.
	p.Site.Routes = gatewaytest.RoundRoutes(1)
	p.Reload()
	b.wantHeard("open", "account", "open")
	other.ask("PUT", "/auth/session/primary-account", `{"accountId":"acme"}`, "200")
	b.wantHeard("open", "account", "open", "account")

	// What happens while it is away it hears when it comes back.
	p.Site.Routes = gatewaytest.RoundRoutes(2)
	p.Reload()
	other.ask("POST", "/auth/refresh", "", "200")
	b.await("the page hears that it has missed something", `heard.slice(4).join(" ")`, func(heard string) bool {
		return heard == "open refreshed"
	})

	other.ask("POST", "/auth/logout", "", "204")
	b.wantHeard("open", "account", "open", "account", "open", "refreshed", "signed_out")
	b.await("the browser asks no more, for it was answered with 401", `"" + source.readyState`, func(state string) bool { return state == "2" })
}
