package endpoint_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/nearcache"
)

// member is somebody with two accounts, always the same.
type member struct{}

func (member) Name() string { return "member" }

func (member) SignIn(context.Context, login.Typed) (*profile.Person, error) {
	return &profile.Person{ID: 1, Email: "ada@example.com", Roles: []string{"editor"},
		Accounts: []sessionstore.Account{{AccountID: "acme", AccountName: "Acme"}, {AccountID: "globex", AccountName: "Globex"}}}, nil
}

// hall is a site that sessions are heard of at, behind a server of its own.
type hall struct {
	*httptest.Server
	t        testing.TB
	handler  http.Handler
	store    sessionstore.Store
	watch    *streams.Watch
	audience *endpoint.Audience
	later    atomic.Int64 // how far the clock is put forward
}

func (h *hall) now() time.Time { return time.Now().Add(time.Duration(h.later.Load())) }

// newHall is one whose server is configured so.
func newHall(t testing.TB, configure func(*http.Server, *endpoint.Audience)) *hall {
	t.Helper()
	h := &hall{t: t, watch: streams.NewWatch()}
	h.store = memory.New(h.now)
	c := configOf(t, h.store, endpoint.Logins{Passwords: []login.PasswordMethod{member{}}})
	verified, err := token.NewVerified(c.Ring, 0)
	must(t, err)
	c.Callers = caller.NewFinder(caller.Config{Store: h.store, Ring: c.Ring, Verified: verified, Cookie: cookieName,
		Bearers: caller.Bearers{Sites: c.Sites}, Trouble: deaf{}.Trouble})
	c.Streams, h.audience, c.Now = h.watch, c.Audience, h.now
	h.watch.Serve(&streams.Keeper{Lookup: c.Callers.Lookup, Now: h.now, Uses: func(*nearcache.Entry) {}, Cut: func(streams.Cut) {}})
	site := endpoint.New(c)
	h.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site.ServeHTTP(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil))
	})
	h.Server = httptest.NewUnstartedServer(h.handler)
	if configure != nil {
		configure(h.Config, h.audience)
	}
	h.Start()
	t.Cleanup(h.Close)
	return h
}

// signIn is a person with a session of their own.
func (h *hall) signIn(t testing.TB) *gatewaytest.Client {
	t.Helper()
	c := &gatewaytest.Client{T: t, Server: &gatewaytest.Server{URL: h.URL}}
	form := url.Values{"email": {"ada@example.com"}, "password": {"p"}}
	c.Do(http.MethodPost, "/auth/login", form.Encode(), "Content-Type", gatewaytest.AsForm, "Accept", "text/html").Want(t, http.StatusSeeOther)
	return c
}

func keyOf(t testing.TB, c *gatewaytest.Client) sessionstore.Key {
	t.Helper()
	_, value, _ := strings.Cut(c.Cookie, "=")
	secret, err := sessionstore.ParseSecret(value)
	must(t, err)
	return secret.Key()
}

// change writes the session, as another gateway does, and says so.
func (h *hall) change(c *gatewaytest.Client, change func(*sessionstore.Session)) {
	key := keyOf(c.T, c)
	s, err := h.store.Get(c.T.Context(), key)
	must(c.T, err)
	changed := *s
	change(&changed)
	_, err = h.store.Update(c.T.Context(), &changed)
	must(c.T, err)
	h.watch.Changed(key)
}

// wantEvent waits for an event of that version and reason.
func wantEvent(t testing.TB, l *gatewaytest.Listening, version uint64, reason string) gatewaytest.Block {
	t.Helper()
	b := l.Next()
	if want := fmt.Sprintf(`{"version":%d,"reason":%q}`, version, reason); b.Event != "session" || b.Data != want || b.ID == "" {
		t.Errorf("heard %+v; want %s", b, want)
	}
	return b
}

// wantBegin waits for the block that a stream begins with.
func wantBegin(t testing.TB, l *gatewaytest.Listening) (id string) {
	t.Helper()
	if l.StatusCode != http.StatusOK {
		t.Fatalf("answered with %s", l.Status)
	}
	b := l.Next()
	if b.Event != "" || b.Data != "" || b.ID == "" || b.Retry < 2000 || b.Retry > 5000 {
		t.Errorf("the stream begins with %+v", b)
	}
	return b.ID
}

// listen opens a stream by that client.
func (h *hall) listen(t testing.TB, by *http.Client, cookie string) *gatewaytest.Listening {
	t.Helper()
	ctx, leave := context.WithTimeout(t.Context(), gatewaytest.Patience)
	t.Cleanup(leave)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+"/auth/events", nil)
	must(t, err)
	req.Header.Set("Cookie", cookie)
	return gatewaytest.ListenTo(t, by, req, leave)
}

// sessionOf begins a session that no request is needed for.
func (h *hall) sessionOf(t testing.TB) (cookie string) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/auth/login", http.NoBody)
	r.PostForm = url.Values{"email": {"ada@example.com"}, "password": {"p"}}
	r.Header.Set("Content-Type", gatewaytest.AsForm)
	r.Header.Set("Accept", "text/html")
	h.handler.ServeHTTP(w, r)
	return cookieOf(t, w)
}
