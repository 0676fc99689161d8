package browsertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// startSealed runs a gateway whose records are sealed with the former secret,
// and returns what changes it for another one.
func startSealed(t *testing.T) (origin string, change func()) {
	t.Helper()
	secret := fmt.Sprintf("secret %q\n", gatewaytest.FormerSecret)
	g := gatewaytest.StartProcess(t, gatewaytest.Site{Options: secret})
	return g.URL, func() {
		g.Site.Options = strings.Replace(g.Site.Options, gatewaytest.FormerSecret, gatewaytest.PresentSecret, 1)
		g.Reload()
	}
}

// signIn fills the login page in, and waits until it is left.
func (b *tab) signIn() {
	b.t.Helper()
	b.wantText("Email address")
	b.do(chromedp.Focus("#email"))
	b.keys(gatewaytest.Ada, kb.Tab, gatewaytest.Password, kb.Enter)
	b.wantText("upstream")
}

// cookieCount is how many cookies the browser has for the site, but for the word
// that a sign-in at a provider has just succeeded, which goes by itself.
func (b *tab) cookieCount() int {
	b.t.Helper()
	var cookies []*network.Cookie
	b.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		cookies, err = network.GetCookies().Do(ctx)
		return err
	}))
	cookies = slices.DeleteFunc(cookies, func(c *network.Cookie) bool { return strings.HasSuffix(c.Name, "-attempt-succeeded") })
	return len(cookies)
}

// The page for a session that no secret opens has a way on: its button, reached
// by keyboard, leads over the login page back to what was asked for.
func TestWhoseSessionCannotBeReadSignsInAgainByKeyboard(t *testing.T) {
	origin, changeSecret := startSealed(t)
	b := open(t)
	b.do(chromedp.Navigate(origin + "/orders?page=2"))
	b.signIn()
	changeSecret()

	b.do(chromedp.Navigate(origin + "/orders?page=2"))
	b.wantText("Your session cannot be read")
	if n := b.cookieCount(); n != 1 {
		t.Errorf("the browser has %d cookies; want the one that may be good again", n)
	}
	b.keys(kb.Tab)
	b.wantFocus("submit")
	b.keys(kb.Enter)
	b.wantText("Email address")
	b.wantPath("/auth/login?return_to=%2Forders%3Fpage%3D2")
	if n := b.cookieCount(); n != 0 {
		t.Errorf("the browser keeps %d cookies", n)
	}
	b.signIn()
	b.wantPath("/orders?page=2")
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		if !strings.Contains(c, "503") { // that there was one is no fault of the page
			t.Errorf("the browser complains: %s", c)
		}
	}
}
