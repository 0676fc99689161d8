package web_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

func TestTheKeptFormSendsWhatItShows(t *testing.T) {
	w := record(func(w http.ResponseWriter) {
		web.KeptForm{Action: "/orders?of=7&a=%2F", Login: "/auth/login?return_to=%2Forders", LeftOut: []string{"Password"},
			Fields: []web.Field{{Name: "b", Value: "1"}, {Name: "a[]", Value: `"<x>`}, {Name: "b", Value: "two\r\nlines"}}}.Write(w, in("de"))
	})
	all := elements(t, w.Body.String())
	form := find(all, "form")
	if len(form) != 1 || form[0].attr["action"] != "/orders?of=7&a=%2F" || form[0].attr["method"] != "post" || form[0].attr["accept-charset"] != "utf-8" {
		t.Fatalf("the form is %+v", form)
	}
	var sent, shown []string
	for _, e := range find(all, "input") {
		sent = append(sent, e.attr["type"]+" "+e.attr["name"]+"="+e.attr["value"])
	}
	for _, e := range all {
		if e.name == "dt" || e.name == "dd" || e.name == "ul" {
			shown = append(shown, strings.TrimSpace(e.text))
		}
	}
	lines := strings.NewReplacer("\r\n", "\n").Replace
	if got := lines(strings.Join(sent, "|")); got != "hidden b=1|hidden a[]=\"<x>|hidden b=two\nlines" {
		t.Errorf("it sends %q", got)
	}
	if got := lines(strings.Join(shown, "|")); got != "Password|b|1|a[]|\"<x>|b|two\nlines" {
		t.Errorf("it shows %q", got)
	}
	link := find(all, "a")[0].attr
	if link["href"] != "/auth/login?return_to=%2Forders" || link["target"] != "_blank" || link["rel"] != "noopener" {
		t.Errorf("one signs in by %v", link)
	}
	h := w.Header()
	if w.Code != http.StatusUnauthorized || h.Get("Cache-Control") != "no-store" || strings.Contains(h.Get("Content-Security-Policy"), "form-action") {
		t.Errorf("%d with %v", w.Code, h)
	}
}

func TestAFormThatIsNotKeptIsNotInThePage(t *testing.T) {
	for lost, blank := range map[web.Lost]bool{web.LostElsewhere: false, web.LostKind: true, web.LostSize: true} {
		all := render(t, func(w http.ResponseWriter) { web.KeptForm{Login: "/auth/login", Lost: lost}.Write(w, web.View{}) })
		if len(find(all, "form")) > 0 || len(find(all, "input")) > 0 {
			t.Errorf("%s: there is a form", lost)
		}
		if a := find(all, "a"); len(a) != 1 || (a[0].attr["target"] == "_blank") != blank {
			t.Errorf("%s: one signs in by %+v", lost, a)
		}
	}
}
