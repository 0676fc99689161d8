package streams_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/quic-go/quic-go/http3"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// house is a server whose requests are let through for one session.
type house struct {
	watch *streams.Watch
	key   sessionstore.Key
	url   string

	mu      sync.Mutex
	now     time.Time
	session *sessionstore.Session
	err     error
	asked   int
	used    int
	cuts    []streams.Cut
	passes  bool
	kept    bool // by on_session_end keep
	beneath func(http.ResponseWriter) http.ResponseWriter
}

// app answers a request; w is what it is given.
type app func(w http.ResponseWriter, r *http.Request)

func build(t *testing.T, protocol string, serve app) *house {
	t.Helper()
	key := sessionstore.NewSecret(1).Key()
	h := &house{watch: streams.NewWatch(), key: key, now: time.Unix(1_700_000_000, 0), passes: true}
	h.session = &sessionstore.Session{Key: key, User: sessionstore.UserSession{ID: 1}, LastSeenAt: h.now, ExpiresAt: h.now.Add(time.Hour), IdleTimeout: 10 * time.Minute}
	h.watch.Serve(&streams.Keeper{
		Lookup: h.lookup, Now: h.clock,
		Uses: func(*nearcache.Entry) { h.with(func() { h.used++ }) },
		Cut:  func(c streams.Cut) { h.with(func() { h.cuts = append(h.cuts, c) }) },
	})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var s streams.Stream
		entry := nearcache.Uncached(h.session)
		var judge streams.Judge
		if !h.kept {
			judge = h
		}
		if h.beneath != nil {
			w = h.beneath(w)
		}
		w = asCaddy(w, r)
		if s.Begin(h.watch, w, entry, streams.Asked{Path: r.URL.Path, Method: r.Method}, judge) {
			defer s.End()
			r = s.Request(r)
		}
		serve(&answer{ResponseWriter: w, stream: &s}, r)
	})
	if protocol == h3 {
		h.url = serveQUIC(t, handler)
		return h
	}
	srv := httptest.NewUnstartedServer(handler)
	if protocol == h2c {
		srv.Config.Protocols = new(http.Protocols)
		srv.Config.Protocols.SetUnencryptedHTTP2(true)
	}
	srv.Config.ConnContext = streams.KeepConn
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(h.watch.EndAll) // before the server, which waits for its requests
	h.url = srv.URL
	return h
}

// The protocols by which a house is asked.
const (
	h1  = "HTTP/1.1"
	h2c = "h2c"
	h3  = "HTTP/3"
)

// serveQUIC serves by HTTP/3 and returns the address.
func serveQUIC(t *testing.T, handler http.Handler) string {
	certified := httptest.NewTLSServer(nil)
	t.Cleanup(certified.Close)
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http3.Server{Handler: handler, TLSConfig: http3.ConfigureTLSConfig(certified.TLS.Clone())}
	go func() { _ = srv.Serve(conn) }()
	t.Cleanup(func() { _ = srv.Close() })
	return "https://" + conn.LocalAddr().String()
}

