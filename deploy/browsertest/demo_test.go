package browsertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "example.com/sidegate/caddymodule"
)

// runAsCaddy makes the test binary the gateway itself, a process of its own as
// in operation.
const runAsCaddy = "SIDEGATE_TEST_RUN_AS_CADDY"

func TestMain(m *testing.M) {
	if os.Getenv(runAsCaddy) != "" {
		caddycmd.Main()
		return
	}
	os.Exit(m.Run())
}

// patience bounds every wait; only a test that fails waits so long.
const patience = 30 * time.Second

// The demo's people and their password, as deploy/demo/users.yaml has them.
const (
	ada      = "ada@example.com"
	password = "sidegate-demo"
)

// startDemo runs the Caddyfile of the repository, with its two ports exchanged
// for free ones, and returns the gateway's origin.
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
	gate, app, admin := freePort(t), freePort(t), freePort(t)
	config := filepath.Join(t.TempDir(), "Caddyfile")
	edited := strings.NewReplacer(":8080", ":"+gate, ":8081", ":"+app).Replace(string(text))
	if strings.Count(edited, ":"+gate) < 2 || strings.Count(edited, ":"+app) < 2 {
		t.Fatal("the demo's Caddyfile has other ports than 8080 and 8081")
	}
	if err := os.WriteFile(config, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	runGateway(t, root, config, "127.0.0.1:"+admin)
	origin := "http://127.0.0.1:" + gate
	waitFor(t, "the demo", func() bool { return answers(origin + "/healthz") })
	return origin
}

// runGateway runs this binary as Caddy until the test ends, and shows what it
// printed when the test has failed.
func runGateway(t *testing.T, dir, config, admin string) {
	t.Helper()
	data := t.TempDir()
	printed := new(output)
	cmd := exec.Command(os.Args[0], "run", "--config", config, "--adapter", "caddyfile") // #nosec G204 -- this very binary
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), runAsCaddy+"=1", "CADDY_ADMIN="+admin, "XDG_DATA_HOME="+data, "XDG_CONFIG_HOME="+data)
	cmd.Stdout, cmd.Stderr = printed, printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the gateway ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the gateway printed:\n%s", printed)
		}
	})
}

// output gathers what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

func answers(url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

// waitFor asks until the condition holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
