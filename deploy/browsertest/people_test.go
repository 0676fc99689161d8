package browsertest

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// startWith runs a gateway with these options until the test ends.
func startWith(t *testing.T, options string) *gatewaytest.Process {
	t.Helper()
	return gatewaytest.StartProcess(t, gatewaytest.Site{Options: options})
}

// withoutScripts has the browser run none of a page's.
func (b *tab) withoutScripts() { b.do(emulation.SetScriptExecutionDisabled(true)) }

// wantAt waits until the browser is there, with all of the address.
func (b *tab) wantAddress(want string) {
	b.t.Helper()
	b.await("the browser is at "+want, `location.href`, func(at string) bool { return at == want })
}

// said is what the script says of the page.
func (b *tab) said(script string) (text string) {
	b.t.Helper()
	b.do(chromedp.Evaluate(script, &text))
	return text
}

// press presses the button that has that name for who hears it.
func (b *tab) pressNamed(name string) {
	b.t.Helper()
	b.await("there is a button "+name, `(() => {
		const named = button => (button.getAttribute("aria-labelledby") || "").split(" ").filter(id => id).map(id => document.getElementById(id).textContent).join(" ") || button.textContent;
		const found = [...document.querySelectorAll("button, a.button")].find(button => named(button).trim().replace(/\s+/g, " ").startsWith(`+"`"+name+"`"+`));
		if (found) found.focus();
		return found ? "yes" : document.body.innerText;
	})()`, func(said string) bool { return said == "yes" })
	b.keys(kb.Enter)
}

// One browser signs another out from the page of one's sessions.
func TestOneBrowserSignsAnotherOut(t *testing.T) {
	for name, scripts := range map[string]bool{"with scripts": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			g := startWith(t, "")
			phone, laptop := browse(t), browse(t)
			phone.do(emulation.SetUserAgentOverride("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"))
			phone.do(chromedp.Navigate(g.URL + "/orders"))
			phone.signIn()
			if !scripts {
				laptop.withoutScripts()
			}
			laptop.do(chromedp.Navigate(g.URL + "/auth/sessions"))
			laptop.wantText("Email address")
			laptop.wantPath("/auth/login?return_to=%2Fauth%2Fsessions")
			laptop.do(chromedp.Focus("#email"))
			laptop.keys(gatewaytest.Ada, kb.Tab, gatewaytest.Password, kb.Enter)
			laptop.wantText("Where you are signed in")
			laptop.wantText("Chrome on Android")
			laptop.pressNamed("Sign out Chrome on Android")
			laptop.wantText("That device is signed out.")
			laptop.wantText("You are signed in nowhere else.")
			phone.do(chromedp.Navigate(g.URL + "/orders"))
			phone.wantText("Email address")
			laptop.pressNamed("Sign out Chrome on Linux")
			laptop.wantText("You are signed out")
			laptop.wantPath("/auth/logout")
		})
	}
}

// Another account is one press away, from the page that refuses the present one too.
func TestAnAccountIsChosenByOnePress(t *testing.T) {
	g := gatewaytest.StartProcess(t, gatewaytest.Site{Auth: "path /billing/* {\naccount_admin\n}"})
	for name, scripts := range map[string]bool{"with scripts": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			if !scripts {
				b.withoutScripts()
			}
			b.do(chromedp.Navigate(g.URL + "/auth/account"))
			b.wantText("Email address")
			b.do(chromedp.Focus("#email"))
			b.keys(gatewaytest.Ada, kb.Tab, gatewaytest.Password, kb.Enter)
			b.wantText("Choose an account")
			b.pressNamed("Globex")
			b.await("Globex is marked", `(document.querySelector("[aria-current]") || document.body).innerText`, func(said string) bool { return strings.HasPrefix(said, "Globex") })
			b.do(chromedp.Navigate(g.URL + "/billing/7?a=1"))
			b.wantText("Only administrators of the account you act for may do this.")
			b.wantText("You are signed in as " + gatewaytest.Ada)
			b.pressNamed("Act for another account")
			b.wantText("Choose an account")
			b.pressNamed("Acme Ltd")
			b.wantText("upstream")
			b.wantPath("/billing/7?a=1")
		})
	}
}

func TestThePasswordIsShownOnDemandAndNeverSentSo(t *testing.T) {
	g := startWith(t, "")
	b := browse(t)
	b.do(chromedp.Navigate(g.URL + "/orders"))
	b.wantText("Show password")
	b.do(chromedp.Focus("#email"))
	b.keys(gatewaytest.Ada, kb.Tab, "wrong")
	state := func() string {
		return b.said(`document.getElementById("password").type + " " + document.getElementById("reveal").getAttribute("aria-pressed")`)
	}
	for _, want := range []string{"text true", "password false", "text true"} {
		b.do(chromedp.Focus("#reveal"))
		b.keys(" ")
		b.await("it is "+want, `document.getElementById("password").type + " " + document.getElementById("reveal").getAttribute("aria-pressed")`, func(said string) bool { return said == want })
	}
	b.do(chromedp.Focus("#password"))
	b.keys(kb.Enter)
	b.wantText("is not right")
	b.wantFocus("password")
	if got := state(); got != "password false" {
		t.Errorf("the next page begins with %s", got)
	}
	if typed := b.said(`document.getElementById("email").value`); typed != gatewaytest.Ada {
		t.Errorf("the name is %q", typed)
	}
	b.keys(gatewaytest.Password, kb.Enter)
	b.wantText("upstream")
	t.Run("and without scripts there is no such button", func(t *testing.T) {
		b := browse(t)
		b.withoutScripts()
		b.do(chromedp.Navigate(g.URL + "/orders#here"))
		b.wantText("Password")
		if shown := b.said(`document.body.innerText`); strings.Contains(shown, "Show password") {
			t.Errorf("the page shows\n%s", shown)
		}
		b.signIn()
		b.wantPath("/orders")
	})
}

