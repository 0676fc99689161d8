package web_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

// A link could be followed by a prefetch, or planted on another site.
func TestSigningOutTakesAForm(t *testing.T) {
	all := render(t, func(w http.ResponseWriter) {
		web.Logout{Base: "/gate", SignedInAs: "ada@example.com", ReturnTo: "/orders"}.Write(w, web.View{}, http.StatusOK)
	})
	form := find(all, "form")
	if len(form) != 1 || form[0].attr["method"] != "post" || form[0].attr["action"] != "/gate/logout" {
		t.Fatalf("forms: %+v", form)
	}
	if a := find(all, "a"); len(a) != 1 || a[0].attr["href"] != "/orders" {
		t.Errorf("links: %+v", a)
	}
	if text := find(all, "main")[0].text; !strings.Contains(text, "ada@example.com") {
		t.Errorf("page does not say who: %q", text)
	}
}

func TestTheSignOutPage(t *testing.T) {
	t.Run("says nothing of who is signed in when that is not known", func(t *testing.T) {
		all := render(t, func(w http.ResponseWriter) { web.Logout{Base: "/auth"}.Write(w, web.View{}, http.StatusOK) })
		if text := find(all, "main")[0].text; strings.Contains(text, "signed in as") {
			t.Errorf("page says %q", text)
		}
	})
}

func TestWhoIsSignedOutMaySignInAgain(t *testing.T) {
	all := render(t, func(w http.ResponseWriter) { web.SignedOut{Base: "/gate"}.Write(w, web.View{}, http.StatusOK) })
	if find(all, "h1")[0].text != "You are signed out" {
		t.Errorf("page says %q", find(all, "h1")[0].text)
	}
	if a := find(all, "a"); len(a) != 1 || a[0].attr["href"] != "/gate/login" {
		t.Errorf("links: %+v", a)
	}
}
