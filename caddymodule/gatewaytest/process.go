package gatewaytest

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Process is a gateway in a process of its own, which can be killed.
type Process struct {
	*Server
	Site Site   // what it is configured with, at its next start or reload
	Log  Output // what it has printed

	t      testing.TB
	cmd    *exec.Cmd
	exited chan struct{}
}

// StartProcess runs a gateway in a process of its own until the test ends. Its
// log is shown when the test fails.
func StartProcess(t testing.TB, c Site) *Process {
	t.Helper()
	p := NewProcess(t, c)
	p.Start()
	return p
}

// NewProcess prepares a gateway that is not yet running.
func NewProcess(t testing.TB, c Site) *Process {
	t.Helper()
	c.Admin = fmt.Sprintf("127.0.0.1:%d", FreePort(t))
	p := &Process{Server: c.Prepare(t), t: t}
	p.Site = c // complete, now that it is prepared
	t.Cleanup(p.cleanUp)
	return p
}

// Start runs the process, at its port and in its folder, and waits until it
// answers.
func (p *Process) Start() {
	p.t.Helper()
	p.Run(CaddyCommand(context.Background(), p.Dir, "run", "--adapter", "caddyfile", "--config", p.ConfigFile()))
}

// Run is Start with a command of the test's own, after which the gateway
// answers at its URL.
func (p *Process) Run(cmd *exec.Cmd) {
	p.t.Helper()
	cmd.Stdout, cmd.Stderr = &p.Log, &p.Log
	if err := cmd.Start(); err != nil {
		p.t.Fatalf("starting the gateway: %v", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state says how it ended
		close(exited)
	}()
	p.cmd, p.exited = cmd, exited
	NoRedirects.CloseIdleConnections() // those to the process before
	p.awaitAnswer()
}

// ConfigFile writes the site as a Caddyfile and names it.
func (p *Process) ConfigFile() string {
	p.t.Helper()
	name := filepath.Join(p.Dir, fmt.Sprintf("Caddyfile-%d", p.Port))
	WriteFile(p.t, name, p.Site.Caddyfile(p.Server))
	return name
}

// awaitAnswer asks for the public keys, for which no store is needed.
func (p *Process) awaitAnswer() {
	p.t.Helper()
	Await(p.t, "the gateway answers", func() bool {
		select {
		case <-p.exited:
			p.t.Fatalf("the gateway ended (%v) before it answered", p.cmd.ProcessState)
		default:
		}
		resp, err := NoRedirects.Get(p.URL + "/auth/.well-known/jwks.json")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
}

// Kill ends the process without a warning, as the kernel does when memory
// runs out.
func (p *Process) Kill() {
	p.t.Helper()
	p.Signal(syscall.SIGKILL)
	<-p.exited
}

// Terminate asks the process to end, as a service manager does, and waits
// until it has, which must be in good order.
func (p *Process) Terminate() {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	p.AwaitEnd()
}

// AwaitEnd waits until the process that was asked to end has done so, which
// must be in good order.
func (p *Process) AwaitEnd() {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(Patience):
		p.t.Fatalf("the gateway goes on %v after SIGTERM", Patience)
	}
	if !p.cmd.ProcessState.Success() {
		p.t.Fatalf("after SIGTERM the gateway ended with %v", p.cmd.ProcessState)
	}
}

// PID is the number of the process that runs.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal to the process.
func (p *Process) Signal(signal syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatalf("sending %v to the gateway: %v", signal, err)
	}
}

func (p *Process) cleanUp() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill() // one that has ended already is no matter
		<-p.exited
	}
	said := p.Log.String()
	if strings.Contains(said, "WARNING: DATA RACE") {
		p.t.Error("the gateway has a data race")
	}
	if p.t.Failed() {
		p.t.Logf("the gateway at %s said:\n%s", p.URL, said)
	}
}

// AwaitLog waits until the log says all of that. A line may come after the answer
// to the request that it is about.
func (p *Process) AwaitLog(parts ...string) {
	p.t.Helper()
	missing := func() []string {
		said := p.Log.String()
		return slices.DeleteFunc(slices.Clone(parts), func(part string) bool { return strings.Contains(said, part) })
	}
	Await(p.t, fmt.Sprintf("the log says %q", parts), func() bool { return len(missing()) == 0 }, func() string {
		return fmt.Sprintf("no word of %q", missing())
	})
}
