package faults_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestShutdownAnswersWhatItAccepted(t *testing.T) {
	t.Parallel()
	upstream := gatewaytest.NewEcho(t)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Upstream: upstream.Address()})
	c := p.Client(t)
	c.SignIn(gatewaytest.Ada)

	const requests = 20
	var answers [requests]error
	var asking sync.WaitGroup
	for i := range requests {
		own := p.With(t, c.Cookie, "")
		asking.Go(func() { _, answers[i] = ok(own, http.MethodGet, "/slow", "") })
	}
	gatewaytest.Await(t, "all requests have reached the upstream", func() bool { return upstream.Arrived.Load() == requests },
		func() string { return fmt.Sprint(upstream.Arrived.Load(), " of them") })

	p.Signal(syscall.SIGTERM)
	gatewaytest.Await(t, "the gateway takes no new connections", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.Port))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	close(upstream.Release)
	asking.Wait()
	for i, err := range answers {
		if err != nil {
			t.Errorf("request %d was accepted and not answered: %v", i, err)
		}
	}
	p.AwaitEnd()
}

// Activity is written behind the requests; what is noted last must not be lost
// with the configuration or the process that noted it.
func TestLastActivityIsWrittenDown(t *testing.T) {
	for _, end := range []struct {
		name string
		of   func(p *gatewaytest.Process)
	}{
		{"a restart", func(p *gatewaytest.Process) { p.Terminate(); p.Start() }},
		{"a reload", func(p *gatewaytest.Process) { p.Site.Options += "\nlifetime 11h"; p.Reload() }},
	} {
		for name, s := range gatewaytest.Stores(t) {
			if name == "memory" {
				continue // does not survive a restart
			}
			t.Run(fmt.Sprintf("before %s, with the store %s", end.name, name), func(t *testing.T) {
				t.Parallel()
				s.Options += "\nidle_timeout 60s"
				p := gatewaytest.StartProcess(t, s)
				c := p.Client(t)
				c.SignIn(gatewaytest.Ada)
				before := gatewaytest.IdleEnd(c)
				// Earlier activity is not worth a write: a tenth of the timeout.
				worthy := time.Now().Add(6 * time.Second)
				gatewaytest.Await(t, "activity is worth a write", func() bool { return time.Now().After(worthy) })
				c.Get("/app").Want(t, http.StatusOK)
				end.of(p)
				if after := gatewaytest.IdleEnd(c); !after.After(before) {
					t.Errorf("the session would have ended idle at %v, and now at %v", before, after)
				}
			})
		}
	}
}

// Caddy stops its apps in no order, and waits in one of them for what is open: of
// several gateways each has its own.
func TestAGatewayThatStopsStillHearsWhoIsSignedOut(t *testing.T) {
	t.Parallel()
	upstream, _ := quietStream(t)
	s := gatewaytest.Site{Upstream: upstream}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret)
	c := gatewaytest.StartProcess(t, s).Client(t)
	c.SignIn(gatewaytest.Ada)
	const count = 4
	var open [count]*bufio.Reader
	var stopping [count]*gatewaytest.Process
	for i := range count {
		stopping[i] = gatewaytest.StartProcess(t, s)
		stopping[i].AwaitListening(t)
		conn := gatewaytest.Dial(t, stopping[i].Address())
		conn.Send(t, gatewaytest.CRLF("GET /events HTTP/1.1\nHost: 127.0.0.1\nCookie: "+c.Cookie+"\n\n"))
		resp, err := http.ReadResponse(conn.In, nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		open[i] = bufio.NewReader(resp.Body)
		stopping[i].Signal(syscall.SIGTERM)
	}
	for _, p := range stopping {
		p.AwaitLog(`"servers shutting down with eternal grace period"`)
	}
	c.Post("/auth/logout").Want(t, http.StatusNoContent)
	for i, in := range open {
		if _, err := io.Copy(io.Discard, in); err == nil {
			t.Error("what was cut off ends as if it were whole")
		}
		stopping[i].AwaitEnd()
	}
}
