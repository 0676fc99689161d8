package transport_test

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// slow is an app that answers when it is told to, and knows its connections.
type slow struct {
	*httptest.Server
	begun, goOn chan struct{}
	open        atomic.Int64
}

func newSlow(t *testing.T) *slow {
	t.Helper()
	a := &slow{begun: make(chan struct{}), goOn: make(chan struct{})}
	a.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/thinks":
			a.begun <- struct{}{}
			<-a.goOn
		case "/streams":
			fmt.Fprint(w, "half ")
			_ = http.NewResponseController(w).Flush()
			a.begun <- struct{}{}
			<-a.goOn
		}
		fmt.Fprintf(w, "%s %d %v", r.Method, len(body), err)
	}))
	a.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			a.open.Add(1)
		case http.StateClosed:
			a.open.Add(-1)
		}
	}
	a.Start()
	t.Cleanup(a.Close)
	return a
}

// A configuration that has had its time lets exchanges end, and keeps no
// connection.
func TestExchangesUnderWayOutliveAReload(t *testing.T) {
	up := newSlow(t)
	site := gatewaytest.Site{Upstream: strings.TrimPrefix(up.URL, "http://")}
	site.Routes = "header X-By the-first\nreverse_proxy {upstream} {\ntransport sidegate\n}"
	s := gatewaytest.Start(t, site)
	c := s.Client(t)
	c.Get("/").Want(t, http.StatusOK) // leaves an idle connection
	answers := make(chan gatewaytest.Answer)
	for _, r := range []struct{ method, path, body string }{
		{http.MethodGet, "/thinks", ""},
		{http.MethodPost, "/thinks", "a=b"},
		{http.MethodPost, "/streams", strings.Repeat("p", 100000)},
	} {
		go func() {
			a, err := c.Try(t.Context(), r.method, r.path, r.body)
			if err != nil {
				t.Error(err)
			}
			if want := fmt.Sprintf("%s %d <nil>", r.method, len(r.body)); strings.TrimPrefix(a.Body, "half ") != want {
				t.Errorf("%s %s: got %q", r.method, r.path, a.Body)
			}
			answers <- a
		}()
		<-up.begun
	}
	site.Dir = s.Dir
	site.Routes = strings.Replace(site.Routes, "the-first", "the-second", 1)
	site.Prepare(t)
	next, loaded := gatewaytest.Adapt(t, site.Caddyfile(s)), make(chan error)
	go func() { loaded <- caddy.Load(next, true) }()
	gatewaytest.Await(t, "the next configuration answers", func() bool {
		http.DefaultClient.CloseIdleConnections()
		a, err := c.Try(t.Context(), http.MethodGet, "/", "", "Connection", "close")
		return err == nil && a.Header.Get("X-By") == "the-second"
	})
	for range 3 {
		up.goOn <- struct{}{}
		if a := <-answers; a.StatusCode != http.StatusOK || a.Header.Get("X-By") != "the-first" {
			t.Errorf("who was under way got %s by %s", a.Status, a.Header.Get("X-By"))
		}
	}
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	gatewaytest.NoRedirects.CloseIdleConnections()
	gatewaytest.Await(t, "only the next configuration has a connection", func() bool { return up.open.Load() <= 1 },
		func() string { return fmt.Sprint(up.open.Load()) })
}

// counted is what went through, and how much it was.
type counted struct {
	hash.Hash
	size int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.size += int64(len(p))
	return c.Hash.Write(p)
}

// A GiB in either direction in a long run, in which it is seen what Caddy takes
// of memory for it.
func TestUploadsAndDownloadsAreNotGathered(t *testing.T) {
	size := int64(gatewaytest.Rounds(8<<20, 1<<30))
	zeros := func() io.Reader { return io.LimitReader(zero{}, size) }
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.Copy(w, zeros())
			return
		}
		sum := &counted{Hash: sha256.New()}
		_, err := io.Copy(sum, r.Body)
		fmt.Fprintf(w, "%d %x %v", sum.size, sum.Sum(nil), err)
	}))
	t.Cleanup(up.Close)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Upstream: strings.TrimPrefix(up.URL, "http://"), Routes: "reverse_proxy {upstream} {\ntransport sidegate\n}"})
	sum := &counted{Hash: sha256.New()}
	_, _ = io.Copy(sum, zeros())
	want := fmt.Sprintf("%d %x", size, sum.Sum(nil))
	before := p.Usage()
	peak := p.PeakUsage(func() {
		for _, length := range []int64{size, -1} {
			req, err := http.NewRequest(http.MethodPut, p.URL, zeros())
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = length
			if a := p.Client(t).Send(req); a.Body != want+" <nil>" {
				t.Errorf("the app got %s, and not %s", a.Body, want)
			}
		}
		resp, err := http.Get(p.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got := &counted{Hash: sha256.New()}
		_, err = io.Copy(got, resp.Body)
		if is := fmt.Sprintf("%d %x", got.size, got.Sum(nil)); err != nil || is != want {
			t.Errorf("the client got %s, and not %s: %v", is, want, err)
		}
	})
	if grown := peak.Resident - before.Resident; gatewaytest.Long() && grown > 128<<20 {
		t.Errorf("Caddy took %d MiB for it", grown>>20)
	}
}

// zero is without end.
type zero struct{}

func (zero) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
