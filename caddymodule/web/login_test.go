package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

func login(l web.Login) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { l.Write(w, web.View{}, http.StatusOK) }
}

func TestThePasswordFormIsOneThatBrowsersFillIn(t *testing.T) {
	all := render(t, login(web.Login{Base: "/gate", Password: true, ReturnTo: "/orders?a=1&b=<2>"}))
	form := find(all, "form")
	if len(form) != 1 || form[0].attr["method"] != "post" || form[0].attr["action"] != "/gate/login" {
		t.Fatalf("forms: %+v", form)
	}
	for field, want := range map[string]map[string]string{
		"email":     {"type": "email", "inputmode": "email", "autocomplete": "username", "maxlength": "254"},
		"password":  {"type": "password", "autocomplete": "current-password", "maxlength": "1024"},
		"return_to": {"type": "hidden", "value": "/orders?a=1&b=<2>"},
	} {
		e := input(all, field)
		if e == nil {
			t.Fatalf("no field %s", field)
		}
		for name, value := range want {
			if e.attr[name] != value {
				t.Errorf("%s of %s is %q, want %q", name, field, e.attr[name], value)
			}
		}
	}
	if _, ok := input(all, "email").attr["autofocus"]; !ok {
		t.Error("typing does not begin in the email field")
	}
}

func TestTheLoginPageSaysWhatIsLostOfALongAddress(t *testing.T) {
	for cut, says := range map[bool]bool{true: true, false: false} {
		main := find(render(t, login(web.Login{Password: true, ReturnTo: "/orders", Cut: cut})), "main")[0].text
		if strings.Contains(main, "cannot be kept whole. Signing in leads to /orders") != says {
			t.Errorf("cut: %v, and it says %q", cut, main)
		}
	}
}

func TestTheLoginPageShowsTheWaysThereAre(t *testing.T) {
	for name, c := range map[string]struct {
		page    web.Login
		form    bool
		links   []string
		or      bool
		message string
	}{
		"password only":      {page: web.Login{Password: true}, form: true},
		"providers only":     {page: web.Login{Providers: twoProviders}, links: []string{"Continue with Acme", "Continue with google"}},
		"both":               {page: web.Login{Password: true, Providers: twoProviders[:1]}, form: true, links: []string{"Continue with Acme"}, or: true},
		"neither says so":    {page: web.Login{}, message: "There is no way to sign in here with a browser."},
		"no return_to field": {page: web.Login{Password: true}, form: true},
	} {
		t.Run(name, func(t *testing.T) {
			all := render(t, login(c.page))
			var links []string
			for _, a := range find(all, "a") {
				links = append(links, a.text)
			}
			if !slices.Equal(links, c.links) {
				t.Errorf("links %q, want %q", links, c.links)
			}
			if got := input(all, "password") != nil; got != c.form {
				t.Errorf("password form: %v", got)
			}
			if input(all, "return_to") != nil {
				t.Error("an empty return_to is sent")
			}
			main := find(all, "main")[0].text
			if got := slices.Contains(strings.Fields(main), "or"); got != c.or {
				t.Errorf("parted by or: %v", got)
			}
			if !strings.Contains(main, c.message) {
				t.Errorf("page does not say %q", c.message)
			}
		})
	}
}

func TestAProviderIsALinkToWhereTheCallerSays(t *testing.T) {
	a := find(render(t, login(web.Login{Providers: twoProviders})), "a")
	if got := a[0].attr["href"]; got != twoProviders[0].Href {
		t.Errorf("leads to %s", got)
	}
}

// What is not echoed cannot be injected (CVE-2024-21496), and a page that is
// the same for everybody tells nobody who has an account.
func TestTheEmailAddressIsNotEchoedAfterAWrongPassword(t *testing.T) {
	all := render(t, login(web.Login{Password: true, Failure: web.Wrong}))
	for _, field := range []string{"email", "password"} {
		if value, ok := input(all, field).attr["value"]; ok {
			t.Errorf("%s holds %q", field, value)
		}
	}
}

