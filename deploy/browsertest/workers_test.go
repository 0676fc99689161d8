package browsertest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// takesOver has a worker at work at once, and passes by what it should.
const takesOver = `
self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));
const ours = (request) => request.method === "GET" && !new URL(request.url).pathname.startsWith("/auth/");
const keep = async (request, answer) => { if (answer.ok) await (await caches.open("app")).put(request, answer.clone()); return answer; };
`

// workers are the usual patterns of service workers. Those that show what they have
// kept need an app that asks who is signed in: no request for a page comes to the
// gateway.
var workers = []struct {
	name, script string
	asks         bool   // the app does
	offline      string // what is shown without a network
}{
	{"that asks the network first", takesOver + `
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("fetch", (event) => {
  if (ours(event.request)) event.respondWith(fetch(event.request).then((answer) => keep(event.request, answer)).catch(() => caches.match(event.request)));
});`, false, "Orders"},
	{"that shows what it has while it asks", takesOver + `
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("fetch", (event) => {
  if (!ours(event.request)) return;
  const asked = fetch(event.request).then((answer) => keep(event.request, answer));
  event.waitUntil(asked.catch(() => {}));
  event.respondWith(caches.match(event.request).then((kept) => kept || asked));
});`, true, "Orders"},
	{"that has the shell of the app beforehand", takesOver + `
self.addEventListener("install", (event) => event.waitUntil(caches.open("app").then((kept) => kept.addAll(["/", "/app.js"])).then(() => self.skipWaiting())));
self.addEventListener("fetch", (event) => {
  if (ours(event.request)) event.respondWith(caches.match(event.request.mode === "navigate" ? "/" : event.request).then((kept) => kept || fetch(event.request)));
});`, true, "Orders"},
	{"that has navigations loaded ahead", takesOver + `
self.addEventListener("install", (event) => event.waitUntil(caches.open("app").then((kept) => kept.add("/offline")).then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(registration.navigationPreload.enable()));
self.addEventListener("fetch", (event) => {
  if (event.request.mode !== "navigate" || !ours(event.request)) return;
  event.respondWith(Promise.resolve(event.preloadResponse).then((ahead) => ahead || fetch(event.request)).catch(() => caches.match("/offline")));
});`, false, "There is no network"},
	{"that asks in words of its own", takesOver + `
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("fetch", (event) => {
  if (ours(event.request)) event.respondWith(fetch(new Request(event.request, { cache: "no-store" })).then((answer) => keep(event.request, answer)).catch(() => caches.match(event.request)));
});`, false, "Orders"},
}

// registers is the app's script: it has the worker at work, and says so.
const registers = `
await navigator.serviceWorker.register("/sw.js");
await navigator.serviceWorker.ready;
if (!navigator.serviceWorker.controller) await new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done, { once: true }));
document.getElementById("worker").textContent = "A worker is at work";
`

// asksWho is what the app does whose worker shows kept pages.
const asksWho = `
const { getSession, login } = await import("/auth/client.js");
if (await getSession().catch(() => "cannot tell") === null) login();
`

// newApp is an app that has that worker.
func newApp(t *testing.T, worker string, asks bool) (address string) {
	const page = "<!doctype html><html lang=en><title>Orders</title><link rel=icon href=data:,><h1>Orders</h1>"
	script := registers
	if asks {
		script += asksWho
	}
	files := map[string][2]string{
		"/":        {"text/html", page + "<p id=worker></p><script type=module src=/app.js></script>"},
		"/offline": {"text/html", page + "<p>There is no network"},
		"/app.js":  {"text/javascript", script},
		"/sw.js":   {"text/javascript", worker},
	}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file := files[r.URL.Path]
		w.Header().Set("Content-Type", file[0])
		_, _ = w.Write([]byte(file[1]))
	}))
	t.Cleanup(app.Close)
	return strings.TrimPrefix(app.URL, "http://")
}

// signsIn does so at the page that asks for it, and waits until the worker of the app
// has the next page.
func (b *tab) signsIn() {
	b.t.Helper()
	b.wantFocus("email")
	b.keys(gatewaytest.Ada, kb.Tab, gatewaytest.Password, kb.Enter)
	b.wantText("A worker is at work")
	b.do(chromedp.Reload())
	b.wantText("A worker is at work")
}

// signsOut does so at the page that asks whether to.
func (b *tab) signsOut(origin string) {
	b.t.Helper()
	b.do(chromedp.Navigate(origin + "/auth/logout"))
	b.wantText("Sign out?")
	b.keys(kb.Tab, kb.Enter)
	b.wantText("You are signed out")
}

// TestAServiceWorkerOfTheAppStandsInNobodysWay goes through what a worker would show
// as a page that leads nowhere: the gateway's refusals in place of the app's page.
func TestAServiceWorkerOfTheAppStandsInNobodysWay(t *testing.T) {
	for _, c := range workers {
		t.Run("one "+c.name, func(t *testing.T) {
			p := gatewaytest.StartProcess(t, gatewaytest.Site{Upstream: newApp(t, c.script, c.asks)})
			b := open(t) // it complains of a script that is refused
			b.do(chromedp.Navigate(p.URL + "/"))
			b.signsIn()
			b.signsOut(p.URL)
			b.do(chromedp.Navigate(p.URL + "/"))
			b.signsIn()

			// Signed out elsewhere, with the app on the screen.
			p.WithCookie(t, gatewaytest.Ada).Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusNoContent)
			var updated string
			b.do(chromedp.Evaluate(`navigator.serviceWorker.ready.then((r) => r.update()).then(() => "updated", () => "refused")`, &updated,
				func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
			if updated != "refused" {
				t.Errorf("the script of the worker is %s to who is signed out", updated)
			}
			b.do(chromedp.Reload())
			b.wantFocus("email")

			p.Kill()
			_ = chromedp.Run(b, chromedp.Navigate(p.URL+"/"))
			b.wantText(c.offline)
		})
	}
}

// TestClearSiteDataTakesWorkersAlong: then no worker shows what it has kept, whatever
// the app does.
func TestClearSiteDataTakesWorkersAlong(t *testing.T) {
	for _, c := range workers {
		if !c.asks {
			continue
		}
		t.Run("one "+c.name, func(t *testing.T) {
			g := gatewaytest.Start(t, gatewaytest.Site{Upstream: newApp(t, c.script, false), Options: "clear_site_data storage"})
			b := open(t) // it tells what it has cleared
			b.do(chromedp.Navigate(g.URL + "/"))
			b.signsIn()
			b.signsOut(g.URL)
			b.do(chromedp.Navigate(g.URL + "/"))
			b.wantFocus("email")
		})
	}
}