// transport is a client's by that protocol.
func transport(t *testing.T, protocol string) http.RoundTripper {
	if protocol == h3 {
		tr := &http3.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // #nosec G402 -- a server of the test
		t.Cleanup(func() { _ = tr.Close() })
		return tr
	}
	tr := new(http.Transport)
	if protocol == h2c {
		tr.Protocols = new(http.Protocols)
		tr.Protocols.SetUnencryptedHTTP2(true)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// asCaddy is the ResponseWriter as Caddy hands it on: each write sets a deadline.
func asCaddy(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	return &caddyhttp.IdleTimeoutWriter{
		ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, Ctrl: http.NewResponseController(w),
		Deadline: caddyhttp.IdleDeadline{Start: time.Now(), Timeout: gatewaytest.Patience},
		Logger:   zap.NewNop(), ClearBetweenWrites: r.ProtoMajor == 2,
	}
}

// answer is a ResponseWriter as the gateway gives it to an app.
type answer struct {
	http.ResponseWriter
	stream *streams.Stream
	begun  bool
}

func (a *answer) WriteHeader(status int) {
	a.begun = true
	a.stream.Answers(status, a.Header())
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	return a.stream.Write(a.ResponseWriter, p)
}

func (a *answer) FlushError() error { return a.stream.Flush(a.ResponseWriter) }

func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return a.stream.Hijack(a.ResponseWriter)
}

func (h *house) with(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

func (h *house) clock() (now time.Time) {
	h.with(func() { now = h.now })
	return now
}

func (h *house) lookup(context.Context, sessionstore.Key) (e *nearcache.Entry, err error) {
	h.with(func() {
		h.asked++
		if err = h.err; err == nil {
			e = nearcache.Uncached(h.session)
		}
	})
	return e, err
}

// StillPasses implements streams.Judge.
func (h *house) StillPasses(*streams.Asked, *nearcache.Entry) (passes bool) {
	h.with(func() { passes = h.passes })
	return passes
}

// tick puts the clock forward.
func (h *house) tick(d time.Duration) {
	for range d / streams.Tick {
		h.with(func() { h.now = h.now.Add(streams.Tick) })
		h.watch.Tick(h.clock())
	}
}

func (h *house) awaitOpen(t *testing.T, n int64) {
	t.Helper()
	gatewaytest.Await(t, "as many streams are known as are open", func() bool { return h.watch.Open() == n })
}

// get begins a request and returns the answer's body as it comes.
func (h *house) get(t *testing.T, protocol, method string, body io.Reader) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.url+"/live", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport(t, protocol)}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// quiet begins an answer of that type, and then waits for the end of the request.
func quiet(contentType string) app {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

// busy writes all the time.
func busy(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for r.Context().Err() == nil {
		if _, err := w.Write([]byte("data: x\n\n")); err != nil {
			return
		}
		if http.NewResponseController(w).Flush() != nil {
			return
		}
	}
}

// endings are what becomes of a session, and whether that cuts a stream that
// lasts, and one that is an answer under way.
var endings = map[string]struct {
	happens           func(h *house)
	cutsLasting, long bool
	why               string
}{
	"it is revoked": {func(h *house) { h.with(func() { h.err = sessionstore.ErrNotFound }); h.watch.Changed(h.key) }, true, true, streams.Revoked},
	"it is not vouched for here": {func(h *house) { h.with(func() { h.err = sessionstore.ErrNotHere }); h.watch.Changed(h.key) },
		true, true, streams.Revoked},
	"it no longer meets what is demanded": {func(h *house) { h.with(func() { h.passes = false }); h.watch.Changed(h.key) }, true, true, streams.Unmet},
	"messages were lost, and it was revoked": {func(h *house) { h.with(func() { h.err = sessionstore.ErrNotFound }); h.watch.Missed() },
		true, true, streams.Revoked},
	"a message is lost without a sign": {func(h *house) {
		h.with(func() { h.err = sessionstore.ErrNotFound })
		h.tick(time.Minute + 2*time.Second)
	}, true, true, streams.Revoked},
	"it expires":                      {func(h *house) { h.expire(time.Hour) }, true, false, streams.Expired},
	"it is idle for too long":         {func(h *house) { h.expire(10 * time.Minute) }, true, false, streams.Expired},
	"it is refreshed":                 {func(h *house) { h.watch.Changed(h.key) }, false, false, ""},
	"another session ends":            {func(h *house) { h.watch.Changed(sessionstore.NewSecret(1).Key()) }, false, false, ""},
	"messages were lost and it lives": {func(h *house) { h.watch.Missed() }, false, false, ""},
	"its record cannot be read": {func(h *house) {
		h.with(func() { h.err = &sessionstore.UnreadableError{} })
		h.watch.Changed(h.key)
	}, false, false, ""},
	"no configuration is left": {func(h *house) { h.watch.EndAll() }, true, true, ""},
}

// expire has the clock pass the end of the session, which the store then has not
// any more.
func (h *house) expire(after time.Duration) {
	h.with(func() { h.now, h.err = h.now.Add(after), sessionstore.ErrNotFound })
	h.tick(streams.Tick)
}

func TestStreamsEndWithTheirSession(t *testing.T) {
	kinds := map[string]struct {
		serve app
		lasts bool
	}{
		"a quiet event stream":         {quiet("text/event-stream; charset=utf-8"), true},
		"a busy event stream":          {busy, true},
		"a stream of gRPC":             {quiet("application/grpc+proto"), true},
		"an answer of unknown length":  {quiet("application/x-ndjson"), false},
		"an answer that is cut in two": {quiet("multipart/mixed"), false},
	}
	for _, protocol := range []string{h1, h2c, h3} {
		for kind, k := range kinds {
			for ending, e := range endings {
				t.Run(protocol+", "+kind+": "+ending, func(t *testing.T) {
					h := build(t, protocol, k.serve)
					resp := h.get(t, protocol, http.MethodGet, nil)
					h.awaitOpen(t, 1)
					e.happens(h)
					if cut := e.long && !k.lasts || e.cutsLasting && k.lasts; !cut {
						h.wantOpen(t)
						return
					}
					_, err := io.Copy(io.Discard, resp.Body)
					if err == nil {
						t.Error("what was cut off ends as if it were whole")
					}
					h.awaitOpen(t, 0)
					h.wantCut(t, e.why)
				})
			}
		}
	}
}

// wantOpen demands that a stream is still open when the session was looked at.
func (h *house) wantOpen(t *testing.T) {
	t.Helper()
	h.settle(t)
	if h.watch.Open() != 1 || len(h.cuts) != 0 {
		t.Errorf("%d streams are open, and these were cut: %v", h.watch.Open(), h.cuts)
	}
}

// settle waits until a session was looked at anew.
func (h *house) settle(t *testing.T) {
	t.Helper()
	var before int
	h.with(func() { before = h.asked })
	h.watch.Missed()
	gatewaytest.Await(t, "the session was looked at", func() (looked bool) {
		h.with(func() { looked = h.asked > before })
		return looked
	})
}

func (h *house) wantCut(t *testing.T, why string) {
	t.Helper()
	if why == "" {
		return
	}
	gatewaytest.Await(t, "the cut is told of", func() (told bool) {
		h.with(func() { told = len(h.cuts) == 1 })
		return told
	})
	if c := h.cuts[0]; c.Why != why || c.Streams != 1 || c.Session.Key != h.key {
		t.Errorf("told of %+v, want it for %s", c, why)
	}
}

func TestNobodyIsCutOffWhileTheStoreCannotTell(t *testing.T) {
	h := build(t, h1, quiet("text/event-stream"))
	resp := h.get(t, h1, http.MethodGet, nil)
	h.awaitOpen(t, 1)
	h.with(func() { h.err = errors.New("the store is away") })
	h.watch.Changed(h.key)
	gatewaytest.Await(t, "it was asked for again and again", func() (again bool) {
		h.with(func() { again = h.asked >= 3 })
		return again
	})
	if h.watch.Open() != 1 {
		t.Fatal("somebody was cut off by a store that cannot tell")
	}
	h.with(func() { h.err = sessionstore.ErrNotFound })
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("what was cut off ends as if it were whole")
	}
}

func TestWhatIsToBeKeptIsKept(t *testing.T) {
	h := build(t, h1, quiet("text/event-stream"))
	h.kept = true
	h.get(t, h1, http.MethodGet, nil)
	h.awaitOpen(t, 1)
	h.with(func() { h.err = sessionstore.ErrNotFound })
	h.wantOpen(t)
}

func TestUploadsEndWithTheirSession(t *testing.T) {
	for _, protocol := range []string{h1, h2c, h3} {
		t.Run(protocol, func(t *testing.T) {
			failed := make(chan error, 1)
			h := build(t, protocol, func(_ http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(io.Discard, r.Body)
				failed <- err
			})
			sent, sends := io.Pipe()
			defer sends.Close()
			go func() {
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url, sent)
				if resp, err := transport(t, protocol).RoundTrip(req); err == nil {
					_ = resp.Body.Close()
				}
			}()
			for range 4 { // bytes flow in each second
				if _, err := sends.Write([]byte(strings.Repeat("x", 100))); err != nil {
					t.Fatal(err)
				}
				h.tick(streams.Tick)
			}
			gatewaytest.Await(t, "the upload is known", func() bool {
				_, _ = sends.Write([]byte("x"))
				h.tick(streams.Tick)
				return h.watch.Open() == 1
			})
			h.with(func() { h.err = sessionstore.ErrNotFound })
			h.watch.Changed(h.key)
			if err := <-failed; err == nil {
				t.Error("the app was given an upload that ended as if it were whole")
			}
		})
	}
}

