package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// requests are those that a tab makes, from now on.
type requests struct {
	mu      sync.Mutex
	made    []*network.Request
	cookies int // that went along
}

func (b *tab) watchRequests() *requests {
	r := new(requests)
	chromedp.ListenTarget(b, func(event any) {
		r.mu.Lock()
		defer r.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			r.made = append(r.made, e.Request)
		case *network.EventRequestWillBeSentExtraInfo:
			if e.Headers["Cookie"] != nil || e.Headers["cookie"] != nil {
				r.cookies++
			}
		}
	})
	return r
}

// sent is how many requests the browser's cookies went along with.
func (r *requests) sent() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cookies
}

// to are the requests of that method whose address ends so.
func (r *requests) to(method, end string) (found []*network.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, made := range r.made {
		if made.Method == method && strings.HasSuffix(made.URL, end) {
			found = append(found, made)
		}
	}
	return found
}

// openDocs goes to the page, whose script has run.
func (b *tab) openDocs(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
	b.wantText("Try it out as")
}

// fill puts a value into a field, as one that is pasted.
func (b *tab) fill(selector, value string) {
	b.t.Helper()
	b.do(chromedp.Focus(selector, chromedp.ByQuery), chromedp.SendKeys(selector, value, chromedp.ByQuery))
}

// try presses the button of that route's form.
func (b *tab) try(route string) {
	b.t.Helper()
	b.do(chromedp.Click("#"+route+" .try [type=submit]", chromedp.ByQuery))
}

// wantTried waits until that part of what came for the route holds the text.
func (b *tab) wantTried(route, part, text string) {
	b.t.Helper()
	b.await(route+" shows "+text, `document.querySelector("#`+route+` .try .`+part+`").innerText`,
		func(shown string) bool { return strings.Contains(shown, text) })
}

func TestTheDocsTryOutWithTheSession(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "why"})
	b := browse(t)
	b.do(chromedp.Navigate(p.URL + "/orders"))
	b.signIn()
	b.wantPath("/orders")
	b.openDocs(p.URL + "/auth/docs")
	for name, c := range map[string]struct{ route, field, value, status, headers, body string }{
		"the session":                      {"getSession", "", "", "200 OK from /auth/session", "x-session-expires-at: 20", `"email": "ada@example.com"`},
		"the session, for one account":     {"getSession", "X-Account-Id", "globex", "200 OK", "vary: Cookie, Authorization, X-Account-Id", `"accountId": "globex"`},
		"one's devices":                    {"getSessions", "", "", "200 OK", "content-type: application/json", `"current": true`},
		"what would be decided for a path": {"getWhy", "path", "/orders?a=1&b", "200 OK from /auth/why?path=%2Forders%3Fa%3D1%26b", "no-store", `"signedIn": true`},
		"events, as they come":             {"getEvents", "", "", "200 OK", "text/event-stream", "retry: "},
		"a file":                           {"getClientTypes", "", "", "200 OK", "etag: ", "export interface UserSession"},
		"a page, which stays a text":       {"getLogout", "", "", "200 OK", "text/html", "<!doctype html>"},
		"another account":                  {"putPrimaryAccount", "", "", "200 OK from /auth/session/primary-account", "application/json", `"accountId": "globex"`},
		"an answer without a body":         {"headSession", "", "", "200 OK", "x-session-idle-expires-at: ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.of(t)
			field := "#" + c.route + ` .try input[name="` + c.field + `"]`
			if c.field != "" {
				b.fill(field, c.value)
			}
			b.try(c.route)
			b.wantTried(c.route, "status", c.status)
			b.wantTried(c.route, "headers", c.headers)
			b.wantTried(c.route, "body", c.body)
			if c.field != "" {
				b.do(chromedp.Evaluate(`document.querySelector("#`+c.route+` .try").reset()`, nil))
			}
		})
	}
	b.do(chromedp.Click("#getEvents .stop", chromedp.ByQuery))
	b.wantTried("getEvents", "status", "stopped")
}

// of is the tab for another test, which what fails is told to.
func (b *tab) of(t *testing.T) *tab { return &tab{Context: b.Context, t: t} }

