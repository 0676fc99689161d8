package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

func TestThePageThatLeadsOn(t *testing.T) {
	for _, c := range []struct{ name, to, want string }{
		{"leads where the person wanted to go", "/orders?a=1&b=%22%3E", "/orders?a=1&b=%22%3E"},
		{"leads to the front page when nobody said where", "", "/"},
	} {
		t.Run(c.name+", with a script or without", func(t *testing.T) {
			all := render(t, func(w http.ResponseWriter) { web.Onward{Base: "/auth", To: c.to}.Write(w, web.View{}) })
			if a := find(all, "a"); len(a) != 1 || a[0].attr["href"] != c.want {
				t.Errorf("links: %+v", a)
			}
			if refresh := refreshOf(all); refresh != "0; url="+c.want {
				t.Errorf("refresh is %q", refresh)
			}
		})
	}
}

// A server never sees the part behind the number sign.
func TestThePageBetweenKeepsTheFragmentByAScriptThatItsPolicyNames(t *testing.T) {
	w := httptest.NewRecorder()
	web.SameSite{To: "/a//b?x=1"}.Write(w, web.View{})
	script := "location.replace(document.getElementById('go').href+location.hash)"
	sum := sha256.Sum256([]byte(script))
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("the policy is %s", policy)
	}
	for _, part := range []string{"<script>" + script + "</script>", `<noscript><meta http-equiv="refresh" content="0; url=/a//b?x=1"></noscript>`, `href="/a//b?x=1"`} {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("there is no %s in\n%s", part, w.Body)
		}
	}
}

// Who has something to read must have the time to: WCAG 2.2, success criterion 2.2.1.
func TestThePageThatLeadsOnWaitsWhenItHasSomethingToSay(t *testing.T) {
	all := render(t, func(w http.ResponseWriter) { web.Onward{Base: "/auth", To: "/orders", Cut: true}.Write(w, web.View{}) })
	if refresh := refreshOf(all); refresh != "" {
		t.Errorf("refresh is %q", refresh)
	}
	if a := find(all, "a"); len(a) != 1 || a[0].attr["href"] != "/orders" {
		t.Errorf("links: %+v", a)
	}
	finished := render(t, func(w http.ResponseWriter) {
		web.Onward{Base: "/auth", To: "/orders", Finished: true}.Write(w, web.View{})
	})
	if refresh := refreshOf(finished); refresh != "" {
		t.Errorf("when it says that the sign-in is finished, refresh is %q", refresh)
	}
	if main := find(all, "main")[0].text; !strings.Contains(main, "could not be kept whole") || !strings.Contains(main, "leads to /orders") {
		t.Errorf("it says %q", main)
	}
}

// The page stands at the callback's address, which has a code and a state in it
// (RFC 9700 section 4.2.4). It has no form, for which "same-origin" is there.
func TestThePageThatLeadsOnDoesNotTellItsAddress(t *testing.T) {
	all := render(t, func(w http.ResponseWriter) { web.Onward{Base: "/auth", To: "/orders"}.Write(w, web.View{}) })
	for _, meta := range find(all, "meta") {
		if meta.attr["http-equiv"] == "refresh" {
			t.Fatal("the page leads on before it says so")
		}
		if meta.attr["name"] == "referrer" {
			if meta.attr["content"] != "no-referrer" {
				t.Errorf("the policy is %q", meta.attr["content"])
			}
			return
		}
	}
	t.Error("the page says nothing of referrers")
}

func refreshOf(all []*element) string {
	for _, meta := range find(all, "meta") {
		if meta.attr["http-equiv"] == "refresh" {
			return meta.attr["content"]
		}
	}
	return ""
}
