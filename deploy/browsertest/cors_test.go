package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// newElsewhere has a page at a port of its own, of the same site as the gateway.
func newElsewhere(t *testing.T) (address string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><html lang=en><title>Elsewhere</title><link rel=icon href=data:,><h1>Elsewhere</h1>")
	}))
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
}

// reads is what a page of another origin does there, and what comes of it; a failure is
// told as such.
var reads = []struct{ name, script, listed, others string }{
	{"the session", `fetch(gate + "/auth/session", { credentials: "include" }).then((a) => a.json()).then((s) => s.email)`, gatewaytest.Ada, "fails"},
	{"its headers", `fetch(gate + "/auth/session", { credentials: "include" }).then((a) => ["ETag", "X-Session-Expires-At", "X-Session-Idle-Expires-At", "Date"].filter((h) => a.headers.get(h)).length)`, "4", "fails"},
	{"the session for another account, for which it asks first", `fetch(gate + "/auth/session", { credentials: "include", headers: { "X-Account-Id": "globex" } }).then((a) => a.json()).then((s) => s.primaryAccount.accountId)`, "globex", "fails"},
	{"what it asks to be built anew", `fetch(gate + "/auth/refresh", { method: "POST", credentials: "include", headers: { "Content-Type": "application/json" } }).then((a) => a.status)`, "200", "fails"},
	{"by the client", `import(gate + "/auth/client.js").then(({ getSession }) => getSession()).then((s) => s.email)`, gatewaytest.Ada, "fails"},
	{"events", `new Promise((done, fail) => { const e = new EventSource(gate + "/auth/events?account=globex", { withCredentials: true }); e.onopen = () => { done("open"); e.close() }; e.onerror = fail })`, "open", "fails"},
	{"without credentials, that nobody is signed in", `fetch(gate + "/auth/session", { credentials: "omit" }).then((a) => a.status)`, "401", "fails"},
	{"that it is refused what an app has", `fetch(gate + "/orders", { credentials: "omit" }).then((a) => a.status + " " + a.headers.get("X-Login-Url").replace(gate, "gate"))`, "401 gate/auth/login?return_to=%2Forders", "fails"},
	{"not what the app answers, which is the app's to say", `fetch(gate + "/orders", { credentials: "include" }).then((a) => a.status)`, "fails", "fails"},
	{"not the login page", `fetch(gate + "/auth/login", { credentials: "include" }).then((a) => a.status)`, "fails", "fails"},
}

func TestAPageOfAListedOriginReadsTheSession(t *testing.T) {
	listed, other := newElsewhere(t), newElsewhere(t)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "account_param account\ncors " + listed, Localhost: true})
	gate := strings.Replace(p.URL, "127.0.0.1", "localhost", 1)
	b := open(t) // which complains of each answer that a page may not read
	b.do(chromedp.Navigate(gate + "/orders"))
	b.signIn()
	b.wantText("upstream")
	for _, from := range []string{listed, other} {
		b.do(chromedp.Navigate(from))
		b.wantText("Elsewhere")
		for _, c := range reads {
			want := c.listed
			if from == other {
				want = c.others
			}
			b.do(chromedp.Evaluate(`{ const gate = "`+gate+`"; window.said = ""; `+c.script+`.then((v) => { said = "" + v }, () => { said = "fails" }); 0 }`, nil))
			b.await(fmt.Sprintf("a page of %s reads %s: %s", map[bool]string{true: "the listed origin", false: "another one"}[from == listed], c.name, want),
				`window.said ?? ""`, func(said string) bool { return said == want })
		}
	}
}
