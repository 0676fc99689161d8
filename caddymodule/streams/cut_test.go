package streams_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/streams"
)

// gate is a ResponseWriter beneath Caddy's that holds up each write but the first.
type gate struct {
	http.ResponseWriter
	writes         int
	entered, leave chan struct{}
}

func (g *gate) Write(p []byte) (int, error) {
	if g.writes++; g.writes > 1 {
		g.entered <- struct{}{}
		<-g.leave
	}
	return g.ResponseWriter.Write(p)
}

func (g *gate) Unwrap() http.ResponseWriter { return g.ResponseWriter }

// TestACutThatMeetsAWriteIsNotLost: Caddy puts the deadline off with each write, and
// takes it away behind one in HTTP/2. The app says no more afterwards.
func TestACutThatMeetsAWriteIsNotLost(t *testing.T) {
	for _, protocol := range []string{h1, h2c, h3} {
		t.Run(protocol, func(t *testing.T) {
			h := build(t, protocol, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				fmt.Fprint(w, "data: begun\n\n")
				_ = http.NewResponseController(w).Flush()
				fmt.Fprint(w, "data: late\n\n")
				<-r.Context().Done()
			})
			entered, leave := make(chan struct{}), make(chan struct{})
			h.beneath = func(w http.ResponseWriter) http.ResponseWriter { return &gate{w, 0, entered, leave} }
			resp := h.get(t, protocol, http.MethodGet, nil)
			<-entered
			h.revoke()
			h.wantCut(t, streams.Revoked)
			close(leave)
			if _, err := io.Copy(io.Discard, resp.Body); err == nil {
				t.Error("what was cut off ends as if it were whole")
			}
			h.awaitOpen(t, 0)
		})
	}
}

// TestNothingIsWrittenBehindACut: an app that has no eye for its client's end goes on
// writing to nobody.
func TestNothingIsWrittenBehindACut(t *testing.T) {
	failed, cut := make(chan error), make(chan struct{})
	h := build(t, h1, func(w http.ResponseWriter, r *http.Request) {
		quiet("text/event-stream")(w, r)
		<-cut
		_, err := w.Write([]byte("data: late\n\n"))
		failed <- err
	})
	resp := h.get(t, h1, http.MethodGet, nil)
	h.revoke()
	h.wantCut(t, streams.Revoked)
	close(cut)
	if err := <-failed; err == nil {
		t.Error("it was written")
	}
	_, _ = io.Copy(io.Discard, resp.Body)
}

// TestWhatIsNotKnownWhenNobodyServesAnyMoreEndsByItsNextBytes: an upload is known by
// those of a second later, and nobody counts seconds by then.
func TestWhatIsNotKnownWhenNobodyServesAnyMoreEndsByItsNextBytes(t *testing.T) {
	began, failed := make(chan struct{}), make(chan error, 1)
	h := build(t, h1, func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadFull(r.Body, make([]byte, 1)); err != nil {
			t.Error(err)
		}
		close(began)
		_, err := io.Copy(io.Discard, r.Body)
		failed <- err
	})
	sent, sends := io.Pipe()
	defer sends.Close()
	go func() {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url, sent)
		transport := new(http.Transport)
		defer transport.CloseIdleConnections()
		if resp, err := transport.RoundTrip(req); err == nil {
			_ = resp.Body.Close()
		}
	}()
	if _, err := sends.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	<-began
	h.watch.EndAll()
	_, _ = sends.Write([]byte("x"))
	if err := <-failed; err == nil {
		t.Error("the app was given an upload that ended as if it were whole")
	}
}
