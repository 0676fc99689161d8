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

// Browsers hold form-action against every redirect that follows a post: to the
// provider's end-session endpoint, and from there back here or to a listed
// origin. A stop that is not allowed leaves the person on the page, as if the
// button did nothing.
func TestAFormThatSignsOutMayFollowTheRedirectsToTheProviderAndOn(t *testing.T) {
	targets := []string{"https://sso.example.com/realms/acme/logout", "https://app.example.com", "https://sso.example.com/realms/acme"}
	const want = "form-action 'self' https://sso.example.com https://app.example.com;"
	for name, write := range map[string]func(http.ResponseWriter){
		"on the sign-out page": func(w http.ResponseWriter) {
			web.Logout{Base: "/auth", FormTargets: targets}.Write(w, web.View{}, http.StatusOK)
		},
		"on the page of whom is signed in already": login(web.Login{Base: "/auth", SignedInAs: "ada@example.com", FormTargets: targets}),
	} {
		t.Run(name, func(t *testing.T) {
			w := record(write)
			if form := find(elements(t, w.Body.String()), "form"); len(form) != 1 || form[0].attr["action"] != "/auth/logout" {
				t.Fatalf("forms: %+v", form)
			}
			if p := w.Header().Get("Content-Security-Policy"); !strings.Contains(p, want) {
				t.Errorf("policy is %s", p)
			}
		})
	}
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