// A token that is pasted is in no storage, in no address, and in one field alone; the
// cookie does not come along with it.
func TestATokenThatIsPastedIntoTheDocsStaysInItsPage(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	grace := p.WithToken(t, gatewaytest.Grace)
	b := browse(t)
	b.do(chromedp.Navigate(p.URL + "/orders"))
	b.signIn() // as somebody else
	b.wantPath("/orders")
	b.openDocs(p.URL + "/auth/docs")
	watched := b.watchRequests()
	b.fill("#token", grace.Bearer)
	b.try("getSession")
	b.wantTried("getSession", "status", "200 OK")
	b.wantTried("getSession", "body", `"email": "`+gatewaytest.Grace+`"`)
	b.try("getSessions")
	b.wantTried("getSessions", "status", "200 OK")

	for _, made := range watched.to("GET", "/auth/session") {
		if made.Headers["authorization"] != "Bearer "+grace.Bearer || strings.Contains(made.URL, grace.Bearer) {
			t.Error("the token is not in its header, or elsewhere")
		}
	}
	if watched.sent() != 0 {
		t.Errorf("the cookie went along with %d requests", watched.sent())
	}
	var kept string
	b.do(chromedp.Evaluate(`JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie, location.href, history.state])`, &kept))
	if kept != `[[],[],"","`+p.URL+`/auth/docs",null]` {
		t.Errorf("something is kept: %s", kept)
	}
	for name, leave := range map[string]chromedp.Action{
		"a reload":              chromedp.Reload(),
		"a page and back again": chromedp.Tasks{chromedp.Navigate(p.URL + "/orders"), chromedp.Evaluate(`history.back()`, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.of(t)
			b.do(leave)
			b.wantText("Try it out as")
			var left string
			b.do(chromedp.Evaluate(`document.getElementById("token").value + document.querySelector("#as-token").checked`, &left))
			if left != "false" {
				t.Errorf("there is still %d characters of it", len(left))
			}
		})
	}
	b.openDocs(p.URL + "/auth/docs")
	b.try("getSession")
	b.wantTried("getSession", "body", ada)
	gatewaytest.Await(t, "the cookie is seen", func() bool { return watched.sent() > 0 })
	b.fill("#token", "not a token")
	b.try("getSession")
	b.wantTried("getSession", "status", "401 Unauthorized")
	b.do(chromedp.Evaluate(`document.getElementById("token").value = " "`, nil))
	b.try("getSession")
	b.wantTried("getSession", "status", "paste a token first")
	b.do(chromedp.Evaluate(`document.getElementById("token").value = ""`, nil))
	b.fill("#token", "Bearer "+grace.Bearer)
	b.try("getSession")
	b.wantTried("getSession", "body", `"email": "`+gatewaytest.Grace+`"`)
}

func TestTheDocsAskBeforeSomethingEnds(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	b := browse(t)
	b.do(chromedp.Navigate(p.URL + "/orders"))
	b.signIn()
	b.wantPath("/orders")
	b.openDocs(p.URL + "/auth/docs")
	watched := b.watchRequests()
	for _, c := range []struct{ route, says string }{
		{"deleteSessions", "This ends all of your other sessions for real"}, {"deleteSession", "This ends that session for real."},
		{"postLogout", "This signs out for real."}, {"postStartOver", "ends for real"}, {"postLogin", "This signs in for real."},
	} {
		for _, no := range []chromedp.Action{chromedp.Click("#confirm .no", chromedp.ByQuery), chromedp.KeyEvent(kb.Escape)} {
			b.try(c.route)
			b.await("it asks", `document.getElementById("confirm").open ? document.getElementById("confirm").innerText : ""`,
				func(said string) bool { return strings.Contains(said, c.says) })
			b.do(no)
			b.await("it asks no more", `"" + document.getElementById("confirm").open`, func(open string) bool { return open == "false" })
		}
	}
	if made := append(watched.to("DELETE", ""), watched.to("POST", "")...); len(made) > 0 {
		t.Errorf("%s %s was asked without a yes", made[0].Method, made[0].URL)
	}
	b.try("postLogout")
	b.do(chromedp.WaitVisible("#confirm", chromedp.ByQuery), chromedp.Click("#confirm .yes", chromedp.ByQuery))
	b.wantTried("postLogout", "status", "204 No Content")
	b.try("getSession")
	b.wantTried("getSession", "status", "401 Unauthorized")
	b.wantTried("getSession", "headers", "www-authenticate: Bearer")
}

func TestTheDocsByKeyboard(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	b := browse(t)
	b.openDocs(p.URL + "/auth/docs")
	b.keys(kb.Tab, kb.Tab) // by swagger.yaml
	b.wantFocus("as-session")
	b.keys(kb.ArrowDown)
	b.wantFocus("as-token")
	b.keys(kb.ArrowUp, kb.Tab)
	b.wantFocus("token")
	b.keys(kb.Tab)
	b.await("the focus is on a route", `document.activeElement.hash ?? ""`, func(hash string) bool { return hash == "#getSession" })
	b.keys(kb.Enter)
	b.await("the route is shown", `location.hash`, func(hash string) bool { return hash == "#getSession" })
	b.keys(kb.Tab, kb.Tab, kb.Tab) // by two headers
	b.wantFocus("submit")
	b.keys(kb.Enter)
	b.wantTried("getSession", "status", "401 Unauthorized")
	b.keys(kb.Tab)
	b.wantFocus("getSession-tab0")
	for _, c := range []struct{ key, tab, shows string }{
		{kb.ArrowRight, "getSession-tab1", "operationId: getSession"}, {kb.ArrowRight, "getSession-tab2", "export interface UserSession"},
		{kb.ArrowRight, "getSession-tab0", "Current user session retrieved successfully"}, {kb.End, "getSession-tab2", "id: number;"},
		{kb.Home, "getSession-tab0", "Unauthorized"}, {kb.ArrowLeft, "getSession-tab2", "token: string;"},
	} {
		b.keys(c.key)
		b.wantFocus(c.tab)
		b.await(c.tab+" is shown alone", `[...document.querySelectorAll("#getSession .panel")].filter((p) => !p.hidden).map((p) => p.innerText).join()`,
			func(shown string) bool { return strings.Contains(shown, c.shows) })
	}
}