// A deep link leads to all of it, whichever way somebody signs in.
func TestTheFragmentOfADeepLinkIsKept(t *testing.T) {
	const link = "/orders?a=1#/orders/7?tab=2&x=%20y%"
	p := gatewaytest.NewIDP(t)
	both := startWith(t, p.Login("sso", ""))
	alone := gatewaytest.StartProcess(t, gatewaytest.Site{Bare: true, Options: p.Login("sso", "")})
	t.Run("by the form, after a slip", func(t *testing.T) {
		b := browse(t)
		b.do(chromedp.Navigate(both.URL + link))
		b.wantText("Email address")
		b.keys(gatewaytest.Ada, kb.Tab, "wrong", kb.Enter)
		b.wantText("is not right")
		b.wantFocus("password")
		b.keys(gatewaytest.Password, kb.Enter)
		b.wantText("upstream")
		b.wantAddress(both.URL + strings.Replace(link, "y%", "y%25", 1))
	})
	for name, origin := range map[string]string{"by a provider's button": both.URL, "by the one provider": alone.URL} {
		t.Run(name, func(t *testing.T) {
			b := browse(t)
			b.do(chromedp.Navigate(origin + link))
			if origin == both.URL {
				b.pressNamed("Continue with sso")
			}
			b.wantText("The provider")
			b.do(chromedp.Click("#back", chromedp.ByQuery))
			b.wantText("upstream")
			b.wantAddress(origin + strings.Replace(link, "y%", "y%25", 1))
		})
	}
	t.Run("by the one provider without scripts, all but that", func(t *testing.T) {
		b := browse(t)
		b.withoutScripts()
		b.do(chromedp.Navigate(alone.URL + link))
		b.wantText("The provider")
		b.do(chromedp.Click("#back", chromedp.ByQuery))
		b.wantText("upstream")
		b.wantPath("/orders?a=1")
	})
	t.Run("and it leads to no other host", func(t *testing.T) {
		b := browse(t)
		b.do(chromedp.Navigate(both.URL + "/auth/login?return_to=%2F#//evil.example/"))
		b.signIn()
		b.wantAddress(both.URL + "/#//evil.example/")
	})
}

// Whichever way somebody came, after a sign-out they read that they are out, and are
// not signed in again by that.
func TestSigningOutEndsAtAPageThatSaysSo(t *testing.T) {
	with, without := gatewaytest.NewIDP(t), gatewaytest.NewIDP(t).NoEndSession()
	provider := func(b *tab) {
		b.wantText("The provider")
		b.do(chromedp.Click("#back", chromedp.ByQuery))
		b.wantText("upstream")
	}
	for name, c := range map[string]struct {
		site   gatewaytest.Site
		signIn func(*tab)
		over   bool
		still  string
	}{
		"by password":                    {gatewaytest.Site{}, (*tab).signIn, false, ""},
		"by a provider with a sign-out":  {gatewaytest.Site{Bare: true, Options: with.Login("sso", "label Acme")}, provider, true, ""},
		"by a provider without":          {gatewaytest.Site{Bare: true, Options: without.Login("sso", "label Acme")}, provider, false, "You may still be signed in at Acme."},
		"by one of several ways to come": {gatewaytest.Site{Options: without.Login("sso", "label Acme")}, func(b *tab) { b.pressNamed("Continue with Acme"); provider(b) }, false, "You may still be signed in at Acme."},
	} {
		t.Run(name, func(t *testing.T) {
			g := gatewaytest.StartProcess(t, c.site)
			b := browse(t)
			b.do(chromedp.Navigate(g.URL + "/orders"))
			c.signIn(b)
			b.do(chromedp.Navigate(g.URL + "/auth/logout"))
			b.wantText("Sign out?")
			b.pressNamed("Sign out")
			if c.over {
				b.wantText("The provider")
				b.do(chromedp.Click("#back", chromedp.ByQuery))
			}
			b.wantText("You are signed out")
			if text := b.said(`document.body.innerText`); strings.Contains(text, "still be signed in") != (c.still != "") || !strings.Contains(text, c.still) {
				t.Errorf("the page says\n%s", text)
			}
		})
	}
	for name, over := range map[string]bool{"by password": false, "over a provider": true} {
		t.Run("and where it was asked for, it leads on, "+name, func(t *testing.T) {
			g := gatewaytest.StartProcess(t, gatewaytest.Site{Auth: "public /bye", Options: with.Login("sso", "label Acme")})
			b := browse(t)
			b.do(chromedp.Navigate(g.URL + "/orders"))
			if over {
				b.pressNamed("Continue with Acme")
				provider(b)
			} else {
				b.signIn()
			}
			b.do(chromedp.Navigate(g.URL + "/auth/logout?return_to=%2Fbye%3Fa%3D1"))
			b.wantText("Sign out?")
			b.pressNamed("Sign out")
			if over {
				b.wantText("The provider")
				b.do(chromedp.Click("#back", chromedp.ByQuery))
			}
			b.wantPath("/bye?a=1")
		})
	}
}
