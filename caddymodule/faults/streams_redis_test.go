package faults_test

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// streamSite is a site whose app is quiet, with those options of its store.
func streamSite(t *testing.T, store string) gatewaytest.Site {
	t.Helper()
	return gatewaytest.Site{
		Upstream: startAudienceUpstream(t), Hasty: true,
		Options: "store redis " + store + "\nmax_sessions 10000\nsecret \"" + gatewaytest.PresentSecret + "\"",
	}
}

// Who has something open while Redis is in trouble keeps it: nobody was signed out.
func TestFaultStreamsOutliveRedisInTrouble(t *testing.T) {
	for _, c := range []struct {
		name    string
		trouble func(t *testing.T) (store string, begin, end func())
	}{
		{"killed and started again", func(t *testing.T) (string, func(), func()) {
			srv := redistest.Start(t, redistest.AppendOnly())
			return srv.URL(), srv.Kill, srv.Restart
		}},
		{"hung", func(t *testing.T) (string, func(), func()) {
			srv := redistest.Start(t)
			return srv.URL(), srv.Pause, srv.Resume
		}},
		{"failed over", func(t *testing.T) (string, func(), func()) {
			g := redistest.StartSentinel(t)
			former := g.Primary()
			begin := func() {
				replicated(t, former, "")
				former.Kill()
			}
			return g.URL() + " {\nsentinel " + redistest.PrimaryName + "\n}", begin, func() { g.AwaitFailover(former) }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, begin, end := c.trouble(t)
			gateway := gatewaytest.StartProcess(t, streamSite(t, store))
			gateway.AwaitListening(t)
			count := gatewaytest.Rounds(50, 1000)
			devices := signedIn(t, gateway.Server, gatewaytest.Ada, count/10)
			a := openAudience(t, gateway.Server, count, cookiesOf(devices)...)
			gaps := gateway.Scrape().Samples["near_cache_gaps_total"]
			begin()
			gatewaytest.Await(t, "the gateway hears nothing", func() bool { return gateway.Scrape().Samples["near_cache_gaps_total"] > gaps })
			a.wantOpen("in trouble")
			end()
			for _, d := range devices {
				gatewaytest.Await(t, "the session is known", func() bool {
					answer := d.Get("/auth/session")
					if answer.StatusCode == http.StatusUnauthorized {
						t.Fatal("somebody was signed out")
					}
					return answer.StatusCode == http.StatusOK
				})
			}
			a.wantOpen("after it")
			figure(t, "streams while Redis is "+c.name, fmt.Sprintf("%d of %d sessions", count, len(devices)), "cut wrongly: %d", int64(count)-a.open.Load())
			gatewaytest.Await(t, "all of them sign out", func() bool {
				return devices[0].Do(http.MethodDelete, "/auth/sessions", "").StatusCode == http.StatusNoContent
			})
			gatewaytest.Await(t, "the last one signs out", func() bool { return devices[0].Post("/auth/logout").StatusCode == http.StatusNoContent })
			a.awaitCut(time.Now())
		})
	}
}

// Whoever was signed out while a gateway could not reach Redis has nothing open
// there soon after it can.
func TestFaultSignedOutWhileRedisWasAwayEndsStreams(t *testing.T) {
	for _, c := range []struct {
		name string
		shut func(*valve)
	}{
		{"the connections are broken", (*valve).Break},
		{"the connections hang", (*valve).Hang},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := redistest.Start(t)
			v := newValve(t, srv.Addr())
			s := streamSite(t, srv.URL())
			one := gatewaytest.StartProcess(t, s)
			s.Options = streamSite(t, "redis://"+v.address()+"/0").Options
			other := gatewaytest.StartProcess(t, s)
			other.AwaitListening(t)
			count := gatewaytest.Rounds(50, 1000)
			for round := range gatewaytest.Rounds(1, 10) {
				devices := signedIn(t, one.Server, gatewaytest.Ada, count/10)
				a := openAudience(t, other.Server, count, cookiesOf(devices)...)
				gaps := other.Scrape().Samples["near_cache_gaps_total"]
				c.shut(v)
				gatewaytest.Await(t, "the gateway hears nothing", func() bool { return other.Scrape().Samples["near_cache_gaps_total"] > gaps })
				devices[0].Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusNoContent)
				devices[0].Post("/auth/logout").Want(t, http.StatusNoContent)
				if gatewaytest.Long() {
					<-time.After(time.Duration(round) * 730 * time.Millisecond) // whoever asks again and again is at rest, or asks, or is about to
				}
				a.wantOpen("while nobody can tell")
				v.Open()
				took := a.awaitCut(time.Now())
				figure(t, "signed out while Redis was away, and "+c.name, fmt.Sprintf("%d streams of %d sessions", count, len(devices)), "cut off after its return: %v", took)
				if gatewaytest.Long() && took.quantile(1) > time.Second {
					t.Errorf("the last stream was cut %v after the return", took.quantile(1))
				}
			}
		})
	}
}

// valve is a way to a server that can be shut.
type valve struct {
	l      net.Listener
	server string

	mu      sync.Mutex
	state   *sync.Cond
	broken  bool
	hanging bool
	conns   map[net.Conn]bool
	serving sync.WaitGroup
}

func newValve(t *testing.T, server string) *valve {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &valve{l: l, server: server, conns: make(map[net.Conn]bool)}
	v.state = sync.NewCond(&v.mu)
	v.serving.Go(v.accept)
	t.Cleanup(func() {
		_ = l.Close()
		v.Break()
		v.serving.Wait()
	})
	return v
}

func (v *valve) address() string { return v.l.Addr().String() }

// Break ends all connections, and each new one at once.
func (v *valve) Break() {
	v.set(true, false)
	v.mu.Lock()
	defer v.mu.Unlock()
	for conn := range v.conns {
		_ = conn.Close()
	}
}

// Hang keeps what is sent for itself.
func (v *valve) Hang() { v.set(false, true) }

// Open lets everything through, what was kept too.
func (v *valve) Open() { v.set(false, false) }

func (v *valve) set(broken, hanging bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.broken, v.hanging = broken, hanging
	v.state.Broadcast()
}

func (v *valve) accept() {
	for {
		client, err := v.l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", v.server)
		if err != nil || !v.enter(client, server) {
			_ = client.Close()
			continue
		}
		v.serving.Go(func() { v.copy(client, server) })
		v.serving.Go(func() { v.copy(server, client) })
	}
}

// enter reports whether the way is not broken.
func (v *valve) enter(ends ...net.Conn) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, conn := range ends {
		if v.broken {
			_ = conn.Close()
			continue
		}
		v.conns[conn] = true
	}
	return !v.broken
}

func (v *valve) copy(to, from net.Conn) {
	defer func() {
		_, _ = to.Close(), from.Close()
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.conns, to)
		delete(v.conns, from)
	}()
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		v.pass()
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// pass waits until the way is open, or broken.
func (v *valve) pass() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for v.hanging {
		v.state.Wait()
	}
}
