package web

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAsksForJSON(t *testing.T) {
	for _, c := range []struct {
		name, mode, accept string
		want               bool
	}{
		{"a program that takes JSON", "", "application/json", true},
		{"in any case of letters, and as a script does", "cors", "Application/JSON, */*;q=0.8", true},
		{"a program that takes anything, which may be a person's", "", "*/*", false},
		{"a program that says nothing", "", "", false},
		{"who takes a page as well", "", "text/html, application/json", false},
		{"a browser that goes to a page", "navigate", "application/json", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Accept", c.accept)
			if c.mode != "" {
				r.Header.Set("Sec-Fetch-Mode", c.mode)
			}
			if got := AsksForJSON(r); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

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
		{"no page sends JSON, whatever the request says", "POST JSON", "navigate", "text/html", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			method, form := strings.CutSuffix(c.method, " a form")
			method, isJSON := strings.CutSuffix(method, " JSON")
			r := httptest.NewRequest(method, "/", nil)
			if form {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			}
			if isJSON {
				r.Header.Set("Content-Type", "application/json; charset=utf-8")
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

func TestIsRelayed(t *testing.T) {
	const html = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, c := range []struct {
		name, method, mode, dest, site, accept string
		want                                   bool
	}{
		{"a worker that builds a request from a navigation", "GET", "same-origin", "empty", "same-origin", html, true},
		{"and one that has it go by CORS", "GET", "cors", "empty", "same-origin", html, true},
		{"a navigation itself", "GET", "navigate", "document", "same-origin", html, false},
		{"a script that asks for data", "GET", "cors", "empty", "same-origin", "*/*", false},
		{"the script of a worker", "GET", "same-origin", "serviceworker", "same-origin", html, false},
		{"a page of another site", "GET", "cors", "empty", "same-site", html, false},
		{"a form", "POST", "cors", "empty", "same-origin", html, false},
		{"who does not say", "GET", "", "", "", html, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "/", nil)
			for header, value := range map[string]string{"Mode": c.mode, "Dest": c.dest, "Site": c.site} {
				if value != "" {
					r.Header.Set("Sec-Fetch-"+header, value)
				}
			}
			r.Header.Set("Accept", c.accept)
			if got := IsRelayed(r); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
