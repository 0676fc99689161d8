package browsertest

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// startExample runs a shipped Caddyfile of several hosts, at a free port.
func startExample(t *testing.T, file string) *gatewaytest.Process {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy/caddyfiles", file))
	if err != nil {
		t.Fatal(err)
	}
	p := gatewaytest.NewProcess(t, gatewaytest.Site{})
	config := filepath.Join(p.Dir, "Caddyfile")
	gatewaytest.WriteFile(t, config, strings.NewReplacer(":8080", ":"+strconv.Itoa(p.Port), "../demo/users.yaml", filepath.Join(root, "deploy/demo/users.yaml"),
		"\tsidegate {", "\tadmin "+p.Site.Admin+"\n\tpersist_config off\n\tsidegate {").Replace(string(text)))
	p.Run(gatewaytest.CaddyCommand(context.Background(), p.Dir, "run", "--adapter", "caddyfile", "--config", config))
	return p
}

// passLogin signs ada in on the page that a site has led to.
func (b *tab) passLogin(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
	b.wantFocus("email")
	b.keys(ada, kb.Tab, password, kb.Enter)
}

// A browser, and it alone, says whether a script may ask another host.
func TestThePageAsksTheAPIAtAnotherHost(t *testing.T) {
	p := startExample(t, "api-host.Caddyfile")
	b := browse(t)
	b.passLogin("http://app.localhost:" + strconv.Itoa(p.Port) + "/")
	b.wantText(`The API says: {"orders": ["12 apples"], "of": "ada@example.com"}`)
}

// A browser, and it alone, says which hosts a cookie of a domain goes to.
func TestOneSignInForSeveralSites(t *testing.T) {
	p := startExample(t, "several-sites.Caddyfile")
	site := func(name string) string { return "http://" + name + ".acme.localhost:" + strconv.Itoa(p.Port) + "/" }
	b := browse(t)
	b.passLogin(site("wiki"))
	b.wantText("The wiki knows ada@example.com.")
	other := b.another()
	other.do(chromedp.Navigate(site("orders")))
	other.wantText("The orders of ada@example.com.")
	other.signsOut("http://orders.acme.localhost:" + strconv.Itoa(p.Port))
	b.do(chromedp.Navigate(site("wiki")))
	b.wantText("Email address")
}
