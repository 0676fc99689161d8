package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	// startWithin bounds the time until a process answers.
	startWithin = 60 * time.Second
	pollEvery   = 10 * time.Millisecond
	// keptOutput is how much of what a process prints is kept, in bytes.
	keptOutput = 16 << 10
)

// process is a program that runs until it is stopped.
type process struct {
	name   string
	cmd    *exec.Cmd
	exited chan struct{}
	log    tail
	// patience is how long it may take to end when it is asked to, for it has
	// children to bury or locks to give back; without any it is killed.
	patience time.Duration
	// processors are those that it runs on; none means any.
	processors []int
}

// start runs a program on these processors. env goes on top of our own environment.
func start(ctx context.Context, processors []int, name string, env []string, path string, args ...string) (*process, error) {
	p := &process{name: name, processors: processors}
	if err := p.start(ctx, env, path, args...); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) start(ctx context.Context, env []string, path string, args ...string) error {
	p.exited = make(chan struct{})
	p.cmd = exec.CommandContext(ctx, path, args...) // #nosec G204 G702 -- what the rig measures
	p.cmd.Env = append(os.Environ(), env...)
	ownGroup(p.cmd)
	p.cmd.Cancel = p.end
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := startOn(p.processors, p.cmd); err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	go func() {
		_ = p.cmd.Wait() // whoever misses the process looks into its log
		close(p.exited)
	}()
	return nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// end has the process and its children end: nothing that they keep outlives the
// rig.
func (p *process) end() error {
	if p.patience > 0 {
		return p.cmd.Process.Signal(syscall.SIGTERM)
	}
	return killGroup(p.cmd)
}

// stop ends the process and waits for that. Of one that has exited the number
// may be somebody else's by now.
func (p *process) stop() {
	select {
	case <-p.exited:
		return
	default:
	}
	_ = p.end() // exiting just now is no matter
	select {
	case <-p.exited:
	case <-time.After(p.patience):
		_ = killGroup(p.cmd)
		<-p.exited
	}
}

// until waits until something holds of the process.
func (p *process) until(ctx context.Context, what string, holds func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !holds(ctx) {
		select {
		case <-p.exited:
			return fmt.Errorf("%s exited before %s:\n%s", p.name, what, p.log.String())
		case <-ctx.Done():
			return fmt.Errorf("%s: gave up waiting until %s:\n%s", p.name, what, p.log.String())
		case <-tick.C:
		}
	}
	return nil
}

// listens waits until the process takes connections.
func (p *process) listens(ctx context.Context, network, address string) error {
	var d net.Dialer
	return p.until(ctx, "it listens on "+address, func(ctx context.Context) bool {
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	})
}

// answers waits until HTTP is spoken there. That somebody listens is not enough: whether a
// port is free Sidegate finds out by listening there for a moment, before it serves.
func (p *process) answers(ctx context.Context, address string) error {
	var d net.Dialer
	return p.until(ctx, "it answers on "+address, func(ctx context.Context) bool {
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return false
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(exchangeWithin))
		if _, err := io.WriteString(conn, "no request\r\n\r\n"); err != nil { // 400, and nobody's work
			return false
		}
		_, err = conn.Read(make([]byte, 1))
		return err == nil
	})
}

// freePort finds a port that nobody has, below those that the system gives to
// outgoing connections: a load opens many of these. It is above those of servers under
// test, which may come to one between the look and the arm, and Caddys share ports.
func freePort() (int, error) {
	var config net.ListenConfig
	for range 100 {
		port := 30_000 + rand.IntN(2_700) // #nosec G404 -- no secret
		l, err := config.Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no port between 30000 and 32700 of 127.0.0.1 is free: stop what holds them")
}

func freeAddress() (string, error) {
	port, err := freePort()
	return fmt.Sprintf("127.0.0.1:%d", port), err
}

// tail keeps the end of what was written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b...)
	if over := len(t.kept) - keptOutput; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(b), nil
}

// String is the end of what was written.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
