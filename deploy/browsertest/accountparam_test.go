package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// newLedger is an app that says for which account it was asked, by links and forms alone.
func newLedger(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<!doctype html><html lang=en><title>Ledger</title><link rel=icon href=data:,><h1>upstream</h1><p>%s %s?%s for %s"+
			"<form method=post><button>Book</button></form>", r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("X-Session-Account-Id"))
	}))
	t.Cleanup(s.Close)
	return s
}

// Two tabs with two accounts do not disturb each other, where no script sends a header.
func TestTwoTabsWorkForTwoAccountsByTheirAddresses(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "account_param account", Upstream: newLedger(t).URL})
	one := browse(t)
	one.do(chromedp.Navigate(p.URL + "/ledger?account=acme&of=7"))
	one.signIn()
	one.wantText("GET /ledger?of=7 for acme")
	other := one.another()
	other.do(chromedp.Navigate(p.URL + "/ledger?of=8&account=globex"))
	other.wantText("GET /ledger?of=8 for globex")
	for range 2 {
		for b, account := range map[*tab]string{one: "acme", other: "globex"} {
			b.do(chromedp.Click(`button`))
			b.wantText("POST /ledger?")
			b.wantText(" for " + account)
			b.do(chromedp.Navigate(p.URL + "/ledger?account=" + account))
			b.wantText("GET /ledger? for " + account)
		}
	}
	one.do(chromedp.Navigate(p.URL + "/ledger"))
	one.wantText(" for acme")
}
