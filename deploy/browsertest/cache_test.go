package browsertest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// newOldPage is an app whose one page is long unchanged and says nothing of
// caches, so that browsers keep it for months (RFC 9111, section 4.2.2).
func newOldPage(t *testing.T) (address string) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Last-Modified", "Mon, 02 Mar 2020 09:00:00 GMT")
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><html lang=en><title>Orders</title><link rel=icon href=data:,><p>The orders of today"))
	}))
	t.Cleanup(app.Close)
	return strings.TrimPrefix(app.URL, "http://")
}

func TestAPageIsNotShownFromTheBrowsersCacheAfterSignOut(t *testing.T) {
	g := gatewaytest.Start(t, gatewaytest.Site{Upstream: newOldPage(t)})
	b := browse(t)
	b.do(chromedp.Navigate(g.URL + "/orders"))
	b.wantFocus("email")
	b.keys(gatewaytest.Ada, kb.Tab, gatewaytest.Password, kb.Enter)
	b.wantText("The orders of today")

	b.do(chromedp.Navigate(g.URL + "/auth/logout"))
	b.wantText("Sign out?")
	b.keys(kb.Tab, kb.Enter)
	b.wantText("You are signed out")
	b.do(chromedp.Navigate(g.URL + "/orders"))
	b.wantText("Email address")
	b.wantPath("/auth/login?return_to=%2Forders")
}
