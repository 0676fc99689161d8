package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// leader is an app whose every page leads on to another origin, as its own sign-in or
// its www. does, but for those below /edit, which have a form to /pay, below /file, which
// is a download, and /nothing, which is no page.
type leader struct {
	*httptest.Server
	elsewhere *httptest.Server
	paid      atomic.Int32
}

func newLeader(t *testing.T) *leader {
	t.Helper()
	l := new(leader)
	page := func(w http.ResponseWriter, title, rest string) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><html lang=en><title>%s</title><link rel=icon href=data:,><h1>%[1]s</h1>%s", title, rest)
	}
	l.elsewhere = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { page(w, "Another origin", "") }))
	t.Cleanup(l.elsewhere.Close)
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			l.paid.Add(1)
		}
		switch to, ok := strings.CutPrefix(r.URL.Path, "/edit"); {
		case ok:
			page(w, "To pay", fmt.Sprintf(`<p>upstream</p><form method=post action="%s"><input name=amount value=5><button>Pay</button></form>`, to))
		case r.URL.Path == "/nothing":
			w.WriteHeader(http.StatusNoContent)
		case r.URL.Path == "/file":
			w.Header().Set("Content-Disposition", "attachment; filename=receipt.txt")
			fmt.Fprint(w, "paid")
		default:
			http.Redirect(w, r, l.elsewhere.URL+"/", http.StatusSeeOther)
		}
	}))
	t.Cleanup(l.Close)
	return l
}

// Browsers hold a page's form-action against every redirect behind a post, and say
// nothing to who waits.
func TestFormsArriveWhereTheAppLeadsOnToAnotherOrigin(t *testing.T) {
	app := newLeader(t)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Upstream: app.URL, Cookie: "insecure", Localhost: true, Auth: "public /bye"})
	b := browse(t)
	address := strings.Replace(p.URL, "127.0.0.1", "localhost", 1)
	arrives := func(by string) {
		t.Helper()
		b.do(chromedp.Click(by, chromedp.ByQuery))
		b.wantText("Another origin")
	}

	b.do(chromedp.Navigate(address + "/auth/login?return_to=%2Fhome"))
	b.typeIn(gatewaytest.Ada, gatewaytest.Password)
	b.wantText("Another origin")
	b.do(chromedp.Navigate(address + "/auth/account?return_to=%2Fhome"))
	arrives(`button[value=globex]`)
	b.do(chromedp.Navigate(address + "/auth/logout?return_to=%2Fbye"))
	arrives(`button[type=submit]`)
}

// Whoever reads that nothing was sent presses again, and pays twice.
func TestAKeptFormThatIsSentSaysSo(t *testing.T) {
	app := newLeader(t)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Upstream: app.URL, Cookie: "insecure", Localhost: true})
	address := strings.Replace(p.URL, "127.0.0.1", "localhost", 1)
	for _, c := range []struct {
		name, to, shows string
		plain           bool // without scripts
	}{
		{"to what leads on to another origin", "/pay", "Another origin", false},
		{"to what leads on to another origin, without scripts", "/pay", "Another origin", true},
		{"to what has no page", "/nothing", "Your form is sent", false},
		{"to a download", "/file", "Your form is sent", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := browse(t)
			app.paid.Store(0)
			client := p.Client(t)
			client.SignIn(gatewaytest.Ada)
			b.do(chromedp.Navigate(address + "/auth/login?return_to=%2Fedit" + strings.ReplaceAll(c.to, "/", "%2F")))
			b.typeIn(gatewaytest.Ada, gatewaytest.Password)
			b.wantText("To pay")
			client.Do("DELETE", "/auth/sessions", "").Want(t, http.StatusNoContent)
			if c.plain {
				b.withoutScripts()
			}
			b.do(chromedp.Click(`button`, chromedp.ByQuery))
			b.wantText("Nothing was sent")

			again := b.another()
			again.do(chromedp.Navigate(address + "/auth/login?return_to=%2Fedit"))
			again.signIn()

			b.do(chromedp.Click(`button[type=submit]`, chromedp.ByQuery))
			b.wantText(c.shows)
			gatewaytest.Await(t, "the app is paid", func() bool { return app.paid.Load() == 1 })
			if !strings.HasPrefix(c.shows, "Your form") {
				return
			}
			if shown := b.said(`document.title + " " + document.body.innerText`); strings.Contains(shown, "Nothing was sent") || strings.Contains(shown, "Send again") {
				t.Errorf("the page still says\n%s", shown)
			}
			b.wantFocus("sent")
			if went := b.said(`(() => {
				let pressed;
				document.addEventListener("submit", e => { pressed = e; });
				document.forms[0].requestSubmit();
				return String(!pressed.defaultPrevented);
			})()`); went != "false" {
				t.Error("a second press sends it once more")
			}
		})
	}
}