func TestWhatIsShortIsNeverKnown(t *testing.T) {
	h := build(t, h1, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "2")
		_, _ = w.Write([]byte("ok"))
	})
	var most int64
	for range 10 {
		resp := h.get(t, h1, http.MethodGet, nil)
		_, _ = io.Copy(io.Discard, resp.Body)
		most = max(most, h.watch.Open())
	}
	if most != 0 {
		t.Errorf("%d short answers were watched", most)
	}
}

func TestAnAnswerThatTakesLongIsKnownByItsBytes(t *testing.T) {
	next := make(chan struct{}, 1)
	h := build(t, h1, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		for range next {
			if _, err := w.Write([]byte("x")); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
		}
	})
	defer close(next)
	next <- struct{}{}
	h.get(t, h1, http.MethodGet, nil)
	if h.watch.Open() != 0 {
		t.Fatal("an answer of a known length is watched from its beginning on")
	}
	h.tick(3 * streams.Tick)
	next <- struct{}{}
	h.awaitOpen(t, 1)
}

func TestBytesUnderWayAreActivity(t *testing.T) {
	for name, c := range map[string]struct {
		serve app
		used  bool
	}{
		"a busy stream":  {busy, true},
		"a quiet stream": {quiet("text/event-stream"), false},
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, h1, c.serve)
			resp := h.get(t, h1, http.MethodGet, nil)
			go func() { _, _ = io.Copy(io.Discard, resp.Body) }()
			h.awaitOpen(t, 1)
			h.tick(61 * streams.Tick) // a tenth of the idle time-out
			if !c.used {
				h.settle(t)
				if h.used != 0 {
					t.Error("nothing was sent, and that counts as activity")
				}
				return
			}
			gatewaytest.Await(t, "the activity is noted", func() (used bool) {
				h.with(func() { used = h.used > 0 })
				return used
			})
			h.settle(t)
			if h.used != 1 {
				t.Errorf("activity was noted %d times in a tenth of the idle time-out", h.used)
			}
		})
	}
}

func TestASubscriberHearsOfEachLook(t *testing.T) {
	h := build(t, h1, busy)
	type heard struct {
		there, expired bool
	}
	told := make(chan heard, 16)
	end := h.watch.Subscribe(nearcache.Uncached(h.session), func(now *nearcache.Entry, expired bool) {
		told <- heard{now != nil, expired}
	})
	h.watch.Changed(h.key)
	if got := <-told; got != (heard{there: true}) {
		t.Errorf("of a change it is told %+v", got)
	}
	h.expire(time.Hour)
	if got := <-told; got != (heard{expired: true}) {
		t.Errorf("of the end it is told %+v", got)
	}
	end()
	if h.watch.Open() != 0 {
		t.Error("a subscriber that has gone is still known")
	}
}
