package browsertest

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// newPostingProvider is a provider whose answer the browser posts from a page of
// its site, which is another than the gateway's: the attempt's cookie stays at home.
func newPostingProvider(t *testing.T) *gatewaytest.IDP {
	t.Helper()
	p := gatewaytest.NewIDP(t)
	inner := p.Config.Handler
	p.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/authorize" {
			inner.ServeHTTP(w, r)
			return
		}
		asked := r.URL.Query()
		answer, err := url.Parse(p.Consent(t, p.URL+r.URL.RequestURI()))
		if err != nil || asked.Get("response_mode") != "form_post" {
			t.Errorf("the provider is asked by %s (%v)", r.URL, err)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<!doctype html><html lang=en><title>Acme</title><link rel=icon href=data:,><p>Is it you?<form method=post action=\"%s\">", html.EscapeString(asked.Get("redirect_uri")))
		for name := range answer.Query() {
			fmt.Fprintf(w, "<input type=hidden name=%q value=\"%s\">", name, html.EscapeString(answer.Query().Get(name)))
		}
		fmt.Fprint(w, "<button>Yes</button></form>")
	})
	return p
}

func TestAnAnswerInAFormSignsIn(t *testing.T) {
	p := newPostingProvider(t)
	g := gatewaytest.StartProcess(t, gatewaytest.Site{
		Bare: true, Options: p.Login("sso", "response_mode form_post"), Cookie: "same_site lax", Localhost: true, Name: plainName,
	})
	at := strings.Replace(g.URL, "127.0.0.1", "localhost", 1) // another site than the provider's
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("with scripts %v", script), func(t *testing.T) {
			b := browse(t)
			b.do(emulation.SetScriptExecutionDisabled(!script), chromedp.Navigate(at+"/orders?page=2"))
			b.wantText("Is it you?")
			b.keys(kb.Tab, kb.Enter)
			if !script {
				b.wantText("Signing you in")
				b.keys(kb.Tab, kb.Enter)
			}
			b.wantText("upstream")
			b.wantPath("/orders?page=2")
		})
	}
}
