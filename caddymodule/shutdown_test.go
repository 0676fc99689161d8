package caddymodule_test

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestShutdownAnswersWhatItAccepted(t *testing.T) {
	t.Parallel()
	upstream := newEcho(t)
	p := startProcess(t, site{upstream: upstream.address()})
	c := p.client(t)
	c.signIn(ada)

	const requests = 20
	var answers [requests]error
	var asking sync.WaitGroup
	for i := range requests {
		own := p.with(t, c.cookie, "")
		asking.Go(func() { _, answers[i] = own.ok(http.MethodGet, "/slow", "") })
	}
	await(t, "all requests have reached the upstream", func() bool { return upstream.arrived.Load() == requests })

	p.signal(syscall.SIGTERM)
	await(t, "the gateway takes no new connections", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	close(upstream.release)
	asking.Wait()
	for i, err := range answers {
		if err != nil {
			t.Errorf("request %d was accepted and not answered: %v", i, err)
		}
	}
	await(t, "the gateway has ended", func() bool {
		select {
		case <-p.exited:
			return true
		default:
			return false
		}
	})
	if !p.cmd.ProcessState.Success() {
		t.Errorf("the gateway ended with %v", p.cmd.ProcessState)
	}
}

// Activity is written behind the requests; what is noted last must not be lost
// with the configuration or the process that noted it.
func TestLastActivityIsWrittenDown(t *testing.T) {
	for _, end := range []struct {
		name string
		of   func(p *process)
	}{
		{"a restart", func(p *process) { p.term(); p.start() }},
		{"a reload", func(p *process) { p.site.options += "\nlifetime 11h"; p.reload() }},
	} {
		for name, s := range stores(t) {
			if name == "memory" {
				continue // does not survive a restart
			}
			t.Run(fmt.Sprintf("before %s, with the store %s", end.name, name), func(t *testing.T) {
				t.Parallel()
				s.options += "\nidle_timeout 30s"
				p := startProcess(t, s)
				c := p.client(t)
				c.signIn(ada)
				before := c.idleEnd()
				// Earlier activity is not worth a write: a tenth of the timeout.
				worthy := time.Now().Add(3 * time.Second)
				await(t, "activity is worth a write", func() bool { return time.Now().After(worthy) })
				c.get("/app").want(t, http.StatusOK)
				end.of(p)
				if after := c.idleEnd(); !after.After(before) {
					t.Errorf("the session would have ended idle at %v, and now at %v", before, after)
				}
			})
		}
	}
}

// idleEnd is when the session ends without activity; to read it is none.
func (c *client) idleEnd() time.Time {
	c.t.Helper()
	text := c.get("/auth/session").want(c.t, http.StatusOK).Header.Get("X-Session-Idle-Expires-At")
	end, err := time.Parse(time.RFC3339, text)
	if err != nil {
		c.t.Fatal(err)
	}
	return end
}
