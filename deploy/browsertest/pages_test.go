package browsertest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.com/sidegate/caddymodule/web"
)

// elsewhereOfSamples is where samples lead that is not here.
const elsewhereOfSamples = "https://sso.example.com"

// standIn serves every sample of every page as a gateway does, by its policy. Nothing that
// they lead to is there: a browser that gets 204 stays where it is.
type standIn struct {
	*httptest.Server
	pages map[string]string // by path

	mu    sync.Mutex
	asked []string // method and path of what they led to
}

func newStandIn(t *testing.T, look *web.Look) *standIn {
	t.Helper()
	s := &standIn{pages: map[string]string{}}
	if err := look.EachSample(func(shown web.Shown) error {
		s.pages[samplePath(shown)] = strings.ReplaceAll(shown.HTML, elsewhereOfSamples, "")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	style, scripts := look.Inline()
	policy := "default-src 'none'; style-src " + hashOf(style) + "; img-src data:; form-action *; frame-ancestors 'none'; base-uri 'none'; script-src"
	for _, script := range scripts {
		policy += " " + hashOf(script)
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if html, ok := s.pages[r.URL.Path]; ok && r.Method == http.MethodGet {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", policy)
			fmt.Fprint(w, html)
			return
		}
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	return s
}

func samplePath(s web.Shown) string {
	return fmt.Sprintf("/samples/%s/%d/%s", s.Page, s.Sample, s.Language)
}

// forget forgets what was asked for.
func (s *standIn) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = nil
}

// last is what was asked for last; empty: nothing.
func (s *standIn) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.asked) == 0 {
		return ""
	}
	return s.asked[len(s.asked)-1]
}

// staysHere fails the test for each request of the tab's to another origin than those.
func (b *tab) staysHere(origins ...string) {
	b.t.Helper()
	watched := b.watchRequests()
	b.t.Cleanup(func() {
		for _, made := range watched.to("GET", "") {
			if !within(made, append(origins, "data:")) {
				b.t.Errorf("a page asks %s", made.URL)
			}
		}
	})
}

func within(made *network.Request, origins []string) bool {
	for _, origin := range origins {
		if strings.HasPrefix(made.URL, origin) {
			return true
		}
	}
	return false
}

// Every page that there is has samples (a test of package web holds that), so a new one is
// looked at here without anybody thinking of it.
func TestEveryPageIsForEverybody(t *testing.T) {
	script, err := axeScript()
	if err != nil {
		t.Fatal(err)
	}
	look, err := web.NewLook(web.Appearance{Name: "Acme Auftragsverwaltung", Help: "it@example.com", HelpURL: "mailto:it@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	s := newStandIn(t, look)
	b := browse(t)
	b.staysHere(s.URL)
	if err := look.EachSample(func(shown web.Shown) error {
		t.Run(fmt.Sprintf("%s, sample %d, in %s", shown.Page, shown.Sample, shown.Language), func(t *testing.T) {
			b := b.of(t)
			b.do(chromedp.Navigate(s.URL + samplePath(shown)))
			looksRight(t, b, shown.Language, script)
			if shown.Language == "en" {
				s.worksByKeyboard(b)
			}
		})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// worksByKeyboard goes through the page by Tab, and presses its main button by Enter.
func (s *standIn) worksByKeyboard(b *tab) {
	b.t.Helper()
	b.inTheOrderSeen()
	main := b.said(`(() => {
		for (const field of document.querySelectorAll("input[required]")) field.value ||= "a@example.com";
		const main = document.querySelector("button[type=submit]:not(.quiet), a.main");
		if (!main) return "";
		main.focus();
		const to = new URL(main.form ? main.form.action : main.href);
		return (main.form ? "POST " : "GET ") + to.pathname;
	})()`)
	if main == "" || strings.Contains(main, "/samples/") { // there is none, or it asks for this page again
		return
	}
	s.forget()
	b.keys(kb.Enter)
	b.await("Enter leads to "+main, `""`, func(string) bool { return s.last() == main })
}

// inTheOrderSeen goes to each control by Tab, and holds that they come as they are seen.
func (b *tab) inTheOrderSeen() {
	b.t.Helper()
	var count int
	b.do(chromedp.Evaluate(`(window.order = `+controls+`).length`, &count),
		chromedp.Evaluate(`document.activeElement.blur(), getSelection().setPosition(document.body, 0), window.order.length && (window.order[0].focus(), 0)`, nil))
	for i := 1; i < count; i++ {
		b.keys(kb.Tab)
		if at := b.said(`String(window.order.indexOf(document.activeElement))`); at != fmt.Sprint(i) {
			b.t.Errorf("Tab leads to the control %s; the next one seen is %d, %s", at, i, b.said(fmt.Sprintf(`window.order[%d].outerHTML.slice(0, 100)`, i)))
			return
		}
	}
}

// hashOf is a source of a policy that lets that text in: CSP Level 3 section 2.3.1.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// TestWhatIsWrongWithAPageIsFound: a test that looks for faults proves nothing unless they
// are found.
func TestWhatIsWrongWithAPageIsFound(t *testing.T) {
	look, err := web.NewLook(web.Appearance{})
	if err != nil {
		t.Fatal(err)
	}
	s := newStandIn(t, look)
	b := open(t)
	for name, c := range map[string]struct{ breaks, check, says string }{
		"a second h1":                     {`document.body.append(document.createElement("h1"))`, builtRight + `("en")`, "it has 2 h1"},
		"another language":                {`document.documentElement.lang = "de"`, builtRight + `("en")`, "its lang is de"},
		"no title":                        {`document.title = ""`, builtRight + `("en")`, "it has no title"},
		"a text that repeats":             {`document.querySelector("h1").insertAdjacentHTML("afterend", "<p>Sign in.</p>")`, builtRight + `("en")`, "under its heading it says"},
		"what is too wide":                {`document.querySelector("h1").style.width = "5000px"`, fits, "sticks out"},
		"buttons that touch":              {`document.getElementById("reveal").style.marginBottom = 0`, inLine, "px apart"},
		"a field that begins elsewhere":   {`document.getElementById("email").style.marginLeft = "9px"`, inLine, "its controls begin at"},
		"a button without an edge":        {`document.getElementById("reveal").style.border = 0`, visible, "no edge"},
		"an edge that cannot be seen":     {`document.getElementById("reveal").style.borderColor = "#fefefe"`, visible, "an edge of"},
		"a focus that cannot be seen":     {`document.getElementById("email").style.outline = "none"`, visible, "no outline"},
		"a focus of the colour behind it": {`document.getElementById("email").style.outlineColor = "#fff"`, visible, "an outline of"},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.of(t)
			b.inScheme("light")
			b.do(chromedp.Navigate(s.URL + "/samples/login/3/en"))
			b.keys(kb.Tab)
			b.do(chromedp.Evaluate(c.breaks+"; 0", nil))
			if said := b.said(c.check); !strings.Contains(said, c.says) {
				t.Errorf("told: %s", said)
			}
		})
	}
}
