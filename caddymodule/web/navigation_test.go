package web

import (
	"net/http/httptest"
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
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "/", nil)
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
