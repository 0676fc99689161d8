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

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// The demo's people and their password, as deploy/demo/users.yaml has them.
const (
	ada      = "ada@example.com"
	password = "sidegate-demo"
)

// startDemo runs the Caddyfile of the repository until the test ends, with its
// two ports exchanged for free ones and its folder for one of the test, and
// returns the gateway's origin.
func startDemo(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	p := gatewaytest.NewProcess(t, gatewaytest.Site{})
	gate, app := strconv.Itoa(p.Port), strconv.Itoa(gatewaytest.FreePort(t))
	edited := strings.NewReplacer(":8080", ":"+gate, ":8081", ":"+app, " .demo", " "+filepath.Join(p.Dir, "demo")).Replace(string(text))
	if strings.Count(edited, ":"+gate) < 2 || strings.Count(edited, ":"+app) < 2 || strings.Count(edited, p.Dir) < 2 {
		t.Fatal("the demo's Caddyfile has other ports than 8080 and 8081, or keeps things elsewhere than in .demo")
	}
	config := filepath.Join(p.Dir, "Caddyfile")
	gatewaytest.WriteFile(t, config, edited)
	cmd := gatewaytest.CaddyCommand(context.Background(), p.Dir, "run", "--adapter", "caddyfile", "--config", config)
	cmd.Dir = root // which the demo's paths begin at
	cmd.Env = append(cmd.Env, "CADDY_ADMIN="+p.Site.Admin)
	p.Run(cmd)
	t.Cleanup(p.Terminate)
	return p.URL
}

// Whoever tries the demo sees what apps and front ends get: another account in the
// headers, one's devices, a page that not everybody may see, and the document.
func TestTheDemoShowsAccountsDevicesAndAnAdminPage(t *testing.T) {
	origin := startDemo(t)
	b := browse(t)
	b.do(chromedp.Navigate(origin + "/auth/login"))
	b.wantFocus("email")
	b.keys(ada, kb.Tab, password, kb.Enter)
	b.wantText("Acme Ltd (the present one)")
	b.wantText("(this one)")
	b.do(chromedp.Click(`#accounts button`, chromedp.ByQuery))
	b.wantText("Globex (the present one)")
	b.do(chromedp.Click(`a[href="/admin/"]`, chromedp.ByQuery))
	b.wantText("Admin page")
	b.do(chromedp.Click(`a[href="/auth/session/swagger.yaml"]`, chromedp.ByQuery))
	b.wantText("title: Sidegate sessions")
	b.do(chromedp.Navigate(origin+"/"), chromedp.Click(`a[href="/auth/docs"]`, chromedp.ByQuery))
	b.wantText("Try it out as")
}