func TestWhereAProviderIsTheOnlyWayItsButtonIsTheMainOne(t *testing.T) {
	for name, c := range map[string]struct {
		page web.Login
		want string
	}{
		"one provider, no password":   {web.Login{Providers: twoProviders[:1]}, "button main"},
		"two of them are equals":      {web.Login{Providers: twoProviders}, "button"},
		"beside a password it is not": {web.Login{Providers: twoProviders[:1], Password: true}, "button"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, a := range find(render(t, login(c.page)), "a") {
				if got := a.attr["class"]; got != c.want {
					t.Errorf("%s is a %q, want %q", a.text, got, c.want)
				}
			}
		})
	}
}

func TestProvidersAreShownInTheOrderGiven(t *testing.T) {
	given := []web.Provider{{Name: "zoo", Href: "/z"}, {Name: "acme", Href: "/a"}, {Name: "moon", Href: "/m"}}
	var shown []string
	for _, a := range find(render(t, login(web.Login{Password: true, Providers: given})), "a") {
		shown = append(shown, a.attr["href"])
	}
	if want := []string{"/z", "/a", "/m"}; !slices.Equal(shown, want) {
		t.Errorf("shown %q, want %q", shown, want)
	}
}

func TestAPageOfProvidersOnlyHasNothingToTypeInto(t *testing.T) {
	for _, failure := range []web.Failure{web.NoFailure, web.Wrong, web.Denied} {
		all := render(t, login(web.Login{Base: "/auth", Providers: twoProviders, ReturnTo: "/orders", Failure: failure}))
		if len(find(all, "form")) != 0 || len(find(all, "input")) != 0 {
			t.Errorf("failure %d: there is a form", failure)
		}
	}
}

func TestWhoIsSignedInAlreadyIsToldSo(t *testing.T) {
	t.Run("and may continue or sign out", func(t *testing.T) {
		all := render(t, login(web.Login{Base: "/auth", Password: true, SignedInAs: "ada@example.com", ReturnTo: "/orders"}))
		if text := find(all, "main")[0].text; !strings.Contains(text, "You are signed in as ada@example.com.") {
			t.Errorf("page says %q", text)
		}
		if a := find(all, "a"); len(a) != 2 || a[0].attr["href"] != "/orders" || a[1].attr["href"] != "/auth/sessions" {
			t.Errorf("links: %+v", a)
		}
		// The page may stand at the callback's address, which has a code in it
		// (RFC 9700 section 4.2.4).
		if a := find(all, "a"); a[0].attr["rel"] != "noreferrer" || a[1].attr["rel"] != "noreferrer" {
			t.Error("the app is told where the person comes from")
		}
		if form := find(all, "form"); len(form) != 1 || form[0].attr["action"] != "/auth/logout" || form[0].attr["method"] != "post" {
			t.Errorf("forms: %+v", form)
		}
		if input(all, "password") != nil {
			t.Error("the password is asked for all the same")
		}
	})
	t.Run("and continues at the front page where nothing else is asked for", func(t *testing.T) {
		if a := find(render(t, login(web.Login{SignedInAs: "ada@example.com"})), "a"); a[0].attr["href"] != "/" {
			t.Errorf("leads to %s", a[0].attr["href"])
		}
	})
	t.Run("but sees the form when they just failed as somebody else", func(t *testing.T) {
		all := render(t, login(web.Login{Password: true, SignedInAs: "ada@example.com", Failure: web.Wrong}))
		if input(all, "password") == nil || byID(all, "failure") == nil {
			t.Error("no form, or no failure told")
		}
	})
}

