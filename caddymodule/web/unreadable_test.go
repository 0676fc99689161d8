package web_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

// A link could be followed by a prefetch, or planted on another site, and the
// person would be signed out of what may be read again.
func TestStartingOverTakesAForm(t *testing.T) {
	for name, c := range map[string]struct {
		page   web.Unreadable
		hidden string
	}{
		"back to the page that was asked for": {web.Unreadable{Base: "/gate", ReturnTo: "/orders?a=1&b=2"}, "/orders?a=1&b=2"},
		"to the front page":                   {web.Unreadable{Base: "/gate"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := record(func(w http.ResponseWriter) { c.page.Write(w, web.View{}) })
			all := elements(t, w.Body.String())
			if w.Code != http.StatusServiceUnavailable {
				t.Errorf("status is %d", w.Code)
			}
			form := find(all, "form")
			if len(form) != 1 || form[0].attr["method"] != "post" || form[0].attr["action"] != "/gate/start-over" {
				t.Fatalf("forms: %+v", form)
			}
			hidden := ""
			for _, field := range find(all, "input") {
				hidden += field.attr["name"] + "=" + field.attr["value"]
			}
			if want := strings.TrimSuffix("return_to="+c.hidden, "return_to="); hidden != want {
				t.Errorf("the form sends %q; want %q", hidden, want)
			}
			if links := find(all, "a"); len(links) != 0 {
				t.Errorf("links: %+v", links)
			}
			if text := find(all, "main")[0].text; !strings.Contains(text, "nobody has signed you out") {
				t.Errorf("the page says %q", text)
			}
		})
	}
}

func TestWhoHasStartedOverIsLedToTheLoginPage(t *testing.T) {
	all := render(t, func(w http.ResponseWriter) {
		web.StartedOver{To: "/gate/login?return_to=%2Forders"}.Write(w, web.View{})
	})
	if a := find(all, "a"); len(a) != 1 || a[0].attr["href"] != "/gate/login?return_to=%2Forders" {
		t.Errorf("links: %+v", a)
	}
	for _, meta := range find(all, "meta") {
		if meta.attr["http-equiv"] == "refresh" && meta.attr["content"] == "0; url=/gate/login?return_to=%2Forders" {
			return
		}
	}
	t.Error("the page leads nowhere by itself")
}
