package app_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/app"
)

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the password went elsewhere") })
	for _, status := range []int{301, 302, 303, 307, 308} {
		_, err := signIn(t, newLogin(t, app.Config{URL: serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere+"/?p=hunter2")
			w.WriteHeader(status)
		})}))
		if err == nil || !strings.Contains(err.Error(), "redirects are not followed") {
			t.Fatalf("%d: got %v", status, err)
		}
	}
}

func TestAnAppThatIsDownIsTrouble(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	t.Run("nobody listens", func(t *testing.T) {
		if _, err := signIn(t, newLogin(t, app.Config{URL: gone.URL})); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("it hangs", func(t *testing.T) {
		url := serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() })
		_, err := signIn(t, newLogin(t, app.Config{URL: url, Timeout: 50 * time.Millisecond}))
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, login.ErrUnknown) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("it hangs up, and is asked once", func(t *testing.T) {
		var asked atomic.Int32
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				c.Close()
			}
		})
		if _, err := signIn(t, newLogin(t, app.Config{URL: url})); err == nil || asked.Load() != 1 {
			t.Fatalf("got %v after %d attempts: each may count at the app", err, asked.Load())
		}
	})
	t.Run("it sends back the question as a status line", func(t *testing.T) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			question, _ := io.ReadAll(r.Body)
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = c.Write(append([]byte("HTTP/1.1 "), append(question, "\r\n\r\n"...)...))
				c.Close()
			}
		})
		if _, err := signIn(t, newLogin(t, app.Config{URL: url})); err == nil || errors.Is(err, login.ErrUnknown) {
			t.Fatalf("got %v", err)
		}
	})
}

// serveRaw answers a question with those bytes, and hangs up.
func serveRaw(t *testing.T, raw string) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = io.WriteString(c, raw)
			c.Close()
		}
	})
}

// An app that has seen the password chooses how it answers: were what cannot be
// read an outage, a hundred more could be tried.
func TestAnAnswerThatCannotBeReadIsOneAllTheSame(t *testing.T) {
	const refusal, trouble, down = "a refusal", "trouble", "an outage"
	for name, c := range map[string]struct{ raw, want string }{
		"no HTTP":                           {"hello\r\n\r\n", trouble},
		"a status that is no number":        {"HTTP/1.1 abc No\r\n\r\n", trouble},
		"a status beyond all":               {"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n", trouble},
		"headers without end":               {"HTTP/1.1 401 No\r\nX: " + strings.Repeat("x", 1<<18) + "\r\n\r\n", trouble},
		"two lengths":                       {"HTTP/1.1 401 No\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", trouble},
		"a beginning and no end":            {"HTTP/1.1 100 Continue\r\n\r\n", trouble},
		"a yes that is cut short":           {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", trouble},
		"a no that is cut short":            {"HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\n{", refusal},
		"a no in chunks that are none":      {"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", refusal},
		"an outage that is cut short":       {"HTTP/1.1 503 Down\r\nContent-Length: 100\r\n\r\n{", down},
		"a flood's answer that is cut":      {"HTTP/1.1 429 Wait\r\nContent-Length: 100\r\n\r\n{", down},
		"nothing: the app may have crashed": {"", down},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := signIn(t, newLogin(t, app.Config{URL: serveRaw(t, c.raw)}))
			answered, _ := errors.AsType[*login.Answered](err)
			if errors.Is(err, login.ErrUnknown) != (c.want == refusal) || (answered != nil) != (c.want != refusal) ||
				answered != nil && answered.Down != (c.want == down) {
				t.Errorf("got %#v, want %s", err, c.want)
			}
		})
	}
	hanging := func(status int) error {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(status)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		_, err := signIn(t, newLogin(t, app.Config{URL: url, Timeout: 50 * time.Millisecond}))
		return err
	}
	t.Run("a no whose body never ends", func(t *testing.T) {
		if err := hanging(401); !errors.Is(err, login.ErrUnknown) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a yes whose body never ends is out of time", func(t *testing.T) {
		if answered, ok := errors.AsType[*login.Answered](hanging(200)); !ok || !answered.Down {
			t.Errorf("got %v", answered)
		}
	})
}

func TestAClientThatIsGoneIsNoRefusal(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	if _, err := newLogin(t, app.Config{URL: url}).SignIn(ctx, login.Typed{Name: email, Password: canary}); !errors.Is(err, context.Canceled) || errors.Is(err, login.ErrUnknown) {
		t.Fatalf("got %v", err)
	}
}

func TestASignInFloodIsBounded(t *testing.T) {
	const most, waiting = 64, 64
	var open, peak atomic.Int32
	arrived, release := make(chan struct{}, most+waiting+1), make(chan struct{})
	l := newLogin(t, app.Config{URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := open.Add(1)
		for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
		}
		arrived <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
		open.Add(-1)
		w.WriteHeader(http.StatusOK)
	})})
	done, known := make(chan error, most+waiting), make(chan error, 1)
	from := func(turn login.Turn, ended chan<- error) {
		_, err := l.SignIn(context.Background(), login.Typed{Name: email, Password: canary, Turn: turn})
		ended <- err
	}
	for range most {
		go from(login.Turn{}, done)
	}
	for range most {
		<-arrived
	}
	for range waiting {
		go from(login.Turn{Failed: 1}, done)
	}
	for giveUp := time.Now().Add(2 * time.Minute); l.Waiting() < waiting; runtime.Gosched() {
		if time.Now().After(giveUp) {
			t.Fatalf("%d wait for the app", l.Waiting())
		}
	}
	if _, err := l.SignIn(t.Context(), login.Typed{Name: email, Password: canary, Turn: login.Turn{Failed: 2}}); err != login.ErrBusy {
		t.Errorf("one more: got %v, want ErrBusy", err)
	}
	go from(login.Turn{Known: login.KnownBoth}, known)
	if err := <-done; err != login.ErrBusy {
		t.Errorf("in the place of who is known: got %v, want ErrBusy", err)
	}
	close(release)
	for range most + waiting - 1 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := <-known; err != nil {
		t.Errorf("who is known got %v", err)
	}
	if _, err := signIn(t, l); err != nil {
		t.Errorf("after the flood: %v", err)
	}
	if peak.Load() > most {
		t.Errorf("%d sign-ins were with the app at once", peak.Load())
	}
}
