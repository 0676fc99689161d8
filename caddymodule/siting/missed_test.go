package siting_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/siting"
)

func TestALoginPageThatPeopleAreLedToAndDoNotFind(t *testing.T) {
	const login = "/auth/login"
	for _, c := range []struct {
		name string
		led  bool
		do   func(*siting.Watch, *http.Request)
		want int
	}{
		{"nobody answers", true, func(*siting.Watch, *http.Request) {}, 1},
		{"session_endpoints answers", true, func(w *siting.Watch, r *http.Request) { w.Answered(r) }, 0},
		{"session_auth refuses it", true, func(w *siting.Watch, r *http.Request) { w.Refused(http.StatusUnauthorized, login) }, 1},
		{"session_auth cannot tell", true, func(w *siting.Watch, r *http.Request) {
			w.Refused(http.StatusServiceUnavailable, login)
			w.Answered(r)
		}, 0},
		{"session_auth refuses another path", true, func(w *siting.Watch, r *http.Request) {
			w.Refused(http.StatusUnauthorized, "/x")
			w.Answered(r)
		}, 0},
		{"nobody was led there", false, func(*siting.Watch, *http.Request) {}, 0},
		{"nobody was led there, and it is refused", false, func(w *siting.Watch, r *http.Request) { w.Refused(http.StatusUnauthorized, login) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := 0
				w := siting.NewWatch(login, func(string, string) { told++ })
				if c.led {
					w.Led()
				}
				for range 2 { // it is told once
					ctx, done := context.WithCancel(t.Context())
					r := httptest.NewRequest(http.MethodGet, login, nil).WithContext(ctx)
					r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil)
					w.Asked(r)
					c.do(w, r)
					done()
					synctest.Wait()
				}
				if told != c.want {
					t.Errorf("it is told %d times; want %d", told, c.want)
				}
			})
		})
	}
}
