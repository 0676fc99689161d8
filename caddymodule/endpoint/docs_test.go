package endpoint_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestTheDocsAreServed(t *testing.T) {
	for name, base := range map[string]string{"below /auth": "/auth", "below another base_path": "/-/gate"} {
		t.Run(name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Options: "base_path " + base})
			c := s.Client(t)
			page := c.Get(base+"/docs", "Accept", "text/html", "Accept-Language", "de").Want(t, http.StatusOK)
			page.WantHeader(t, "Content-Type", "text/html; charset=utf-8")
			page.WantHeader(t, "Content-Language", "en") // as the document
			for _, holds := range []string{`<html lang="en"`, base + "/session</code>", `href="session/swagger.yaml"`, `src="docs.js"`} {
				if !strings.Contains(page.Body, holds) {
					t.Errorf("the page has no %s", holds)
				}
			}
			if base != "/auth" && strings.Contains(page.Body, "/auth/") {
				t.Error("the page speaks of another base path")
			}
			if again := c.Get(base + "/docs"); again.Body != page.Body {
				t.Error("the page is another one the second time")
			}
			script := c.Get(base+"/docs.js").Want(t, http.StatusOK)
			script.WantHeader(t, "Content-Type", "text/javascript; charset=utf-8")
			c.Get(base+"/docs.js", "If-None-Match", script.Header.Get("ETag")).Want(t, http.StatusNotModified)
			c.Do("POST", base+"/docs", "").Want(t, http.StatusMethodNotAllowed)
			c.Get(base+"/docs/").Want(t, http.StatusNotFound)
		})
	}
}

func TestTheDocsCanBeTurnedOff(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "docs off"})
	c := s.Client(t)
	c.Get("/auth/docs").Want(t, http.StatusNotFound)
	c.Get("/auth/docs.js").Want(t, http.StatusNotFound)
	c.Get("/auth/session/swagger.yaml").Want(t, http.StatusOK)
}

// What is made from the document asks the gateway that it is from.
func TestTheDocumentNamesTheSiteThatItWasAskedForAt(t *testing.T) {
	for name, c := range map[string]struct{ options, want string }{
		"its own":    {"", ""},
		"the public": {"public_url https://app.example.com", "https://app.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Options: c.options})
			if c.want == "" {
				c.want = s.URL
			}
			answer := s.Client(t).Get("/auth/session/swagger.yaml").Want(t, http.StatusOK)
			answer.WantHeader(t, "Cache-Control", "private, max-age=300") // what is said of a host is for who said it
			document := answer.Body
			if !strings.Contains(document, `default: "`+c.want+`"`) {
				t.Errorf("it does not name %s:\n%s", c.want, document[:800])
			}
		})
	}
}
