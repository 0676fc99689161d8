package caller_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// serverWriter is a response as a server has it, with the ways around Write.
type serverWriter struct {
	*httptest.ResponseRecorder
	read, flushed bool
}

func (s *serverWriter) ReadFrom(r io.Reader) (int64, error) {
	s.read = true
	return io.Copy(s.ResponseRecorder, r)
}

func (s *serverWriter) FlushError() error { s.flushed = true; s.Flush(); return nil }

// guarded is a response behind a handler of ours, to which an app has said that
// the session cookie is another.
func guarded(t *testing.T) (*caller.Remembered, *serverWriter, http.ResponseWriter) {
	t.Helper()
	under := &serverWriter{ResponseRecorder: httptest.NewRecorder()}
	r := caddyhttp.PrepareRequest(httptest.NewRequest(http.MethodGet, "/app", nil), caddy.NewReplacer(), under, nil)
	v := caller.Remember(r)
	w, first := v.Guard(under, &caller.Credentials{Cookie: "sidegate", Attempts: "sidegate-attempt-"})
	if !first {
		t.Fatal("it is said to be guarded already")
	}
	w.Header().Add("Set-Cookie", "sidegate=forged")
	w.Header().Add("Set-Cookie", "theme=dark")
	return v, under, w
}

func TestNoWayToWriteAnAnswerGoesAroundTheGuard(t *testing.T) {
	for name, write := range map[string]func(*testing.T, *serverWriter, http.ResponseWriter){
		"WriteHeader": func(_ *testing.T, _ *serverWriter, w http.ResponseWriter) { w.WriteHeader(http.StatusTeapot) },
		"Write":       func(_ *testing.T, _ *serverWriter, w http.ResponseWriter) { _, _ = io.WriteString(w, "x") },
		"ReadFrom, which stays the server's own": func(t *testing.T, s *serverWriter, w http.ResponseWriter) {
			_, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader("x")})
			if !s.read {
				t.Error("the server's own ReadFrom was not used")
			}
		},
		"Flush by a controller": func(t *testing.T, s *serverWriter, w http.ResponseWriter) {
			if err := http.NewResponseController(w).Flush(); err != nil || !s.flushed {
				t.Errorf("not flushed: %v", err)
			}
		},
		"Flush by itself": func(t *testing.T, s *serverWriter, w http.ResponseWriter) {
			if w.(http.Flusher).Flush(); !s.flushed {
				t.Error("not flushed")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			v, under, w := guarded(t)
			write(t, under, w)
			v.Unguard()
			if got := under.Result().Header.Values("Set-Cookie"); len(got) != 1 || got[0] != "theme=dark" {
				t.Errorf("Set-Cookie: %q", got)
			}
		})
	}
}

func TestAnAnswerIsWrappedOnceARequest(t *testing.T) {
	v, under, w := guarded(t)
	if again, first := v.Guard(w, new(caller.Credentials)); first || again != w {
		t.Error("it was wrapped again")
	}
	v.Unguard()
	if _, first := v.Guard(under, new(caller.Credentials)); !first {
		t.Error("the response of an error route is not guarded")
	}
}

func TestGuardingAnAnswerCostsNoAllocation(t *testing.T) {
	v, under, _ := guarded(t)
	ours := &caller.Credentials{Cookie: "sidegate", Attempts: "sidegate-attempt-"}
	h := under.Header()
	clear(h)
	h["Server"], h["Content-Type"] = []string{"x"}, []string{"y"}
	if n := testing.AllocsPerRun(100, func() {
		v.Unguard()
		w, _ := v.Guard(under, ours)
		_, _ = w.Write(nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Else nobody would know why an app's way to sign people out does nothing.
func TestACookieThatAnAppOverwritesIsTold(t *testing.T) {
	for line, want := range map[string]int{"sidegate=; Max-Age=0": 1, "theme=dark": 0} {
		under, told := httptest.NewRecorder(), 0
		r := caddyhttp.PrepareRequest(httptest.NewRequest(http.MethodGet, "/app", nil), caddy.NewReplacer(), under, nil)
		v := caller.Remember(r)
		w, _ := v.Guard(under, &caller.Credentials{Cookie: "sidegate", Attempts: "sidegate-attempt-", Overwritten: func() { told++ }})
		w.Header().Add("Set-Cookie", line)
		w.WriteHeader(http.StatusOK)
		if told != want {
			t.Errorf("of %s it is told %d times", line, told)
		}
	}
}

// Who is signed in gets no further from the login page.
func TestAnAppThatLeadsBackToTheLoginPageIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		to      string
		told    bool
		noticed bool
	}{
		"somebody who is signed in":           {303, "/auth/login?return_to=%2F", true, true},
		"with another redirect":               {302, "/auth/login", true, true},
		"to the one provider":                 {303, "/auth/login/sso?return_to=%2F", true, true},
		"somebody who is not signed in":       {303, "/auth/login?return_to=%2F", false, false},
		"to a page of the app's by that name": {303, "/auth/logins", true, false},
		"elsewhere":                           {303, "/", true, false},
		"in no redirect":                      {200, "/auth/login", true, false},
	} {
		for order, tellFirst := range map[string]bool{"told first": true, "guarded first": false} {
			noticed := 0
			under := httptest.NewRecorder()
			r := caddyhttp.PrepareRequest(httptest.NewRequest(http.MethodGet, "/app", nil), caddy.NewReplacer(), under, nil)
			v := caller.Remember(r)
			if c.told && tellFirst {
				v.Told()
			}
			w, _ := v.Guard(under, &caller.Credentials{Login: "/auth/login", LedBack: func() { noticed++ }})
			if c.told && !tellFirst {
				v.Told()
			}
			w.Header().Set("Location", c.to)
			w.WriteHeader(c.status)
			w.WriteHeader(c.status)
			if noticed > 1 || noticed == 1 != c.noticed {
				t.Errorf("%s, %s: it is noticed %d times", name, order, noticed)
			}
		}
	}
}

// What is under way of the app's is activity of the person; an event stream of ours
// would keep somebody signed in who is not there.
func TestAnAnswerOfOurOwnIsNobodysActivity(t *testing.T) {
	for name, own := range map[string]bool{"of ours": true, "of the app's": false} {
		t.Run(name, func(t *testing.T) {
			v, under, w := guarded(t)
			watch := streams.NewWatch()
			e := nearcache.Uncached(&sessionstore.Session{ExpiresAt: time.Now().Add(time.Hour)})
			r := httptest.NewRequest(http.MethodGet, "/auth/events", nil)
			v.Opens(watch, under, r, e, streams.Asked{}, nil)
			defer v.Closes()
			if own {
				v.OwnAnswer()
			}
			w.Header().Set("Content-Type", "text/event-stream")
			for range 5 {
				_, _ = io.WriteString(w, "x")
				watch.Tick(time.Now())
			}
			if open := watch.Open() > 0; open == own {
				t.Errorf("it is watched: %v", open)
			}
		})
	}
}
