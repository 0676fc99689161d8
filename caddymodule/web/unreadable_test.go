package web_test

import (
	"net/http"
	"slices"
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

func TestPagesThatLeadToTheLoginPageDoSoByThemselves(t *testing.T) {
	const to = "/gate/login?return_to=%2Forders"
	for name, c := range map[string]struct {
		write  func(http.ResponseWriter, web.View)
		status int
	}{
		"to who has started over":      {web.StartedOver{To: to}.Write, http.StatusOK},
		"to who asks through a worker": {web.Relayed{To: to}.Write, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			w := record(func(w http.ResponseWriter) { c.write(w, web.View{}) })
			all := elements(t, w.Body.String())
			if w.Code != c.status {
				t.Errorf("status is %d", w.Code)
			}
			if a := find(all, "a"); len(a) != 1 || a[0].attr["href"] != to {
				t.Errorf("links: %+v", a)
			}
			leads := func(e *element) bool { return e.attr["http-equiv"] == "refresh" && e.attr["content"] == "0; url="+to }
			if !slices.ContainsFunc(find(all, "meta"), leads) {
				t.Error("the page leads nowhere by itself")
			}
		})
	}
}
