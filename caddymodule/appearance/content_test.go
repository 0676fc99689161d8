package appearance

import (
	"fmt"
	"strings"
	"testing"
)

// A page that leads away by itself takes people from the sign-in, to who looks like it.
func TestAPageLeadsWhereOursDoes(t *testing.T) {
	for name, c := range map[string]struct{ file, text, says string }{
		"away by itself":                   {"signedout.html", fmt.Sprintf(around, `<meta http-equiv=refresh content="0; url=https://evil.example/">`), `it leads to "https://evil.example/" by itself`},
		"away, spelled otherwise":          {"signedout.html", fmt.Sprintf(around, `<meta HTTP-EQUIV=" Refresh " content="0,URL = 'https://evil.example/'">`), `it leads to "https://evil.example/" by itself`},
		"away for who runs no scripts":     {"signedout.html", fmt.Sprintf(around, `<noscript><meta http-equiv=refresh content="0;//evil.example"></noscript>`), `it leads to "//evil.example" by itself`},
		"again and again":                  {"signedout.html", fmt.Sprintf(around, `<meta http-equiv=refresh content="5">`), `it leads to "" by itself`},
		"elsewhere than ours":              {"startedover.html", fmt.Sprintf(around, `<meta http-equiv=refresh content="0; url=/"><a id="go" href="{{.To}}">x</a>`), `it leads to "/" by itself`},
		"to a provider that nobody sees":   {"login.html", strings.Replace(loginOf(`<form method="post" `+action+`>`+fields+`<button>x</button></form>`), "<a ", "<a hidden ", 1), "it has no link to /auth/login/sso"},
		"by a link of a layout in front":   {"layout.html", `{{define "brand"}}<a id="go" href="https://example.com/">x</a>{{end}}`, `the link of the id "go" does not lead to /auth/login/sso`},
		"by a form of a layout in front":   {"layout.html", `{{define "brand"}}<form id="go" action="/search"></form>{{end}}`, `the first element of the id "go" is no <a>`},
		"by a form that does not end":      {"layout.html", `{{define "brand"}}<form action="/search">{{end}}`, "it has no form that posts"},
		"by a link that its script misses": {"depart.html", fmt.Sprintf(around, `<a href="{{.Href}}">x</a><script>{{depart}}</script>`), `the first element of the id "go" is no <a>`},
		"by a link for another page":       {"samesite.html", strings.Replace(fmt.Sprintf(around, `<a id="go" href="/">x</a>`), "<title>", `<meta name="referrer" content="no-referrer"><title>`, 1), `the link of the id "go" does not lead to /orders`},
		"by a form that its script misses": {"postback.html", fmt.Sprintf(around, postback(`method="post" action="{{.Action}}"`)), `the first element of the id "go" is no <form>`},
		"by a form that is not the page's": {"postback.html", fmt.Sprintf(around, `<form id="go" action="/"></form>`+postback(`method="post" action="{{.Action}}"`)), `the form of the id "go" does not post what`},
		"by an address that others learn":  {"samesite.html", fmt.Sprintf(around, `<a id="go" href="{{.To}}">x</a>`), `its <meta name=referrer> say []`},
		"by forms that do not say from where": {"layout.html", `{{define "top"}}<!doctype html><html lang="{{lang}}" dir="{{dir}}"><head><meta name="Referrer" content="no-referrer"><style>{{style}}</style>{{end}}`,
			`its <meta name=referrer> say ["no-referrer"]`},
		"in no language":          {"layout.html", `{{define "top"}}<!doctype html><html><head><style>{{style}}</style>{{end}}`, "which language it is in"},
		"without the style sheet": {"layout.html", `{{define "top"}}<!doctype html><html lang="{{lang}}"><head>{{end}}`, "put <style>{{style}}</style> into its <head>"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := triedOf(t, c.file, c.text); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("told: %v", err)
			}
		})
	}
}

func postback(form string) string {
	return `<form ` + form + `>{{range .Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}<button>x</button></form>`
}

func TestAPageOfOnesOwnMayHaveMoreLinks(t *testing.T) {
	for name, c := range map[string]struct{ file, text string }{
		"in the layout of all":              {"layout.html", `{{define "brand"}}<a href="https://example.com/">x</a><form action="/search"><input name="q"></form>{{end}}`},
		"beside that which the page is for": {"depart.html", fmt.Sprintf(around, `<a href="/">y</a><a id="go" href="{{.Href}}">x</a><script>{{depart}}</script>`)},
		"and wait before it leads on":       {"startedover.html", fmt.Sprintf(around, `<meta http-equiv="Refresh" content="3;URL='{{.To}}'"><a id="go" href="{{.To}}">x</a>`)},
		"and the form of ours":              {"postback.html", fmt.Sprintf(around, `<a href="/">y</a>`+postback(`id="go" method="post" action="{{.Action}}"`)+`<script>{{submit}}</script>`)},
	} {
		t.Run(name, func(t *testing.T) {
			if err := triedOf(t, c.file, c.text); err != nil {
				t.Errorf("told: %v", err)
			}
		})
	}
}
