package browsertest

import (
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A browser holds a field of type=email against what people call themselves, and
// sends nothing.
func TestSigningInByAUserName(t *testing.T) {
	people := filepath.Join(t.TempDir(), "people.yaml")
	gatewaytest.WriteFile(t, people, strings.Replace(gatewaytest.UsersFile, "email: ada@example.com\n", "email: ada@example.com\n    username: ada\n", 1))
	for name, c := range map[string]struct{ label, shown string }{
		"which the page asks for":             {"", "User name or email address"},
		"under the name that it is given":     {"label \"Staff number\"", "Staff number"},
		"and an address is one of them still": {"", "User name or email address"},
	} {
		t.Run(name, func(t *testing.T) {
			g := gatewaytest.StartProcess(t, gatewaytest.Site{Bare: true, Options: "login users " + people + " {\n" + c.label + "\n}\n"})
			typed := "ada"
			if strings.Contains(name, "address") {
				typed = gatewaytest.Ada
			}
			b := browse(t)
			b.do(chromedp.Navigate(g.URL + "/orders"))
			b.wantText(c.shown)
			b.wantFocus("username")
			b.keys(typed, kb.Tab, "not the password", kb.Enter)
			b.wantText("The name or the password is not right.")
			b.wantFocus("password")
			b.do(chromedp.Evaluate(`document.getElementById("username").value = ""`, nil), chromedp.Focus("#username", chromedp.ByQuery))
			b.keys(strings.ToUpper(typed), kb.Tab, gatewaytest.Password, kb.Enter)
			b.wantText("upstream")
			b.wantPath("/orders")
			b.do(chromedp.Navigate(g.URL + "/auth/login"))
			b.wantText("You are signed in as ada")
		})
	}
}
