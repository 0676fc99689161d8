package faults_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// What a fault may add. Requests come at 250 a second and wait half a second
// at the most, with a few goroutines each; without a bound there would be as
// many more with every second that the fault lasts.
const (
	moreGoroutines = 3000
	moreResident   = 512 << 20 // the race detector takes most of it
)

func wantBounded(t *testing.T, u gatewaytest.Usage, peak gatewaytest.Usage) {
	t.Helper()
	if peak.Goroutines == 0 || peak.Goroutines > u.Goroutines+moreGoroutines {
		t.Errorf("there were %d goroutines before, and %d at most: want %d more at most", u.Goroutines, peak.Goroutines, moreGoroutines)
	}
	if peak.Resident > u.Resident+moreResident {
		t.Errorf("%d bytes were resident before, and %d at most: want %d more at most", u.Resident, peak.Resident, moreResident)
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
	upstream := gatewaytest.NewEcho(t)
	d := startDelay(t, upstream.Address())
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
