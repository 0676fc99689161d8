package caddymodule_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// longestWait bounds every wait for another process: a machine that tests
	// much at once, under the race detector, is slow.
	longestWait = 60 * time.Second
	// lookEvery is how often a condition is looked at while it is waited for.
	lookEvery = 10 * time.Millisecond
)

// process is a gateway in a process of its own, which can be killed.
type process struct {
	*server
	t      testing.TB
	site   site
	port   int
	cmd    *exec.Cmd
	exited chan struct{}
	log    processLog
}

// startProcess runs a gateway in a process of its own until the test ends. Its
// log is shown when the test fails.
func startProcess(t testing.TB, c site) *process {
	t.Helper()
	p := newProcess(t, c)
	p.start()
	return p
}

// newProcess prepares a gateway that is not yet running.
func newProcess(t testing.TB, c site) *process {
	t.Helper()
	c.admin = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	p := &process{server: c.prepare(t), t: t, port: freePort(t)}
	p.site = c // complete, now that it is prepared
	p.url = fmt.Sprintf("http://127.0.0.1:%d", p.port)
	t.Cleanup(p.cleanUp)
	return p
}

// start runs the process, at its port and in its folder, and waits until it
// answers.
func (p *process) start() {
	p.t.Helper()
	cmd := caddyCommand(context.Background(), p.dir, "run", "--adapter", "caddyfile", "--config", p.configFile())
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		p.t.Fatalf("starting the gateway: %v", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state says how it ended
		close(exited)
	}()
	p.cmd, p.exited = cmd, exited
	noRedirects.CloseIdleConnections() // those to the process before
	p.awaitAnswer()
}

// configFile writes the site as a Caddyfile and names it.
func (p *process) configFile() string {
	p.t.Helper()
	name := filepath.Join(p.dir, fmt.Sprintf("Caddyfile-%d", p.port))
	write(p.t, name, p.site.caddyfile(p.server, p.port))
	return name
}

// awaitAnswer asks for the public keys, for which no store is needed.
func (p *process) awaitAnswer() {
	p.t.Helper()
	await(p.t, "the gateway answers", func() bool {
		select {
		case <-p.exited:
			p.t.Fatalf("the gateway ended (%v) before it answered", p.cmd.ProcessState)
		default:
		}
		resp, err := noRedirects.Get(p.url + "/auth/.well-known/jwks.json")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
}

// kill ends the process without a warning, as the kernel does when memory
// runs out.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	<-p.exited
}

// term asks the process to end, as a service manager does, and waits until it
// has, which must be in good order.
func (p *process) term() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(longestWait):
		p.t.Fatal("the gateway goes on after SIGTERM")
	}
	if !p.cmd.ProcessState.Success() {
		p.t.Fatalf("after SIGTERM the gateway ended with %v", p.cmd.ProcessState)
	}
}

func (p *process) signal(signal syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatalf("sending %v to the gateway: %v", signal, err)
	}
}

// reload gives the running process the site as it is now, and waits until the
// configuration before takes no more connections and has ended those that were
// idle: a POST that was sent on one of them would be lost. Caddy does nothing
// when the site is as it was, and then this fails.
func (p *process) reload() {
	p.t.Helper()
	idle := p.idleConnection()
	if status, body := p.tryReload(p.site.caddyfile(p.server, p.port)); status != http.StatusOK {
		p.t.Fatalf("reloading: %d %s", status, body)
	}
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		p.t.Fatalf("the configuration before has not ended its idle connections: %v", err)
	}
	noRedirects.CloseIdleConnections()
}

// idleConnection is a connection that has had its answer. A server that shuts
// down closes its listeners first, and then such connections.
func (p *process) idleConnection() net.Conn {
	p.t.Helper()
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", p.port), longestWait)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(longestWait))
	fmt.Fprintf(conn, "GET /auth/.well-known/jwks.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return conn
}

// tryReload gives the running process a Caddyfile through the admin API.
func (p *process) tryReload(text string) (status int, body string) {
	p.t.Helper()
	admin := &client{t: p.t, server: &server{url: "http://" + p.site.admin}}
	a := admin.do(http.MethodPost, "/load", text, "Content-Type", "text/caddyfile")
	return a.StatusCode, a.body
}

func (p *process) cleanUp() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill() // one that has ended already is no matter
		<-p.exited
	}
	said := p.log.String()
	if strings.Contains(said, "WARNING: DATA RACE") {
		p.t.Error("the gateway has a data race")
	}
	if p.t.Failed() {
		p.t.Logf("the gateway at %s said:\n%s", p.url, said)
	}
}

// caddyCommand is this test binary as the caddy command, with folders of its
// own.
func caddyCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), runAsCaddy+"=1", "HOME="+dir,
		"XDG_DATA_HOME="+filepath.Join(dir, "data"), "XDG_CONFIG_HOME="+filepath.Join(dir, "config"))
	return cmd
}

// runCaddy runs a caddy command to its end: what it printed, and its exit code.
func runCaddy(t testing.TB, dir string, args ...string) (said string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longestWait)
	defer cancel()
	cmd := caddyCommand(ctx, dir, args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || ctx.Err() != nil {
		t.Fatalf("caddy %s: %v\n%s", args[0], err, out)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// await waits for a condition.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	giveUp := time.After(longestWait)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for !holds() {
		select {
		case <-giveUp:
			t.Fatalf("gave up waiting until %s", what)
		case <-tick.C:
		}
	}
}

// rounds is how often a test repeats itself: the more often with SIDEGATE_LONG.
func rounds(short, long int) int {
	if os.Getenv("SIDEGATE_LONG") != "" {
		return long
	}
	return short
}

// processLog gathers what a process prints.
type processLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *processLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *processLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
