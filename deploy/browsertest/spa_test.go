package browsertest

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// startSPA runs the Caddyfile of the single-page app, at a free port.
func startSPA(t *testing.T) *gatewaytest.Process {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy/caddyfiles/spa.Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	p := gatewaytest.NewProcess(t, gatewaytest.Site{})
	edited := strings.NewReplacer(":8080 {", ":"+strconv.Itoa(p.Port)+" {", "../demo/users.yaml", "deploy/demo/users.yaml",
		"\tsidegate {", "\tadmin "+p.Site.Admin+"\n\tpersist_config off\n\tsidegate {").Replace(string(text))
	config := filepath.Join(p.Dir, "Caddyfile")
	gatewaytest.WriteFile(t, config, edited)
	p.URL = strings.Replace(p.URL, "127.0.0.1", "localhost", 1)
	cmd := gatewaytest.CaddyCommand(context.Background(), p.Dir, "run", "--adapter", "caddyfile", "--config", config)
	cmd.Dir = root // which the app's files are named from
	p.Run(cmd)
	return p
}

// wantIn waits until that part of the page shows the text.
func (b *tab) wantIn(id, text string) {
	b.t.Helper()
	b.await("#"+id+" shows "+text, `(document.getElementById("`+id+`") ?? { innerText: "" }).innerText`,
		func(shown string) bool { return strings.Contains(shown, text) })
}

// press presses the button that says so, once it is there.
func (b *tab) press(label string) {
	b.t.Helper()
	b.await("there is a button "+label, `"" + [...document.querySelectorAll("button")].some((b) => b.textContent === "`+label+`" && b.offsetParent)`,
		func(there string) bool { return there == "true" })
	b.do(chromedp.Evaluate(`[...document.querySelectorAll("button")].find((b) => b.textContent === "`+label+`").click()`, nil))
}

// signInAsAda does so from the app's page, and comes back to it.
func (b *tab) signInAsAda(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
	b.wantIn("status", "You are not signed in.")
	b.press("Sign in")
	b.wantFocus("email")
	b.keys(ada, kb.Tab, password, kb.Enter)
	b.wantIn("status", "You are signed in.")
}

func TestTheSinglePageApp(t *testing.T) {
	p := startSPA(t)
	one := browse(t)
	one.signInAsAda(p.URL + "/?page=2")
	one.wantPath("/?page=2")
	one.wantIn("email", ada)
	one.wantIn("roles", "admin, editor, viewer")
	one.wantIn("since", "2026")
	one.wantIn("account", "acme")
	one.wantIn("orders", "12 apples")
	one.press("Place an order")
	one.wantIn("answer", "Ordered.")
	one.press("Look up my roles again")
	one.wantIn("answer", "Looked up.")

	t.Run("two tabs with two accounts do not disturb each other", func(t *testing.T) {
		other := one.another()
		other.do(chromedp.Navigate(p.URL + "/"))
		other.wantIn("account", "acme")
		other.press("In this tab")
		other.wantIn("account", "globex")
		other.wantIn("accounts", "Globex (the present one)")
		// What one does the other is told of, and acts for its own account still.
		for _, b := range []*tab{one, other} {
			b.do(chromedp.Evaluate(`document.getElementById("answer").textContent = ""`, nil))
			b.press("Look up my roles again")
			b.wantIn("answer", "Looked up.")
		}
		one.do(chromedp.Reload())
		other.do(chromedp.Reload())
		one.wantIn("account", "acme")
		one.wantIn("accounts", "Acme Ltd (the present one)")
		other.wantIn("account", "globex")
		other.wantIn("accounts", "Globex (the present one)")
	})
	t.Run("and an account for all tabs is that of those that have chosen none", func(t *testing.T) {
		third := one.another()
		third.do(chromedp.Navigate(p.URL + "/"))
		third.wantIn("account", "acme")
		third.press("In all tabs")
		third.wantIn("account", "globex")
		one.wantIn("account", "globex")
	})
	t.Run("whoever signs out in one tab is signed out in all", func(t *testing.T) {
		other := one.another()
		other.do(chromedp.Navigate(p.URL + "/"))
		other.wantIn("status", "You are signed in.")
		one.press("Sign out")
		one.wantIn("status", "You are not signed in.")
		other.wantIn("status", "You are not signed in.")
	})
}

// cut takes the network away, or gives it back.
func (b *tab) cut(gone bool) {
	b.t.Helper()
	b.do(chromedp.ActionFunc(func(ctx context.Context) error {
		rules := []*network.Conditions{{Offline: gone, DownloadThroughput: -1, UploadThroughput: -1}}
		if _, err := network.EmulateNetworkConditionsByRule(rules).Do(ctx); err != nil {
			return err
		}
		return network.OverrideNetworkState(gone, 0, -1, -1).Do(ctx)
	}))
}

func TestTheSinglePageAppSaysThatItCannotTell(t *testing.T) {
	const stale = "The gateway cannot be reached."
	p := startSPA(t)
	b := open(t) // it complains of requests that fail
	b.signInAsAda(p.URL + "/")
	t.Run("while the network is gone", func(t *testing.T) {
		b.cut(true)
		b.wantIn("status", stale)
		b.wantIn("email", ada)
		b.cut(false)
		b.wantIn("status", "You are signed in.")
	})
	t.Run("while the gateway is", func(t *testing.T) {
		p.Kill()
		b.press("Look up my roles again")
		b.wantIn("answer", "That did not work")
		b.wantIn("status", stale)
		b.wantIn("email", ada)
	})
}
