package browsertest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// notes is an app with a form, and what has come of it.
type notes struct {
	*httptest.Server
	mu   sync.Mutex
	sent []string // method, address and body of each
}

const notesForm = `<!doctype html><html lang=en><title>A note</title><link rel=icon href=data:,><h1>A note</h1><p>upstream</p>
<form method=post action="/notes?of=7&x=%2F"><textarea name=note id=note></textarea><input name="tag[]" value="a &amp; b"><input name="tag[]" value='"<i>"'>
<input name=empty><input name=password value=hunter2><input type=hidden name=_charset_><button name=do value=save>Save</button></form>`

func newNotes(t *testing.T) *notes {
	t.Helper()
	n := new(notes)
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			n.mu.Lock()
			n.sent = append(n.sent, r.URL.RequestURI()+" "+string(body))
			n.mu.Unlock()
			fmt.Fprint(w, "<!doctype html><html lang=en><title>Saved</title><link rel=icon href=data:,><h1>It is saved</h1>")
			return
		}
		fmt.Fprint(w, notesForm)
	}))
	t.Cleanup(n.Close)
	return n
}

func (n *notes) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	sent := n.sent
	n.sent = nil
	return sent
}

// What somebody has typed while their session ended elsewhere is not lost: they sign in
// in a new tab, and send it.
func TestAFormOutlivesTheSession(t *testing.T) {
	app := newNotes(t)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Upstream: app.URL, Cookie: "insecure", Localhost: true})
	b := browse(t)
	address := strings.Replace(p.URL, "127.0.0.1", "localhost", 1)
	b.do(chromedp.Navigate(address + "/edit"))
	b.signIn()
	b.wantText("A note")

	// The same form, from who is signed in, is what the app is to get later.
	write := func() {
		b.do(chromedp.Focus("#note"))
		b.keys("Zwölf Äpfel", kb.Enter, "</textarea><script>alert(1)</script> & 100 % ✓")
		b.do(chromedp.Click(`button`))
	}
	write()
	b.wantText("It is saved")
	whole := app.take()

	b.do(chromedp.Navigate(address + "/edit"))
	b.wantText("A note")
	elsewhere := p.Client(t)
	elsewhere.SignIn(gatewaytest.Ada)
	elsewhere.Do("DELETE", "/auth/sessions", "").Want(t, 204)
	write()
	b.wantText("Nothing was sent")
	b.wantText("</textarea><script>alert(1)</script> & 100 % ✓")
	if sent := app.take(); len(sent) > 0 {
		t.Fatalf("the app got %q", sent)
	}

	opened := chromedp.WaitNewTarget(b, func(i *target.Info) bool { return strings.Contains(i.URL, "/auth/login") })
	b.do(chromedp.Click(`a[target=_blank]`))
	ctx, leave := chromedp.NewContext(b, chromedp.WithTargetID(<-opened))
	defer leave()
	login := &tab{Context: ctx, t: t}
	login.wantText("Password")
	login.signIn()
	login.wantText("A note") // the page that the form was on

	b.do(chromedp.Click(`button[type=submit]`))
	b.wantText("It is saved")
	want := strings.Replace(whole[0], "&password=hunter2", "", 1)
	if sent := app.take(); len(sent) != 1 || sent[0] != want || want == whole[0] {
		t.Errorf("the app got\n%q\nand not\n%q", sent, want)
	}
}
