package streams_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// lateParts are requests of which nobody knows when their session ends, for nothing of
// them has flowed for long; parts come when it has ended.
var lateParts = map[string]func(w http.ResponseWriter, ends func()){
	"an event stream whose header comes then": func(w http.ResponseWriter, ends func()) {
		ends()
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("data: secret\n\n"))
	},
	"an answer of a known length that comes then": func(w http.ResponseWriter, ends func()) {
		ends()
		w.Header().Set("Content-Length", "6")
		_, _ = w.Write([]byte("secret"))
	},
	"the second half of an answer": func(w http.ResponseWriter, ends func()) {
		w.Header().Set("Content-Length", "10")
		_, _ = w.Write([]byte("open"))
		_ = http.NewResponseController(w).Flush()
		ends()
		_, _ = w.Write([]byte("secret"))
	},
	"a small file": func(w http.ResponseWriter, ends func()) {
		ends()
		w.Header().Set("Content-Length", "6")
		_, _ = w.(io.ReaderFrom).ReadFrom(io.LimitReader(strings.NewReader("secret"), 6))
	},
}

// ReadFrom is that of the gateway.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	return a.stream.ReadFrom(a.ResponseWriter, r)
}

func TestNothingThatComesBehindTheEndOfASessionIsSent(t *testing.T) {
	for _, protocol := range []string{h1, h2c, h3} {
		for name, serve := range lateParts {
			t.Run(protocol+", "+name, func(t *testing.T) {
				h := knowing(t, protocol, func(h *house, w http.ResponseWriter, _ *http.Request) {
					serve(w, func() {
						h.tick(3 * streams.Tick)
						h.revoke()
					})
				})
				if got := h.fetch(t, protocol); bytes.Contains(got, []byte("secret")) {
					t.Errorf("the client was sent %q", got)
				}
			})
		}
	}
}

// knowing is a house whose app knows it.
func knowing(t *testing.T, protocol string, serve func(h *house, w http.ResponseWriter, r *http.Request)) *house {
	t.Helper()
	built := make(chan *house, 1)
	h := build(t, protocol, func(w http.ResponseWriter, r *http.Request) {
		h := <-built
		built <- h
		serve(h, w, r)
	})
	built <- h
	return h
}

// fetch is all that comes of an answer, whole or not.
func (h *house) fetch(t *testing.T, protocol string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport(t, protocol)}).Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	return got
}

// Whoever holds the end of an upload back, until its session has ended, does not have
// it done in the person's name.
func TestTheRestOfAnUploadReachesNoApp(t *testing.T) {
	got := make(chan string, 1)
	sent, sends := io.Pipe()
	h := knowing(t, h1, func(h *house, _ http.ResponseWriter, r *http.Request) {
		first := make([]byte, 5)
		_, _ = io.ReadFull(r.Body, first)
		h.tick(3 * streams.Tick)
		h.revoke()
		go func() { _, _ = sends.Write([]byte("67890")); _ = sends.Close() }()
		rest, err := io.ReadAll(r.Body)
		if err == nil {
			t.Error("the upload ends as if it were whole")
		}
		got <- string(first) + string(rest)
	})
	go func() { _, _ = sends.Write([]byte("12345")) }()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url, sent)
	req.ContentLength = 10
	if resp, err := transport(t, h1).RoundTrip(req); err == nil {
		_ = resp.Body.Close()
	}
	if all := <-got; all != "12345" {
		t.Errorf("the app was given %q", all)
	}
}

// What begins when no configuration is left, that could look at its session, ends.
func TestWhatIsLateWhenNobodyServesIsCut(t *testing.T) {
	h := knowing(t, h1, func(h *house, w http.ResponseWriter, r *http.Request) {
		h.watch.EndAll()
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("data: secret\n\n"))
		<-r.Context().Done()
	})
	if got := h.fetch(t, h1); len(got) > 0 {
		t.Errorf("the client was sent %q", got)
	}
}

func TestWhoAnswersForAnErrorIsWatchedAsWhatHasLedThere(t *testing.T) {
	h := build(t, h1, quiet("text/event-stream"))
	var s streams.Stream
	s.Begin(h.watch, nil, nearcache.Uncached(h.session), streams.Asked{}, h)
	if _, again := s.Living(nil); again {
		t.Error("one that goes on is followed by another")
	}
	s.End()
	w := nowhere{make(http.Header)}
	next, again := s.Living(w)
	if !again {
		t.Fatal("one that is over is followed by none")
	}
	defer next.End()
	next.Answers(http.StatusOK, http.Header{"Content-Type": {"text/event-stream"}})
	if h.watch.Open() != 1 {
		t.Fatal("nobody knows of it")
	}
	h.with(func() { h.err = sessionstore.ErrNotFound })
	h.watch.Changed(h.key)
	h.wantCut(t, streams.Revoked)
	if _, err := next.Write(w, []byte("secret")); err == nil {
		t.Error("it may still be written")
	}
}

// nowhere is where a response goes that nobody reads.
type nowhere struct{ header http.Header }

func (r nowhere) Header() http.Header         { return r.header }
func (r nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (r nowhere) WriteHeader(int)             {}

// A client of HTTP/1.0 knows the end of an answer by that of its connection.
func TestAClientOfHTTP10SeesThatAnAnswerIsNotWhole(t *testing.T) {
	h := build(t, h1, quiet("text/event-stream"))
	conn, in := h.connect(t)
	_, _ = conn.Write([]byte("GET /live HTTP/1.0\r\nHost: x\r\n\r\n"))
	if _, err := http.ReadResponse(in, nil); err != nil {
		t.Fatal(err)
	}
	h.awaitOpen(t, 1)
	h.revoke()
	if _, err := io.Copy(io.Discard, in); err == nil {
		t.Error("what was cut off ends as if it were whole")
	}
}
