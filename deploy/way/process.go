package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"
)

const (
	// within bounds every wait.
	within    = 60 * time.Second
	lookEvery = 5 * time.Millisecond
)

// process is a program that runs until it is stopped.
type process struct {
	name   string
	cmd    *exec.Cmd
	exited chan struct{}
	said   output
}

// start runs a program and waits until it listens. env goes on top of our own
// environment.
func start(ctx context.Context, name, address string, env []string, args ...string) (*process, error) {
	p := &process{name: name, exited: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, args[0], args[1:]...) // #nosec G204 -- built by us
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // whoever misses it shows what it said
		close(p.exited)
	}()
	err := until(ctx, name+" listens", func() (bool, error) { return p.listens(ctx, address) })
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("%w\n%s", err, p.said.String())
	}
	return p, nil
}

func (p *process) listens(ctx context.Context, address string) (bool, error) {
	select {
	case <-p.exited:
		return false, fmt.Errorf("%s has ended", p.name)
	default:
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return false, nil //nolint:nilerr // not yet
	}
	return true, conn.Close()
}

// stop ends the process and waits for that.
func (p *process) stop() {
	_ = p.cmd.Process.Kill() // one that has ended is no matter
	<-p.exited
}

// until waits until something holds.
func until(ctx context.Context, what string, holds func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if held, err := holds(); held || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up waiting until %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
}

// freeAddress is one of loopback that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// output gathers what a process prints.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

// String is all that was written.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
