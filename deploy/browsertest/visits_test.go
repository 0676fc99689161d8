package browsertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// visited is a gateway with everything that a person can come across.
type visited struct {
	*gatewaytest.Process
	store    *redistest.Server
	provider *gatewaytest.IDP
}

// icon is one as operators configure it.
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20" width="20" height="20"><circle cx="10" cy="10" r="9" fill="#c2410c"/></svg>`

func startVisited(t *testing.T) visited {
	t.Helper()
	v := visited{store: redistest.Start(t), provider: gatewaytest.NewIDP(t)}
	file := t.TempDir() + "/icon.svg"
	gatewaytest.WriteFile(t, file, icon)
	site := gatewaytest.Site{
		Options: v.provider.Login("sso", "label \"Acme SSO\"\nicon "+file) + v.provider.Login("partners", "label \"Partners\"") +
			"appearance {\nname \"Acme Orders\"\nhelp mailto:it@example.com\n}\ncache off",
		Auth: "path /billing/* {\naccount_admin\n}\npath /admin/* {\nrole owner\n}",
	}
	v.Process = gatewaytest.StartProcess(t, site.OnRedis(v.store, gatewaytest.FormerSecret))
	return v
}

// visit is a page as people come to it, who are signed in nowhere before.
type visit struct {
	page string // by its name in web/samples.go
	name string
	says string // the key of a text that it shows
	by   func(v visited, b *tab)
}

// at opens an address.
func at(path string) func(visited, *tab) {
	return func(v visited, b *tab) { b.do(chromedp.Navigate(v.URL + path)) }
}

// in opens an address as somebody who has signed in by the form.
func in(email, path string) func(visited, *tab) {
	return func(v visited, b *tab) {
		b.do(chromedp.Navigate(v.URL + "/auth/login"))
		b.typeIn(email, gatewaytest.Password)
		b.await("the form is sent", `location.pathname`, func(at string) bool { return at == "/" })
		b.do(chromedp.Navigate(v.URL + path))
	}
}

// typeIn fills in the form of the login page, in whatever language, and sends it.
func (b *tab) typeIn(email, password string) {
	b.t.Helper()
	b.wantFocus("email")
	b.keys(email, kb.Tab, password, kb.Enter)
}

// wrongly comes back from the provider with an error.
func wrongly(v visited, b *tab) {
	at("/auth/login/sso")(v, b)
	b.wantText("The provider")
	back, _, _ := strings.Cut(b.said(`document.getElementById("back").href.replace("code=", "error=access_denied&was=")`), "#")
	b.do(chromedp.Navigate(back))
}

