package siting

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Watch notices, once in the life of a configuration, that people who were led to
// the login page do not find it: what only requests show. Nil notices nothing.
type Watch struct {
	login string
	tell  func(path, why string)
	led   atomic.Bool
	told  sync.Once
}

// NewWatch is for the login page at that path; tell is called once.
func NewWatch(login string, tell func(path, why string)) *Watch {
	return &Watch{login: login, tell: tell}
}

// Login is the path of the login page.
func (w *Watch) Login() string { return w.login }

// Led says that somebody is led to the login page.
func (w *Watch) Led() {
	if w != nil && !w.led.Load() { // it is written once: every core reads it
		w.led.Store(true)
	}
}

// Refused says that a session_auth has refused a path with that status.
func (w *Watch) Refused(status int, path string) {
	if w != nil && status == http.StatusUnauthorized && path == w.login && w.led.Load() {
		w.once("session_auth refused it")
	}
}

// Asked looks, when a request for the login page is done, whether
// session_endpoints has answered it.
func (w *Watch) Asked(r *http.Request) {
	if !w.led.Load() {
		return
	}
	answered := new(atomic.Bool) // it is read when the request is done, or its client gone
	caddyhttp.SetVar(r.Context(), answeredKey, answered)
	context.AfterFunc(r.Context(), func() {
		if !answered.Load() {
			w.once("no session_endpoints answered it")
		}
	})
}

// answeredKey is for what Asked and Answered know of one request.
const answeredKey = "sidegate.login_answered"

// Answered says that session_endpoints answers a request.
func (w *Watch) Answered(r *http.Request) {
	if w == nil || r.URL.Path != w.login {
		return
	}
	if answered, ok := caddyhttp.GetVar(r.Context(), answeredKey).(*atomic.Bool); ok {
		answered.Store(true)
	}
}

func (w *Watch) once(why string) { w.told.Do(func() { w.tell(w.login, why) }) }
