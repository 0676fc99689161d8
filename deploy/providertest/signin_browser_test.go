package providertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
)

// TestSigningInAndOutInABrowser goes the whole way in a real browser. The
// gateway is at localhost and the provider at 127.0.0.1: two sites, so that
// what cookies and policies keep from other sites is kept from them.
func TestSigningInAndOutInABrowser(t *testing.T) {
	t.Parallel()
	for name, cookie := range map[string]string{
		"with a cookie that comes along from other sites": "same_site lax",
		// A strict one is held back at the end of a way that began elsewhere.
		"with a cookie that does not": "same_site strict",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signInAndOut(t, cookie)
		})
	}
}

func signInAndOut(t *testing.T, cookie string) {
	t.Helper()
	app := startLegacy(t)
	s := newShop(t, provider.Config{}, gatewaytest.Site{Upstream: app.URL(), Options: usersLogin(t), Cookie: cookie, Localhost: true}, `label "Acme"`)
	s.URL = fmt.Sprintf("http://localhost:%d", s.Port)
	register(s.provider, s.client, "keycloak", s.Process)
	s.Start()
	b := openChromium(t)

	b.do(chromedp.Navigate(s.URL + legacy.PublicPath + "?page=2"))
	b.wantText("Continue with Acme")
	b.do(chromedp.Click(`//a[contains(., "Continue with Acme")]`, chromedp.BySearch))
	b.wantText("Who are you?")
	b.wantAt(s.provider.Issuer() + "/")
	b.do(chromedp.Click(`button[value="` + adaAddress + `"]`))
	b.wantText("X-Session-Email")
	b.wantAt(s.URL + legacy.PublicPath + "?page=2")
	shown := b.appPage()
	if got := shown.Header.Get("X-Session-Email"); got != adaAddress {
		t.Errorf("the app knows %q", got)
	}
	// The address that the browser came from had a code in it (RFC 9700 section 4.2.4).
	if got := shown.Header.Get("Referer"); strings.Contains(got, "code=") || strings.Contains(got, "state=") {
		t.Errorf("the app was told %s", got)
	}

	b.do(chromedp.Navigate(s.URL + "/auth/logout"))
	b.wantText("Sign out?")
	b.do(chromedp.Click(`button[type="submit"]`))
	b.wantText("You are signed out")
	b.wantAt(s.URL + "/auth/logout")
	if n := len(s.provider.Sessions(adaSubject)); n != 0 {
		t.Errorf("%d sessions are left at the provider", n)
	}
	b.do(chromedp.Navigate(s.URL + legacy.PublicPath))
	b.wantText("Continue with Acme")

	t.Run("and who refuses there is told so, and may try again", func(t *testing.T) {
		b.do(chromedp.Click(`//a[contains(., "Continue with Acme")]`, chromedp.BySearch))
		b.wantText("Who are you?")
		b.do(chromedp.Click("#deny"))
		b.wantText("was cancelled or not allowed. Try again")
		b.do(chromedp.Click(`//a[contains(., "Continue with Acme")]`, chromedp.BySearch))
		b.wantText("Who are you?")
	})
	b.wantNoComplaint()
}

// chromium is a tab of headless Chromium, and what it complained of.
type chromium struct {
	context.Context
	t          *testing.T
	mu         sync.Mutex
	complaints []string
}

// openChromium runs one with a profile of its own until the test ends.
func openChromium(t *testing.T) *chromium {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not on PATH: install it, or run ./xcaddy.sh test, which does")
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.UserDataDir(gatewaytest.BusyFolder(t)),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	t.Cleanup(stop)
	ctx, bound := context.WithTimeout(ctx, 2*gatewaytest.Patience)
	t.Cleanup(bound)
	ctx, leave := chromedp.NewContext(ctx)
	t.Cleanup(leave)
	b := &chromium{Context: ctx, t: t}
	chromedp.ListenTarget(ctx, b.listen)
	b.do(log.Enable(), audits.Enable(), runtime.Enable())
	return b
}

func (b *chromium) listen(event any) {
	complaint := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		complaint = "exception: " + e.ExceptionDetails.Error()
	case *log.EventEntryAdded:
		// That a refusal is answered with 401 is no fault of the page.
		if e.Entry.Source != log.SourceNetwork || !strings.Contains(e.Entry.Text, "401") {
			complaint = fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		if e.Issue.Code == audits.InspectorIssueCodeContentSecurityPolicyIssue {
			complaint = fmt.Sprintf("violates %s", e.Issue.Details.ContentSecurityPolicyIssueDetails.ViolatedDirective)
		}
	}
	if complaint != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.complaints = append(b.complaints, complaint)
	}
}

func (b *chromium) wantNoComplaint() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("the browser complains: %s", c)
	}
}

func (b *chromium) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// text is what the page shows now. While a page goes and the next comes there
// is none.
func (b *chromium) text() (shown string) {
	_ = chromedp.Run(b, chromedp.Evaluate(`document.body ? document.body.innerText : ""`, &shown))
	return shown
}

func (b *chromium) wantText(text string) {
	b.t.Helper()
	gatewaytest.Await(b.t, fmt.Sprintf("the page shows %q", text), func() bool { return strings.Contains(b.text(), text) }, b.text)
}

// wantAt demands that the page's address begins so.
func (b *chromium) wantAt(want string) {
	b.t.Helper()
	var at string
	b.do(chromedp.Evaluate(`location.href`, &at))
	if !strings.HasPrefix(at, want) {
		b.t.Errorf("the browser is at %s, want %s", at, want)
	}
}

// appPage is what the app behind the gateway was sent.
func (b *chromium) appPage() (shown legacy.Page) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(b.text()), &shown); err != nil {
		b.t.Fatalf("no page of the app: %v", err)
	}
	return shown
}
