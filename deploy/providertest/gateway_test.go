package providertest

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
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
	// Most tests wait for a pause or a time-out and need no processor meanwhile.
	_ = flag.Set("test.parallel", "8") // what the command line says comes later, and wins
	flag.Parse()
	os.Exit(m.Run())
}

// patience bounds every wait for another process; only a test that fails waits
// so long.
const patience = 60 * time.Second

// gateway is the real one, in a process of its own.
type gateway struct {
	t      *testing.T
	site   site
	dir    string // of its data and its Caddyfile
	port   string
	origin string // http://127.0.0.1:port
	cmd    *exec.Cmd
	exited chan struct{}
	log    output
}

// newGateway takes a port for a gateway, so that its origin can be registered
// before it starts.
func newGateway(t *testing.T, s site) *gateway {
	t.Helper()
	g := &gateway{t: t, site: s, dir: t.TempDir(), port: freePort(t)}
	g.origin = "http://127.0.0.1:" + g.port
	t.Cleanup(g.cleanUp)
	return g
}

// startGateway runs a gateway until the test ends.
func startGateway(t *testing.T, s site) *gateway {
	t.Helper()
	g := newGateway(t, s)
	g.start()
	return g
}

// start runs the process and waits until it answers, for which neither a store
// nor a provider is needed.
func (g *gateway) start() {
	g.t.Helper()
	g.run(g.caddy(context.Background(), "run", "--adapter", "caddyfile", "--config", g.writeCaddyfile()))
}

// run is start with a command of the test's own.
func (g *gateway) run(cmd *exec.Cmd) {
	g.t.Helper()
	cmd.Stdout, cmd.Stderr = &g.log, &g.log
	if err := cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state says how it ended
		close(exited)
	}()
	g.cmd, g.exited = cmd, exited
	waitFor(g.t, "the gateway", func() bool {
		select {
		case <-exited:
			g.t.Fatalf("the gateway ended (%v) before it answered", cmd.ProcessState)
		default:
		}
		resp, err := http.Get(g.origin + "/auth/.well-known/jwks.json")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
}

// validate says what `caddy validate` says of the site, and its exit code.
func (g *gateway) validate() (said string, code int) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := g.caddy(ctx, "validate", "--adapter", "caddyfile", "--config", g.writeCaddyfile())
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || ctx.Err() != nil {
		g.t.Fatalf("caddy validate: %v\n%s", err, out)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (g *gateway) writeCaddyfile() string {
	g.t.Helper()
	file := filepath.Join(g.dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(g.site.caddyfile(g)), 0o600); err != nil {
		g.t.Fatal(err)
	}
	return file
}

// caddy is this test binary as the caddy command, with folders of its own.
func (g *gateway) caddy(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...) // #nosec G204 -- this very binary
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), runAsCaddy+"=1", "HOME="+g.dir,
		"XDG_DATA_HOME="+filepath.Join(g.dir, "data"), "XDG_CONFIG_HOME="+filepath.Join(g.dir, "config"))
	return cmd
}

// stop ends the process in good order and waits until it has; it can be
// started again, at the same port and with its data.
func (g *gateway) stop() {
	g.t.Helper()
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		g.t.Fatal(err)
	}
	select {
	case <-g.exited:
	case <-time.After(patience):
		g.t.Fatal("the gateway goes on after SIGTERM")
	}
	if !g.cmd.ProcessState.Success() {
		g.t.Fatalf("after SIGTERM the gateway ended with %v", g.cmd.ProcessState)
	}
}

func (g *gateway) cleanUp() {
	if g.cmd != nil {
		_ = g.cmd.Process.Kill() // one that has ended already is no matter
		<-g.exited
	}
	said := g.log.String()
	if strings.Contains(said, "WARNING: DATA RACE") {
		g.t.Error("the gateway has a data race")
	}
	if g.t.Failed() {
		g.t.Logf("the gateway at %s said:\n%s", g.origin, said)
	}
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

// Ports of gateways lie below those that the kernel hands out by itself, so
// that no connection and no other part of a test takes one before the gateway
// runs. Two gateways must never have one port: Caddy would share it.
const (
	firstPort = 10_000
	manyPorts = 20_000
)

var portsTaken atomic.Int64

func freePort(t *testing.T) string {
	t.Helper()
	for range manyPorts {
		// Test binaries that run side by side begin at different places.
		port := firstPort + (int64(os.Getpid())*211+portsTaken.Add(1))%manyPorts
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			return fmt.Sprint(port)
		}
	}
	t.Fatal("there is no free port")
	return ""
}

// waitFor asks until the condition holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
