package browsertest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// outOfReach is what npm says of a registry that it cannot get to.
var outOfReach = regexp.MustCompile(`ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT`)

// axeScript is axe-core as the lock in axe/ has it, fetched once a run. It is empty where
// a run of continuous integration cannot get it: what was not checked is noted then.
var axeScript = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "axe")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS("axe")); err != nil {
		return "", err
	}
	npm := exec.Command("npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = dir
	if printed, err := npm.CombinedOutput(); err != nil {
		notes := os.Getenv("SIDEGATE_NOT_CHECKED")
		if notes == "" || !outOfReach.Match(printed) {
			return "", fmt.Errorf("npm ci: %w\n%s", err, printed)
		}
		return "", note(notes, "NOT CHECKED: tests: the pages by axe-core: npm's registry cannot be reached from here\n")
	}
	script, err := os.ReadFile(filepath.Join(dir, "node_modules/axe-core/axe.min.js"))
	return string(script), err
})

func note(file, line string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(line)
	return err
}

// inScheme has the browser prefer light or dark from now on.
func (b *tab) inScheme(scheme string) {
	b.t.Helper()
	b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}))
}

// awaited has a script's promise waited for.
func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// violations are the rules of axe-core that the page breaks as it stands, each with the
// nodes that do.
func (b *tab) violations(script string) (found []string) {
	b.t.Helper()
	var said string
	if b.said(`typeof axe`) == "undefined" {
		b.do(chromedp.Evaluate(script+"; 0", nil))
	}
	b.do(chromedp.Evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => JSON.stringify(
		violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html, failureSummary }) => html.slice(0, 200) + " " + failureSummary) }))))`,
		&said, awaited))
	var violations []struct {
		ID, Help string
		Nodes    []string
	}
	if err := json.Unmarshal([]byte(said), &violations); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range violations {
		found = append(found, fmt.Sprintf("%s: %s, at %d:\n\t%s", v.ID, v.Help, len(v.Nodes), strings.Join(v.Nodes[:min(len(v.Nodes), 5)], "\n\t")))
	}
	return found
}

// axe fails the test for what axe-core finds in the page that the tab is at, in light and
// in dark.
func axe(t *testing.T, b *tab) {
	t.Helper()
	script, err := axeScript()
	if err != nil {
		t.Fatal(err)
	}
	if script == "" {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		b.inScheme(scheme)
		for _, violation := range b.violations(script) {
			t.Errorf("in %s: %s", scheme, violation)
		}
	}
}

// TestAxeFindsWhatIsWrong: a test that looks for violations proves nothing unless they
// are found.
func TestAxeFindsWhatIsWrong(t *testing.T) {
	script, err := axeScript()
	if err != nil || script == "" {
		t.Log(err)
		return
	}
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	b := open(t)
	b.do(chromedp.Navigate(p.URL+"/auth/login"), chromedp.Evaluate(`document.querySelector("label").remove()`, nil))
	if found := strings.Join(b.violations(script), "\n"); !strings.Contains(found, "label: ") {
		t.Errorf("of a field without a label it says %q", found)
	}
}