// Nothing but the gateway is asked: where every other host is cut off, the page works,
// and does not try.
func TestTheDocsAskNoOtherHost(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	b := open(t, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	t.Cleanup(b.wantNoComplaint)
	watched := b.watchRequests()
	b.openDocs(p.URL + "/auth/docs")
	b.try("getJWKS")
	b.wantTried("getJWKS", "body", `"kid"`)
	axe(t, b)
	for _, made := range watched.to("GET", "") {
		if !strings.HasPrefix(made.URL, p.URL+"/") && !strings.HasPrefix(made.URL, "data:") {
			t.Errorf("it asks %s", made.URL)
		}
	}
	if len(watched.to("GET", "/auth/docs.js")) != 1 {
		t.Error("no request was seen")
	}
	for address, allowed := range map[string]bool{p.URL + "/auth/session": true, "http://127.0.0.1:1/": false, "https://example.com/": false} {
		var went bool
		b.do(chromedp.Evaluate(`fetch(`+fmt.Sprintf("%q", address)+`).then(() => true, () => false)`, &went, awaited))
		if went != allowed {
			t.Errorf("%s is reached: %v", address, went)
		}
	}
	b.cut(true)
	b.try("getJWKS")
	b.wantTried("getJWKS", "status", "Nothing came: ")
	b.cut(false)
	b.try("getJWKS")
	b.wantTried("getJWKS", "body", `"kid"`)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = nil // of what this test has done to it
}

func TestTheDocsWithoutScripts(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	b := browse(t)
	b.do(emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(p.URL+"/auth/docs"))
	for _, text := range []string{"allow JavaScript for this page", "Get current user session", "Authentication required", "X-Session-Expires-At", "operationId: postLogout",
		"export interface UserSession {", "swagger.yaml"} {
		b.wantText(text)
	}
	var shown string
	b.do(chromedp.Evaluate(`document.body.innerText`, &shown))
	for _, text := range []string{"Try it out", "Bearer token"} {
		if strings.Contains(shown, text+"\n") {
			t.Errorf("it offers %q, which does nothing", text)
		}
	}
}

// Behind a proxy that puts something before the base path, the page asks what is behind it.
func TestTheDocsKnowWhereTheyAre(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "base_path /-/gate"})
	to, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	site := http.NewServeMux()
	site.Handle("/shop/", http.StripPrefix("/shop", httputil.NewSingleHostReverseProxy(to)))
	// Of a document that is no page browsers ask the site for an icon, sooner or later.
	site.HandleFunc("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	front := httptest.NewServer(site)
	t.Cleanup(front.Close)
	for name, c := range map[string]struct{ address, asks string }{
		"below another base_path": {p.URL + "/-/gate", "/-/gate/client.d.ts"},
		"behind a prefix":         {front.URL + "/shop/-/gate", "/shop/-/gate/client.d.ts"},
	} {
		t.Run(name, func(t *testing.T) {
			b := browse(t)
			b.openDocs(c.address + "/docs")
			b.try("getClientTypes")
			b.wantTried("getClientTypes", "status", "200 OK from "+c.asks)
			b.wantTried("getClientTypes", "body", "export interface UserSession")
			b.do(chromedp.Click(`a[href="session/swagger.yaml"]`, chromedp.ByQuery))
			b.wantText(`default: "/-/gate"`)
		})
	}
}

func TestTheDocsHaveNoViolations(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "appearance {\nname \"Acme Orders\"\naccent 8a1c4a e8a0bf\n}"})
	b := browse(t)
	b.openDocs(p.URL + "/auth/docs")
	b.wantText("Acme Orders")
	b.do(chromedp.Evaluate(`document.querySelectorAll("details").forEach((d) => { d.open = true })`, nil))
	b.try("getSession")
	b.wantTried("getSession", "status", "401 Unauthorized")
	axe(t, b)
	for _, tab := range []string{"getSession-tab1", "getSession-tab2"} {
		b.do(chromedp.Click("#"+tab, chromedp.ByQuery))
		axe(t, b)
	}
	b.do(chromedp.Evaluate(`document.querySelector("#postLogout .try").requestSubmit()`, nil), chromedp.WaitVisible("#confirm", chromedp.ByQuery))
	axe(t, b)
	b.do(chromedp.Click("#confirm .no", chromedp.ByQuery), chromedp.EmulateViewport(320, 800))
	axe(t, b)
	var wide []int
	b.do(chromedp.Evaluate(`[document.documentElement.scrollWidth, innerWidth]`, &wide))
	if wide[0] > wide[1] {
		t.Errorf("it is %d wide in a window of %d", wide[0], wide[1])
	}
}
