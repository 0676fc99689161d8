package install_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// top is the folder of the repository.
func top(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path) // #nosec G304 -- a file of the repository, or of the test
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// replaced puts other texts in the place of those, each of which must be there: what a
// test starts is what is shipped, but for ports and folders.
func replaced(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("there is no %q in\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// must runs a command, and returns what it printed for others to read.
func must(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	trouble := new(gatewaytest.Output)
	cmd.Stderr = trouble
	said, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, said, trouble)
	}
	return string(said)
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(t.Context(), args[0], args[1:]...) // #nosec G204 -- the test's own
}

// program is a process of the test, with what it prints.
type program struct {
	t    *testing.T
	log  gatewaytest.Output
	cmd  *exec.Cmd
	done chan struct{}
	end  sync.Once
}

// start runs a command until the test ends.
func start(t *testing.T, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{t: t, cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // the state says how it ended
		close(p.done)
	}()
	t.Cleanup(func() {
		p.stop(os.Interrupt)
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd, &p.log)
		}
	})
	return p
}

// stop asks it to end, and waits until it has.
func (p *program) stop(signal os.Signal) {
	p.end.Do(func() {
		if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			p.t.Error(err)
		}
	})
	select {
	case <-p.done:
	case <-time.After(gatewaytest.Patience):
		p.t.Errorf("%s goes on %v after %v", p.cmd, gatewaytest.Patience, signal)
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// awaitLog waits until it says that, and not until it has ended.
func (p *program) awaitLog(part string) {
	p.t.Helper()
	gatewaytest.Await(p.t, "it says "+part, func() bool {
		select {
		case <-p.done:
			p.t.Fatalf("%s ended (%v) and said\n%s", p.cmd, p.cmd.ProcessState, &p.log)
		default:
		}
		return strings.Contains(p.log.String(), part)
	}, p.log.String)
}

// fails runs a command that cannot start, and wants the first error of its log to say
// what to do.
func fails(t *testing.T, cmd *exec.Cmd, says string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	first := ""
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, `"level":"error"`) {
			first = line
			break
		}
	}
	if err == nil || !strings.Contains(first, says) {
		t.Errorf("%s: %v; its first error is %q, want %q; it says\n%s", cmd, err, first, says, out)
	}
}

// port is a free one of loopback, as text.
func port(t *testing.T) string {
	t.Helper()
	return fmt.Sprint(gatewaytest.FreePort(t))
}

// takenPort is one at which somebody else listens.
func takenPort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// notChecked notes what a run of continuous integration cannot look at here; any other
// run fails.
func notChecked(t *testing.T, what string) {
	t.Helper()
	notes := os.Getenv("SIDEGATE_NOT_CHECKED")
	if notes == "" {
		t.Fatal(what)
	}
	file, err := os.OpenFile(notes, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) // #nosec G304 -- named by the run
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := fmt.Fprintln(file, "NOT CHECKED: tests: "+what); err != nil {
		t.Fatal(err)
	}
}
