package browsertest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/web"
)

// What the policy of the pages does not let in, a browser leaves away without a word
// to anybody but whoever opens its console.
func TestAnAppearanceOfOnesOwnIsSeen(t *testing.T) {
	dir, pages := t.TempDir(), t.TempDir()
	logo := filepath.Join(dir, "logo.svg")
	gatewaytest.WriteFile(t, logo, `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><path d="M0 0h90v30z"/></svg>`)
	gatewaytest.WriteFile(t, filepath.Join(pages, "style.css"), "h1 { letter-spacing: 3px; }\r\n")
	g := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "appearance {\nname Acme\naccent b8005c\nlogo " + logo + "\ntemplates " + pages + "\n}"})
	for scheme, colour := range map[string]string{"light": "rgb(184, 0, 92)", "dark": "rgb("} {
		t.Run(scheme, func(t *testing.T) {
			b := browse(t)
			b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
				chromedp.Navigate(g.URL+"/auth/login"))
			b.wantText("Sign in to Acme")
			b.await("the picture of the logo", "String(document.querySelector('img.logo').naturalWidth)", func(said string) bool { return said == "90" })
			b.await("the style of one's own", "getComputedStyle(document.querySelector('h1')).letterSpacing", func(said string) bool { return said == "3px" })
			b.await("the colour of the button", "getComputedStyle(document.querySelector('button[type=submit]')).backgroundColor", func(said string) bool {
				return strings.HasPrefix(said, colour) && (scheme == "light") == (said == "rgb(184, 0, 92)")
			})
			b.wantNoComplaint()
		})
	}
}

// A layout of an operator's own has links and forms in front of those that a page is for.
func TestAPageThatLeadsOnTakesNothingOfTheLayout(t *testing.T) {
	look, err := web.NewLook(web.Appearance{Layout: web.Source{File: "layout.html", Text: `{{define "brand"}}<a href="/home">Acme</a><form action="/search"><input name="q"></form>{{end}}`}})
	if err != nil {
		t.Fatal(err)
	}
	s := newStandIn(t, look)
	for page, to := range map[string]string{
		"depart": "GET /auth/login/sso", "samesite": "GET /orders", "onward": "GET /orders", "startedover": "GET /auth/login",
		"postback": "POST /auth/callback/sso", "signoutthere": "POST /end",
	} {
		t.Run(page, func(t *testing.T) {
			b := browse(t)
			s.forget()
			b.do(chromedp.Navigate(s.URL + samplePath(web.Shown{Page: page, Language: "en"})))
			gatewaytest.Await(t, "what the page leads to", func() bool { return s.last() != "" }, s.last)
			if s.last() != to {
				t.Errorf("it leads to %s, and not to %s", s.last(), to)
			}
		})
	}
}

func TestPagesFitTheNarrowestScreenInEveryLanguage(t *testing.T) {
	g := gatewaytest.StartProcess(t, gatewaytest.Site{})
	for _, language := range []string{"en", "de"} {
		for _, path := range []string{"/auth/login", "/auth/logout"} {
			t.Run(language+path, func(t *testing.T) {
				b := browse(t)
				b.do(emulation.SetUserAgentOverride("Mozilla/5.0").WithAcceptLanguage(language), chromedp.EmulateViewport(320, 640), chromedp.Navigate(g.URL+path))
				b.await("the language", "document.documentElement.lang", func(said string) bool { return said == language })
				b.await("nothing to scroll sideways", "String(document.documentElement.scrollWidth)", func(said string) bool { return said == "320" })
			})
		}
	}
}