// visits are in the order in which they are made: what they do to the gateway stays so.
var visits = []visit{
	// What else there is, such as the page that a worker's request gets, the samples show.
	{"login", "several ways to sign in, with an icon", "login.submit", at("/auth/login?return_to=%2Forders")},
	{"login", "a wrong password", "failure.wrong", func(v visited, b *tab) {
		at("/auth/login")(v, b)
		b.typeIn(gatewaytest.Grace, "wrong")
		b.await("the failure is told", `String(document.getElementById("failure")?.role)`, func(role string) bool { return role == "alert" })
		b.wantFocus("password")
		if typed := b.said(`document.getElementById("email").value + "|" + document.getElementById("password").value`); typed != gatewaytest.Grace+"|" {
			b.t.Errorf("the fields say %q", typed)
		}
	}},
	{"login", "no consent at the provider", "failure.denied.at", wrongly},
	{"signedin", "signed in already", "signedin.heading", in(gatewaytest.Ada, "/auth/login")},
	{"logout", "before a sign-out", "logout.heading", in(gatewaytest.Ada, "/auth/logout?return_to=%2Fbye")},
	{"signedout", "after a sign-out", "signedout.heading", at("/auth/logout")},
	{"signedout", "after a sign-out that the provider may not know of", "signedout.still.what", at("/auth/logout?still=sso")},
	{"sessions", "one session", "sessions.none", func(v visited, b *tab) {
		in(gatewaytest.Grace, "/orders")(v, b)
		b.do(chromedp.Evaluate(`fetch("/auth/sessions", { method: "DELETE" }).then(() => 0)`, nil, awaited))
		at("/auth/sessions")(v, b)
	}},
	{"sessions", "many sessions", "sessions.out_others", in(gatewaytest.Ada, "/auth/sessions")},
	{"account", "choosing an account", "account.now", in(gatewaytest.Ada, "/auth/account?return_to=%2Forders")},
	{"account", "no account to choose", "problem.front", in(gatewaytest.Grace, "/auth/account")},
	{"problem", "a role that is missing", "problem.ask", in(gatewaytest.Ada, "/admin/")},
	{"problem", "another account would do", "problem.account", func(v visited, b *tab) {
		in(gatewaytest.Ada, "/auth/account")(v, b)
		b.do(chromedp.Click(`button[value=globex]`, chromedp.ByQuery))
		b.await("the account is chosen", `String(document.querySelector("button[aria-current]")?.value)`, func(now string) bool { return now == "globex" })
		at("/billing/")(v, b)
	}},
	{"problem", "nothing there", "problem.not_found.title", at("/auth/nothing")},
	{"kept", "a form that comes too late", "kept.title", func(v visited, b *tab) {
		at("/auth/login")(v, b)
		b.do(chromedp.Evaluate(`{ const f = document.createElement("form"); f.method = "post"; f.action = "/orders"; f.innerHTML = "<input name=note value='two apples'><input name=password value=x>";
			document.body.append(f); f.submit(); 0 }`, nil))
	}},
	{"login", "too many attempts", "failure.throttled", func(v visited, b *tab) {
		for range 10 {
			v.Client(b.t).TrySignIn(gatewaytest.Linus, "wrong")
		}
		at("/auth/login")(v, b)
		b.typeIn(gatewaytest.Linus, "wrong")
	}},
	{"unreadable", "a session that cannot be read", "unreadable.title", func(v visited, b *tab) {
		in(gatewaytest.Ada, "/orders")(v, b)
		v.Site.Options = swapped(v.Site.Options)
		v.Reload()
		at("/orders")(v, b)
	}},
	{"problem", "the store cannot tell", "problem.again", func(v visited, b *tab) {
		gatewaytest.Await(b.t, "the store answers", func() bool { return v.Client(b.t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).StatusCode == 200 })
		in(gatewaytest.Ada, "/orders")(v, b)
		v.store.Kill()
		b.t.Cleanup(v.store.Restart)
		at("/orders")(v, b)
	}},
}

// swapped are the options with the other of two secrets.
func swapped(options string) string {
	from, to := gatewaytest.FormerSecret, gatewaytest.PresentSecret
	if !strings.Contains(options, from) {
		from, to = to, from
	}
	return strings.Replace(options, from, to, 1)
}

// What people see is looked at as they come to it, in both languages.
func TestEveryPageThatPeopleComeToIsForEverybody(t *testing.T) {
	script, err := axeScript()
	if err != nil {
		t.Fatal(err)
	}
	v := startVisited(t)
	for range 3 { // so that there are many
		v.Client(t).SignIn(gatewaytest.Ada)
	}
	texts := map[string]map[string]string{"en": web.English(), "de": texts(t, "de")}
	b := open(t)
	b.staysHere(v.URL, v.provider.URL)
	for _, visit := range visits {
		for _, language := range []string{"en", "de"} {
			t.Run(visit.name+", in "+language, func(t *testing.T) {
				b := b.of(t)
				b.signedOut()
				b.speaking(language)
				b.inScheme("light")
				visit.by(v, b)
				says, _, _ := strings.Cut(texts[language][visit.says], "{")
				b.wantText(strings.TrimSpace(says))
				looksRight(t, b, language, script, narrow) // in dark, and in light: the samples have it all
			})
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, complaint := range b.complaints {
		if !strings.HasPrefix(complaint, "network error: Failed to load resource: the server responded with a status of ") { // it is meant to
			t.Errorf("the browser complains: %s", complaint)
		}
	}
}

// signedOut has the browser forget who is signed in.
func (b *tab) signedOut() {
	b.t.Helper()
	b.do(network.ClearBrowserCookies())
}

// passing are the pages that lead on by themselves, so that nobody is at them long enough
// to be visited there: the samples show them.
var passing = []string{"depart", "onward", "postback", "samesite", "signoutthere", "startedover"}

func TestEveryPageIsVisited(t *testing.T) {
	pages := slices.Clone(passing)
	for _, visit := range visits {
		pages = append(pages, visit.page)
	}
	slices.Sort(pages)
	if visited := slices.Compact(pages); !slices.Equal(visited, web.Pages()) {
		t.Errorf("there are the pages\n%q, and visits to\n%q", web.Pages(), visited)
	}
}
