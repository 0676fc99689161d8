package endpoint

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore/memory"
)

// Whether there is no place, or the client leaves the one they wait at: it is
// free as often as a crowd needs, and no more.
func TestASignInWithoutAPlaceIsNotFree(t *testing.T) {
	for name, why := range map[string]error{
		"who is sent away":        login.ErrBusy,
		"who leaves the queue":    context.Canceled,
		"at the second of logins": &login.Answered{Err: login.ErrBusy, Down: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := passwordLogin{throttle: login.NewThrottle(memory.New(time.Now), login.Limits{})}
			l.events, l.pages.address.Sites = silent{}, new(origin.Sites)
			l.passwords = []login.PasswordMethod{slow{hands: new(hands), name: "users", says: map[string]error{"ada@example.com": why}}}
			n := 0
			for ; n < 1000; n++ {
				r := httptest.NewRequest(http.MethodPost, "/auth/login", http.NoBody)
				r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{}))
				if got := l.authenticate(r, credentials{Email: "ada@example.com", Password: "whatever"}); got.why.Status == refusal.Attempts.Status {
					break
				}
			}
			if want := login.DefaultPerPairBusy + login.DefaultPerPair; n != want {
				t.Errorf("%d were let through before 429, want %d", n, want)
			}
		})
	}
}

// Refusals for which an app was not asked come at once. Would the floor follow
// them, the time of the others would tell who is in a users file.
func TestARefusalForWhichNobodyWasAskedDoesNotLowerTheFloor(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		lower bool
	}{
		"of a name that is nobody's there": {&login.Unclear{Err: login.ErrNotAsked}, false},
		"of what cannot be sent there":     {login.ErrNotAsked, false},
		"but one that was asked for does":  {login.ErrUnknown, true},
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			f := &floor{now: func() time.Time { return begun }, wait: func(context.Context, time.Duration) {}, usual: time.Second}
			l := passwordLogin{floor: f, passwords: []login.PasswordMethod{slow{name: "users"}, slow{name: "app"}}}
			l.events = silent{}
			r := httptest.NewRequest(http.MethodPost, "/auth/login", http.NoBody)
			r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{}))
			l.refused(r, "ada", nil, begun, c.err)
			if lower := f.usual < time.Second; lower != c.lower {
				t.Errorf("the floor is at %v", f.usual)
			}
		})
	}
}
