package appearance

import (
	"path/filepath"
	"strings"
	"testing"
)

// Whoever has written a page of two hundred lines is told which of them it is.
func TestWhatIsWrongWithAPageIsToldWithTheLineThatItStandsIn(t *testing.T) {
	const (
		top   = "{{/* two\nlines */}}{{template \"top\"}}\n<title>x</title></head><body><main>\n"
		end   = "\n</main></body></html>"
		begin = "\n<html lang=\"{{lang}}\"><head><style>{{style}}</style></head>\n"
	)
	wrong := func(s string) string { return top + "{{if eq 1 1}}\n" + s + "{{end}}" + end } // in line 5
	for name, c := range map[string]struct{ file, text, says string }{
		"a script":                           {"signedout.html", wrong("<script>if (1 <a) {}</script>"), "signedout.html:5: it has a script"},
		"a script behind another line":       {"signedout.html", wrong("<p title=\"{{t \"login.title\"}}\">\n<script\nsrc=\"//evil.example\"></script>"), "signedout.html:7: a <script> loads something"},
		"a handler in a line of its own":     {"signedout.html", wrong("<p\nclass=\"a\"\nonclick=\"x()\">"), "signedout.html:7: a <p> has a handler, onclick"},
		"a style behind a class of the name": {"signedout.html", wrong("<p class=\"x-style\"\nstyle=\"color:red\">"), "signedout.html:6: a <p> has a style of its own"},
		"a handler behind letters that grow": {"signedout.html", wrong("<p title=\"" + strings.Repeat("Ⱥ", 300) + "\" onclick=\"x()\">"), "signedout.html:5: a <p> has a handler, onclick"},
		"a handler that a condition makes":   {"signedout.html", wrong("<p{{if .Base}} onclick=\"x()\"{{end}}>"), "signedout.html:5: a <p> has a handler, onclick"},
		"a style of an element":              {"signedout.html", wrong("<p>\n<p style=\"color:red\">"), "signedout.html:6: a <p> has a style of its own"},
		"a style in the page":                {"signedout.html", wrong("<style>p{}</style>"), "signedout.html:5: it has a style sheet of its own"},
		"a picture from elsewhere":           {"signedout.html", wrong("<IMG src=//evil.example/a.png>"), "signedout.html:5: a <img> loads something"},
		"a base":                             {"signedout.html", wrong("<base href=\"https://evil.example/\">"), "signedout.html:5: it has a <base>"},
		"a form to another origin":           {"signedout.html", wrong("<form\naction=\"https://evil.example/\">x</form>"), "signedout.html:6: a form posts to https://evil.example/"},
		"a link to a script":                 {"signedout.html", wrong("<a href=\"/\">x</a>\n<a href=\"javascript:x()\">x</a>"), "signedout.html:6: a <a> leads to a script"},
		"a page that leads away":             {"signedout.html", wrong("<meta http-equiv=refresh content=\"0; url=https://evil.example/\">"), `signedout.html:5: it leads to "https://evil.example/" by itself`},
		"a page in no language":              {"signedout.html", "\n\n<html><head><style>{{style}}</style>", "signedout.html:3: it does not say which language"},
		"a page that does not begin":         {"signedout.html", "\n<p>x", "signedout.html:1: it does not say which language"},
		"a page without a style sheet":       {"signedout.html", "\n<html lang=en>\n<head>", "signedout.html:3: it has no style sheet"},
		"a page that says whence":            {"signedout.html", wrong("<meta name=referrer content=no-referrer>"), "signedout.html:5: its <meta name=referrer> say"},
		"a sign-in that goes elsewhere":      {"login.html", wrong(providers + "{{if .Password}}\n<form method=\"post\" action=\"{{.Base}}/longin\">" + fields + "<button>x</button></form>{{end}}"), `login.html:6: it has no form that posts username, password, return_to to /auth/login, as the page has without the template: a form that may be meant goes to "/auth/longin"`},
		"a sign-in by another method":        {"login.html", wrong(providers + "{{if .Password}}\n\n<form action=\"{{.Base}}/login\">" + fields + "<button>x</button></form>{{end}}"), "login.html:7: it has no form that posts"},
		"a sign-out that goes elsewhere":     {"logout.html", wrong("<form action=\"/logout\" method=\"post\"><button>x</button></form>"), `logout.html:5: it has no form that posts`},
		"a password outside of the form":     {"login.html", wrong("\n<input type=password name=password>"), "login.html:6: a field for a password stands outside"},
		"a link that its script misses":      {"depart.html", wrong("\n\n<p id=go>x</p><script>{{depart}}</script>"), `depart.html:7: the first element of the id "go"`},
		"what the layout has":                {"layout.html", "{{define \"brand\"}}\n\n<p onclick=\"x()\">x</p>{{end}}", "layout.html:3: a <p> has a handler, onclick"},
		"what the page's own part has":       {"signedout.html", "{{define \"foot\"}}\n<iframe></iframe>{{end}}" + begin + "{{template \"foot\"}}", "signedout.html:2: it has a <iframe>"},
	} {
		t.Run(name, func(t *testing.T) {
			err := triedOf(t, c.file, c.text)
			if err == nil || !strings.Contains(err.Error(), string(filepath.Separator)+c.says) {
				t.Errorf("told: %v", err)
			}
		})
	}
}

func TestAFaultOfTheLayoutIsToldOfTheLayoutWhicheverPageHasIt(t *testing.T) {
	_, err := (&Config{Templates: folder(t, map[string]string{
		"layout.html": "{{define \"brand\"}}\n<p style=\"a\">{{end}}", "account.html": `{{template "top"}}<title>x</title>{{template "brand"}}`,
	})}).Look(named, nil)
	if err == nil || !strings.Contains(err.Error(), "layout.html:2: a <p> has a style of its own") {
		t.Errorf("told: %v", err)
	}
}
