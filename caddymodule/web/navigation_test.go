package web

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestIsNavigation(t *testing.T) {
	for _, c := range []struct {
		name, method, mode, accept string
		want                       bool
	}{
		{"a browser that goes to a page says so", "GET", "navigate", "*/*", true},
		{"a form that is posted is a navigation", "POST", "navigate", "", true},
		{"a script's request is none, whatever it accepts", "GET", "cors", "text/html", false},
		{"an image is none", "GET", "no-cors", "image/png", false},
		{"where the browser does not say, who asks for a page gets one", "GET", "", "text/html,*/*;q=0.8", true},
		{"a page is asked for in any case of letters", "HEAD", "", "Text/HTML", true},
		{"a program that takes anything gets none", "GET", "", "*/*", false},
		{"a program that says nothing gets none", "GET", "", "", false},
		{"who posts and does not say gets none", "POST", "", "text/html", false},
		{"but a form of a page, over plain http", "POST a form", "", "text/html", true},
		{"and a program's form gets none", "POST a form", "", "*/*", false},
		{"nor does a script's", "POST a form", "cors", "text/html", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			method, form := strings.CutSuffix(c.method, " a form")
			r := httptest.NewRequest(method, "/", nil)
			if form {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			}
			if c.mode != "" {
				r.Header.Set("Sec-Fetch-Mode", c.mode)
			}
			r.Header.Set("Accept", c.accept)
			if got := IsNavigation(r); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
