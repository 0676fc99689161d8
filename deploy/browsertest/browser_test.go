package browsertest

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tab is a tab of a browser that has been nowhere yet, and what it complained of.
type tab struct {
	context.Context
	t  *testing.T
	mu sync.Mutex
	// complaints are errors in the console, exceptions, and issues such as
	// violations of the Content-Security-Policy.
	complaints []string
}

// browse opens a browser, and fails the test when it complained of anything.
func browse(t *testing.T) *tab {
	t.Helper()
	b := open(t)
	t.Cleanup(b.wantNoComplaint)
	return b
}

// open opens a browser with a profile of its own until the test ends; flags are
// further ones.
func open(t *testing.T, flags ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not on PATH: install it, or run ./xcaddy.sh test, which does")
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), append(flags,
		chromedp.ExecPath(path), chromedp.UserDataDir(gatewaytest.BusyFolder(t)),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))...)
	t.Cleanup(stop)
	ctx, bound := context.WithTimeout(ctx, 2*gatewaytest.Patience)
	t.Cleanup(bound)
	ctx, leave := chromedp.NewContext(ctx)
	t.Cleanup(leave)
	b := &tab{Context: ctx, t: t}
	chromedp.ListenTarget(ctx, b.listen)
	b.do(log.Enable(), audits.Enable(), network.Enable(), runtime.Enable())
	return b
}

func (b *tab) listen(event any) {
	complaint := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		complaint = "exception: " + e.ExceptionDetails.Error()
	case *runtime.EventConsoleAPICalled:
		complaint = fmt.Sprintf("console: %s", e.Type)
		for _, arg := range e.Args {
			complaint += fmt.Sprintf(" %s%s", arg.Value, arg.Description)
		}
	case *log.EventEntryAdded:
		// That a wrong password is answered with 401 is no fault of the page.
		if e.Entry.Source != log.SourceNetwork || !strings.Contains(e.Entry.Text, "401") {
			complaint = fmt.Sprintf("%s %s: %s", e.Entry.Source, e.Entry.Level, e.Entry.Text)
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

func (b *tab) wantNoComplaint() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("the browser complains: %s", c)
	}
}

func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// keys types as a person without a mouse does: into whatever has the focus.
func (b *tab) keys(text ...string) {
	b.t.Helper()
	for _, k := range text {
		b.do(chromedp.KeyEvent(k))
	}
}

// await waits until what the script says of the page is so. While a page goes and
// the next comes there is nothing to ask, and a page that shows its text may yet
// have to put the focus where it belongs.
func (b *tab) await(what, script string, holds func(said string) bool) {
	b.t.Helper()
	said := ""
	gatewaytest.Await(b.t, what, func() bool {
		return chromedp.Run(b, chromedp.Evaluate(script, &said)) == nil && holds(said)
	}, func() string { return said })
}

// wantText waits until the page shows the text.
func (b *tab) wantText(text string) {
	b.t.Helper()
	b.await(fmt.Sprintf("the page shows %q", text), `document.body ? document.body.innerText : ""`,
		func(shown string) bool { return strings.Contains(shown, text) })
}

// wantPath waits until the browser is there.
func (b *tab) wantPath(want string) {
	b.t.Helper()
	b.await("the browser is at "+want, `location.pathname + location.search`, func(at string) bool { return at == want })
}

// wantFocus waits until that has the focus.
func (b *tab) wantFocus(want string) {
	b.t.Helper()
	b.await("the focus is on "+want, `document.activeElement.id || document.activeElement.type || document.activeElement.tagName`,
		func(has string) bool { return has == want })
}

func TestSigningInAndOutByKeyboard(t *testing.T) {
	origin := startDemo(t)
	b := browse(t)

	b.do(chromedp.Navigate(origin + "/orders?page=2"))
	b.wantText("Password")
	b.wantPath("/auth/login?return_to=%2Forders%3Fpage%3D2")
	b.wantFocus("email")
	b.keys(ada, kb.Tab)
	b.wantFocus("password")
	b.keys("not the password", kb.Enter)

	b.wantText("The email address or the password is not right.")
	b.wantFocus("password")
	var role, typed string
	b.do(chromedp.Evaluate(`document.getElementById(document.activeElement.getAttribute("aria-describedby")).getAttribute("role")`, &role),
		chromedp.Evaluate(`document.getElementById("email").value + document.getElementById("password").value`, &typed))
	if role != "alert" || typed != ada {
		t.Errorf("the failure has the role %q, and the fields say %q", role, typed)
	}
	b.keys(password, kb.Tab)
	b.wantFocus("reveal")
	b.keys(kb.Tab)
	b.wantFocus("submit")
	b.keys(kb.Enter)

	b.wantText("Hello, " + ada)
	b.wantPath("/orders?page=2")
	b.wantText("X-Session-User-Id")

	t.Run("scripts cannot read the session cookie", func(t *testing.T) {
		var cookies string
		b.do(chromedp.Evaluate(`document.cookie`, &cookies))
		if cookies != "" {
			t.Errorf("a script reads %d bytes of cookies", len(cookies))
		}
	})
	b.do(chromedp.Navigate(origin + "/auth/login"))
	b.wantText("You are signed in as " + ada)

	b.do(chromedp.Navigate(origin + "/auth/logout"))
	b.wantText("Sign out?")
	b.keys(kb.Tab)
	b.wantFocus("submit")
	b.keys(kb.Enter)
	b.wantText("You are signed out")
	b.do(chromedp.Navigate(origin + "/orders"))
	b.wantText("Email address")
	b.wantPath("/auth/login?return_to=%2Forders")
}

// TestPagesFollowTheSchemeOfThePerson looks at the colours that are painted.
func TestPagesFollowTheSchemeOfThePerson(t *testing.T) {
	origin := startDemo(t)
	b := browse(t)
	for _, path := range []string{"/auth/login", "/auth/logout"} {
		seen := make(map[string]bool)
		for _, scheme := range []string{"light", "dark"} {
			var paper, ink string
			b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
				chromedp.Navigate(origin+path),
				chromedp.Evaluate(`getComputedStyle(document.body).backgroundColor`, &paper),
				chromedp.Evaluate(`getComputedStyle(document.querySelector("h1")).color`, &ink))
			if lighter := brightness(t, paper) > brightness(t, ink); lighter != (scheme == "light") {
				t.Errorf("%s in %s: %s on %s", path, scheme, ink, paper)
			}
			seen[paper] = true
		}
		if len(seen) != 2 {
			t.Errorf("%s looks alike in light and dark", path)
		}
	}
}

// brightness is the sum of the channels of a computed colour.
func brightness(t *testing.T, colour string) int {
	t.Helper()
	var r, g, b int
	if _, err := fmt.Sscanf(colour, "rgb(%d, %d, %d)", &r, &g, &b); err != nil {
		t.Fatalf("colour %q: %v", colour, err)
	}
	return r + g + b
}

// TestTheBrowserTellsOfViolations: a test that looks for complaints proves
// nothing unless complaints are heard.
func TestTheBrowserTellsOfViolations(t *testing.T) {
	origin := startDemo(t)
	b := open(t)
	b.do(chromedp.Navigate(origin+"/auth/login"),
		chromedp.Evaluate(`{ const s = document.createElement("style"); s.textContent = "h1{color:red}"; document.head.append(s); 0 }`, nil))
	heard := func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.complaints) > 0
	}
	gatewaytest.Await(t, "the browser complains", heard)
}
