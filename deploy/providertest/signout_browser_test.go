package providertest

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/standin"
)

// TestAnIDTokenTooLongForAnAddressIsPostedByABrowser goes from the gateway at
// localhost to a provider at 127.0.0.1 and back: browsers hold the page's policy
// against each stop of the way.
func TestAnIDTokenTooLongForAnAddressIsPostedByABrowser(t *testing.T) {
	t.Parallel()
	for name, scripts := range map[string]bool{"by itself": true, "by its button, without scripts": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := standin.Start(standin.Quirks{Claims: object{"groups": groupsOf(60)}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Close)
			g := startGateway(t, gatewaytest.Site{Localhost: true, Options: block("login oidc sso",
				"issuer "+p.Issuer(), "client_id "+standin.ClientID, "client_secret "+standin.ClientSecret)})
			g.URL = fmt.Sprintf("http://localhost:%d", g.Port)
			b := openChromium(t)
			b.do(emulation.SetScriptExecutionDisabled(!scripts))
			b.do(chromedp.Navigate(g.URL + "/auth/login/sso"))
			b.wantText("upstream")
			b.do(chromedp.Navigate(g.URL + "/auth/logout"))
			b.wantText("Sign out?")
			b.do(chromedp.Click(`button[type="submit"]`))
			if !scripts {
				b.wantText("You may still be signed in at the service by which you came in.")
				if p.Posted() != nil {
					t.Error("the page has posted by itself")
				}
				b.do(chromedp.Click(`button[type="submit"]`))
			}
			gatewaytest.Await(t, "the provider is told", func() bool { return p.Posted() != nil }, b.text)
			b.wantText("You are signed out")
			b.wantAt(g.URL + "/auth/logout")
			if hint := p.Posted().Get("id_token_hint"); len(hint) < 2000 {
				t.Errorf("the hint has %d bytes", len(hint))
			}
			b.wantNoComplaint()
		})
	}
}
