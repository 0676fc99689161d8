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
	l := newLogin(t, app.Config{URL: serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n := open.Add(1)
		for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
		}
		arrived <- struct{}{}
		<-release
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
