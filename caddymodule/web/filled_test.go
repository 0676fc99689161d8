package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

// lookOf is one with that template in the place of a page, and what is told of it.
func lookOf(t *testing.T, page, text string) (look *web.Look, told *[]string) {
	t.Helper()
	told = new([]string)
	look, err := web.NewLook(web.Appearance{
		Pages:   map[string]web.Source{page: {File: "pages.d/" + page + ".html", Text: text}},
		Trouble: func(err error) { *told = append(*told, err.Error()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return look, told
}

// Somebody has what no sample had, and must not get an empty page for it.
func TestAPageWhoseTemplateFailsIsOurs(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"by a value that is too short": {"<p>\n{{slice .SignedInAs 0 8}}</p>", "pages.d/account.html:2:2: executing"},
		"by what it writes":            {`{{range 300000}}eight by{{end}}`, "pages.d/account.html: it goes round too often"},
		"by much at once":              {`{{range 2000}}` + strings.Repeat("x", 1024) + `{{end}}`, "pages.d/account.html: it writes more than 1048576 bytes"},
		"by going round for nothing":   {`{{range 100000000000}}{{end}}`, "pages.d/account.html: it goes round too often"},
		"by a loop in a condition":     {`{{if .Base}}{{with .Base}}{{range 100000000000}}{{else}}{{end}}{{end}}{{end}}`, "it goes round too often"},
		"by a part that shows itself":  {`{{define "x"}}{{template "x"}}{{end}}{{template "x"}}`, "exceeded maximum template depth"},
	} {
		t.Run(name, func(t *testing.T) {
			look, told := lookOf(t, "account", c.text)
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept-Language", "de")
			w := httptest.NewRecorder()
			web.Account{Base: "/auth", SignedInAs: "al@x.io"}.Write(w, look.For(r))
			if body := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(body, `<html lang="de"`) || !strings.Contains(body, "<strong>al@x.io</strong>") {
				t.Errorf("the answer is %d\n%s", w.Code, body)
			}
			if len(*told) != 1 || !strings.Contains((*told)[0], c.says) {
				t.Errorf("told: %q", *told)
			}
		})
	}
}

func TestAPageThatFailsIsOursWhereNobodyIsToldOfIt(t *testing.T) {
	look, err := web.NewLook(web.Appearance{Pages: map[string]web.Source{"signedout": {File: "signedout.html", Text: "{{index .Base 9}}"}}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	web.SignedOut{Base: "/auth"}.Write(w, look.For(httptest.NewRequest(http.MethodGet, "/", nil)), http.StatusOK)
	if !strings.Contains(w.Body.String(), "</html>") {
		t.Errorf("the page is\n%s", w.Body.String())
	}
}

// A form that is kept may be large, and is shown by a template of one's own all the same.
func TestALargeFormThatIsKeptIsShownByATemplate(t *testing.T) {
	look, told := lookOf(t, "kept", `own: {{range .Fields}}{{.Value}} {{.Value}}{{end}}`)
	w := httptest.NewRecorder()
	web.KeptForm{Action: "/", Fields: []web.Field{{Name: "note", Value: strings.Repeat("+", 1<<20)}}}.Write(w, look.For(httptest.NewRequest(http.MethodGet, "/", nil)))
	if !strings.HasPrefix(w.Body.String(), "own: ") || len(*told) > 0 {
		t.Errorf("told %q, and the page has %d bytes", *told, w.Body.Len())
	}
}

// The samples differ as people do: what fails for one of these fails when it is tried.
func TestTemplatesAreTriedWithWhatPeopleHave(t *testing.T) {
	for name, c := range map[string]struct{ page, text, says string }{
		"a name of one letter":         {"account", `{{slice .SignedInAs 0 8}}`, "pages.d/account.html:1:2: executing"},
		"no name at all":               {"account", `{{index .SignedInAs 0}}`, "pages.d/account.html:1:2: executing"},
		"a name that is long":          {"signedin", `{{if gt (len .SignedInAs) 200}}{{index .SignedInAs 999999}}{{end}}`, "executing"},
		"a name of other letters":      {"logout", `{{if eq .SignedInAs "Ä"}}{{.Nowhere}}{{end}}`, "executing"},
		"one account alone":            {"account", `{{if .Choices}}{{(index .Choices 1).ID}}{{end}}`, "executing"},
		"a list of none":               {"postback", `{{(index .Fields 0).Name}}`, "executing"},
		"an address that is long":      {"signedin", `{{if gt (len .ReturnTo) 900}}{{.Nowhere}}{{end}}`, "executing"},
		"a title of one letter":        {"problem", `{{slice .Title 0 5}}`, "executing"},
		"a device without an address":  {"sessions", `{{range .Others}}{{if .Name}}{{slice .Name 0 4}}{{end}}{{end}}`, "executing"},
		"a provider of a short label":  {"depart", `{{with .Label}}{{slice . 0 3}}{{end}}`, "executing"},
		"another provider, signed out": {"signedout", `{{if .Still.Named}}{{slice (print .Still) 0 3}}{{end}}`, "executing"},
		"a loop that writes for ever":  {"signedout", `{{range 100000000000}}x{{end}}`, "pages.d/signedout.html: it goes round too often"},
		"one with a condition around":  {"signedout", "\n{{if .Base}}{{range 100000000000}}{{end}}{{end}}", "pages.d/signedout.html: it goes round too often"},
	} {
		look, _ := lookOf(t, c.page, c.text)
		err := look.Try(func(_, _ string) error { return nil })
		if err == nil || !strings.HasPrefix(err.Error(), "pages.d/"+c.page+".html") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: told: %v", name, err)
		}
	}
}

// A variation that changed the sample would change what all pages after it are tried with.
func TestSamplesStayAsTheyAre(t *testing.T) {
	look, err := web.NewLook(web.Appearance{})
	if err != nil {
		t.Fatal(err)
	}
	all := func() (text string) {
		if err := look.EachSample(func(s web.Shown) error { text += s.HTML; return nil }); err != nil {
			t.Fatal(err)
		}
		return text
	}
	before := all()
	if err := look.Try(func(_, _ string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if all() != before {
		t.Error("they were others afterwards")
	}
}
