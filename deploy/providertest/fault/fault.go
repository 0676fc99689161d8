// Package fault makes servers of tests misbehave on command: slow, broken,
// gone in the middle of an answer. A Fault is a middleware; a Point is where
// one is switched on while the server runs.
package fault

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Fault stands between a request and the handler that would have answered it.
type Fault func(http.Handler) http.Handler

// Slow waits before the handler is asked. The handler is asked even if the
// client has gone meanwhile, as most servers do: a refresh token is then spent
// although nobody hears of the next one.
func Slow(wait time.Duration) Fault {
	return before(func() { <-time.After(wait) })
}

// SlowAnswer lets the handler do its work at once and waits with the answer.
func SlowAnswer(wait time.Duration) Fault {
	return Rewrite(func(*http.Request, *Answer) { <-time.After(wait) })
}

// Held is Slow until the gate is closed.
func Held(gate <-chan struct{}) Fault {
	return before(func() { <-gate })
}

// HeldAnswer is SlowAnswer until the gate is closed.
func HeldAnswer(gate <-chan struct{}) Fault {
	return Rewrite(func(*http.Request, *Answer) { <-gate })
}

func before(wait func()) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = settled(r)
			wait()
			next.ServeHTTP(w, r)
		})
	}
}

// maxBody bounds what is read of a request before it is its turn.
const maxBody = 1 << 20

// settled is the request as it no longer needs its connection: with its body
// read, and not cancelled when the client leaves.
func settled(r *http.Request) *http.Request {
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxBody)) // cut short it stays
	r = r.WithContext(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r
}

// Status answers with that status instead of the handler, which is not asked.
func Status(status int) Fault {
	return instead(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, http.StatusText(status), status)
	})
}

// HTML answers 200 with a page instead of the handler, as a proxy in between
// does that wants somebody to sign in.
func HTML() Fault {
	return instead(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><title>Welcome</title><p>Please sign in to the network.")
	})
}

// Redirected sends the client elsewhere (302) instead of asking the handler.
func Redirected(to string) Fault {
	return instead(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to, http.StatusFound)
	})
}

// Huge answers 200 with a JSON object of that many bytes at least, instead of
// the handler.
func Huge(size int) Fault {
	return instead(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		line := strings.Repeat("x", 1<<12)
		_, err := io.WriteString(w, `{"filler":"`)
		for sent := 0; sent < size && err == nil; sent += len(line) {
			_, err = io.WriteString(w, line)
		}
		_, _ = io.WriteString(w, `"}`)
	})
}

func instead(answer http.HandlerFunc) Fault {
	return func(http.Handler) http.Handler { return answer }
}

// Refused closes the connection without asking the handler.
func Refused() Fault {
	return instead(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
}

// Truncated answers the first half of what the handler says, as if that were
// all of it.
func Truncated() Fault {
	return Rewrite(func(_ *http.Request, a *Answer) { a.Body = a.Body[:len(a.Body)/2] })
}

// Dropped lets the handler do its work and ends the connection in the middle
// of its answer.
func Dropped() Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := answerOf(next, settled(r))
			a.sendHeader(w)
			_, _ = w.Write(a.Body[:len(a.Body)/2])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
	}
}

// Times applies the fault to the next n requests, and then no more.
func Times(n int, f Fault) Fault {
	var left atomic.Int64
	left.Store(int64(n))
	return func(next http.Handler) http.Handler {
		broken := f(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if left.Add(-1) >= 0 {
				broken.ServeHTTP(w, r)
			} else {
				next.ServeHTTP(w, r)
			}
		})
	}
}

// All applies several faults, the first outermost: Slow and then Dropped waits
// first.
func All(faults ...Fault) Fault {
	return func(next http.Handler) http.Handler {
		for i := len(faults) - 1; i >= 0; i-- {
			next = faults[i](next)
		}
		return next
	}
}