func TestTheNameIsCalledWhatItMayBe(t *testing.T) {
	for name, c := range map[string]struct {
		page         web.Login
		field, label string
		want         map[string]string
	}{
		"an email address": {web.Login{Password: true}, "email", "Email address", map[string]string{"type": "email"}},
		"a user name too": {web.Login{Password: true, Names: true}, "username", "User name or email address", map[string]string{
			"type": "text", "autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "maxlength": "254",
		}},
		"what the configuration calls it":                {web.Login{Password: true, Names: true, NameLabel: "Staff <number>"}, "username", "Staff <number>", nil},
		"what it calls it, where it is an email address": {web.Login{Password: true, NameLabel: "Work email"}, "email", "Work email", map[string]string{"type": "email"}},
	} {
		t.Run(name, func(t *testing.T) {
			all := render(t, login(c.page))
			field := input(all, c.field)
			if field == nil {
				t.Fatalf("no field %s", c.field)
			}
			if _, ok := field.attr["autofocus"]; !ok {
				t.Error("typing does not begin there")
			}
			for attribute, value := range c.want {
				if field.attr[attribute] != value {
					t.Errorf("%s is %q, want %q", attribute, field.attr[attribute], value)
				}
			}
			labels := find(all, "label")
			if len(labels) != 2 || labels[0].text != c.label || labels[0].attr["for"] != field.attr["id"] {
				t.Errorf("labels: %+v", labels)
			}
		})
	}
	t.Run("and a slip says so", func(t *testing.T) {
		all := render(t, login(web.Login{Password: true, Names: true, Failure: web.Wrong}))
		if text := byID(all, "failure").text; !strings.HasPrefix(text, "The name or the password is not right.") {
			t.Errorf("it says %q", text)
		}
		if field := input(all, "username"); field.attr["aria-invalid"] != "true" {
			t.Errorf("the field is %+v", field.attr)
		}
	})
}

// What was typed stays, to be mended with the password alone: after a wrong one, and
// in no other case, for then it may be of whoever made the request up.
func TestTheTypedNameStaysWhereItMayBeSentOnceMore(t *testing.T) {
	long := strings.Repeat("a", 242) + "@example.com"
	for _, c := range []struct {
		name    string
		page    web.Login
		typed   string
		focused string
	}{
		{"an address", web.Login{Failure: web.Wrong, Name: "ada@example.com"}, "ada@example.com", "password"},
		{"a user name", web.Login{Names: true, Failure: web.Wrong, Name: "Ada <1> \"x\""}, "Ada <1> \"x\"", "password"},
		{"as long as the field takes", web.Login{Failure: web.Wrong, Name: long}, long, "password"},
		{"not what is longer", web.Login{Failure: web.Wrong, Name: "a" + long}, "", "failure"},
		{"not what is no text", web.Login{Failure: web.Wrong, Name: "a\xff"}, "", "failure"},
		{"not what controls something", web.Login{Failure: web.Wrong, Name: "a\x00b"}, "", "failure"},
		{"not what nobody sees", web.Login{Failure: web.Wrong, Name: "ada\u200b@example.com"}, "", "failure"},
		{"not without one", web.Login{Failure: web.Wrong}, "", "failure"},
		{"after too many attempts", web.Login{Failure: web.Throttled, Name: "ada@example.com"}, "ada@example.com", "password"},
		{"in a crowd", web.Login{Failure: web.Busy, Name: "ada@example.com"}, "ada@example.com", "password"},
		{"while nothing can be checked", web.Login{Failure: web.Unavailable, Name: "ada@example.com"}, "ada@example.com", "password"},
		{"not after a provider's failure", web.Login{Failure: web.Denied, Name: "ada@example.com"}, "", "failure"},
		{"not on the page itself", web.Login{Name: "ada@example.com"}, "", "email"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.page.Base, c.page.Password = "/auth", true
			all := render(t, login(c.page))
			field := input(all, "email")
			if c.page.Names {
				field = input(all, "username")
			}
			if field.attr["value"] != c.typed {
				t.Errorf("the field says %q", field.attr["value"])
			}
			for _, e := range all {
				if _, has := e.attr["autofocus"]; has != (e.attr["id"] == c.focused) {
					t.Errorf("<%s id=%q> wants the focus: %v", e.name, e.attr["id"], has)
				}
			}
			if p := input(all, "password"); p.attr["value"] != "" {
				t.Error("the password is on the page")
			}
		})
	}
}

// Without a script there is nothing that could do it.
func TestThePasswordIsShownByAScriptAlone(t *testing.T) {
	b := byID(render(t, login(web.Login{Base: "/auth", Password: true})), "reveal")
	if _, hidden := b.attr["hidden"]; !hidden || b.attr["type"] != "button" || b.attr["aria-pressed"] != "false" || b.text != "Show password" {
		t.Errorf("the button is %v, %q", b.attr, b.text)
	}
}
