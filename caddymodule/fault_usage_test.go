package caddymodule_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// usage is what a gateway takes of the machine.
type usage struct {
	goroutines int
	resident   int64 // bytes
}

// usage asks the process and the kernel.
func (p *process) usage() usage {
	p.t.Helper()
	var u usage
	resp, err := noRedirects.Get("http://" + p.site.admin + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := fmt.Fscanf(resp.Body, "goroutine profile: total %d", &u.goroutines); err != nil {
		p.t.Fatalf("reading how many goroutines there are: %v", err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscanf(rest, "%d kB", &u.resident); err != nil {
		p.t.Fatalf("reading how much memory there is: %v", err)
	}
	u.resident <<= 10
	return u
}

// peakUsage is the most of each that was seen while during ran.
func (p *process) peakUsage(during func()) usage {
	p.t.Helper()
	var peak usage
	done := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			u := p.usage()
			peak.goroutines, peak.resident = max(peak.goroutines, u.goroutines), max(peak.resident, u.resident)
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	during()
	close(done)
	looking.Wait()
	return peak
}

// What a fault may add. Requests come at 250 a second and wait half a second
// at the most, with a few goroutines each; without a bound there would be as
// many more with every second that the fault lasts.
const (
	moreGoroutines = 3000
	moreResident   = 512 << 20 // the race detector takes most of it
)

func (u usage) wantBounded(t *testing.T, peak usage) {
	t.Helper()
	if peak.goroutines == 0 || peak.goroutines > u.goroutines+moreGoroutines {
		t.Errorf("there were %d goroutines before, and %d at most: want %d more at most", u.goroutines, peak.goroutines, moreGoroutines)
	}
	if peak.resident > u.resident+moreResident {
		t.Errorf("%d bytes were resident before, and %d at most: want %d more at most", u.resident, peak.resident, moreResident)
	}
}

func times(n int) string { return fmt.Sprintf("%d times", n) }

// delay stands before a server and holds each piece of its answers up.
type delay struct {
	l       net.Listener
	server  string
	by      atomic.Int64 // nanoseconds
	serving sync.WaitGroup
}

// startDelay runs until the test ends, at first without any delay.
func startDelay(t *testing.T, server string) *delay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &delay{l: l, server: server}
	d.serving.Go(d.accept)
	t.Cleanup(func() {
		_ = l.Close()
		d.serving.Wait()
	})
	return d
}

func (d *delay) address() string { return d.l.Addr().String() }

func (d *delay) accept() {
	for {
		client, err := d.l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", d.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		d.serving.Go(func() {
			_, _ = io.Copy(server, client) // ends when either side does
			_ = server.Close()
		})
		d.serving.Go(func() {
			d.copy(client, server)
			_ = client.Close()
		})
	}
}

// piece is a part of an answer, and when it may go on.
type piece struct {
	data []byte
	at   time.Time
}

// copy holds pieces up one beside the other: what is slow is the way, which
// is as wide as ever.
func (d *delay) copy(to io.Writer, from io.Reader) {
	pieces := make(chan piece, 1024)
	d.serving.Go(func() {
		defer close(pieces)
		for {
			buf := make([]byte, 16<<10)
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			pieces <- piece{buf[:n], time.Now().Add(time.Duration(d.by.Load()))}
		}
	})
	for p := range pieces {
		<-time.After(time.Until(p.at))
		_, _ = to.Write(p.data) // a client that has gone reads no more
	}
}

func TestFaultDelayHoldsAnswersUp(t *testing.T) {
	upstream := newEcho(t)
	d := startDelay(t, upstream.address())
	d.by.Store(int64(50 * time.Millisecond))
	asked := time.Now()
	resp, err := http.Get("http://" + d.address() + "/app")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if took := time.Since(asked); took < 50*time.Millisecond {
		t.Errorf("the answer took %v; want 50ms at least", took)
	}
}
