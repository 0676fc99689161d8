package endpoint_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
)

func TestEventsTellWhatBecomesOfASession(t *testing.T) {
	h := newHall(t, nil)
	c := h.signIn(t)
	l := c.Listen()
	id := wantBegin(t, l)
	if want := keyOf(t, c).ID() + ".1."; !strings.HasPrefix(id, want) {
		t.Errorf("the id is %s; want %s and more", id, want)
	}
	h.change(c, func(s *sessionstore.Session) { s.User.FlatRolesList = nil })
	first := wantEvent(t, l, 2, "permissions")

	// Of what is heard and changes nothing there is nothing to tell.
	s, err := h.store.Get(t.Context(), keyOf(t, c))
	must(t, err)
	must(t, h.store.Touch(t.Context(), s, h.now()))
	h.watch.Changed(s.Key)
	h.watch.Missed()

	c.Choose("globex").WantAccount(t, "globex")
	h.watch.Changed(s.Key)
	second := wantEvent(t, l, 3, "account")
	h.change(c, func(*sessionstore.Session) {})
	third := wantEvent(t, l, 4, "refreshed")
	if first.ID == second.ID || second.ID == third.ID {
		t.Errorf("ids are %s, %s, %s", first.ID, second.ID, third.ID)
	}
}

func TestEventsEndWithTheSession(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*hall, *gatewaytest.Client)
		want string
	}{
		"the person signs out": {func(_ *hall, c *gatewaytest.Client) { c.In(c.T).Post("/auth/logout").Want(c.T, http.StatusNoContent) }, "signed_out"},
		"the person signs this device out, on it": {func(_ *hall, c *gatewaytest.Client) {
			c.In(c.T).Do(http.MethodDelete, "/auth/sessions/"+keyOf(c.T, c).ID(), "").Want(c.T, http.StatusNoContent)
		}, "signed_out"},
		"the person signs this device out, on another one": {func(h *hall, c *gatewaytest.Client) {
			h.signIn(c.T).Do(http.MethodDelete, "/auth/sessions/"+keyOf(c.T, c).ID(), "").Want(c.T, http.StatusNoContent)
		}, "revoked"},
		"the person signs all other devices out": {func(h *hall, c *gatewaytest.Client) {
			h.signIn(c.T).Do(http.MethodDelete, "/auth/sessions", "").Want(c.T, http.StatusNoContent)
		}, "revoked"},
		"somebody else ends it": {func(h *hall, c *gatewaytest.Client) {
			_, err := h.store.Revoke(c.T.Context(), keyOf(c.T, c))
			must(c.T, err)
		}, "revoked"},
		"its time has come": {func(h *hall, c *gatewaytest.Client) {
			h.later.Add(int64(13 * time.Hour))
			h.watch.Tick(h.now())
		}, "expired"},
		"nothing was seen of the person for too long": {func(h *hall, c *gatewaytest.Client) {
			h.later.Add(int64(2 * time.Hour))
			h.watch.Tick(h.now())
		}, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHall(t, nil)
			client := h.signIn(t)
			l := client.Listen()
			wantBegin(t, l)
			c.end(h, client)
			h.watch.Changed(keyOf(t, client))
			wantEvent(t, l, 1, c.want)
			l.WantEnd()
			client.Get("/auth/events").Want(t, http.StatusUnauthorized)
		})
	}
}

// Activity that another gateway has noted puts the idle end off: what comes then is
// no expiry.
func TestASessionThatWasUsedElsewhereAndThenEndedIsNotToldToHaveExpired(t *testing.T) {
	h := newHall(t, nil)
	c := h.signIn(t)
	l := c.Listen()
	wantBegin(t, l)
	h.later.Add(int64(50 * time.Minute))
	s, err := h.store.Get(t.Context(), keyOf(t, c))
	must(t, err)
	must(t, h.store.Touch(t.Context(), s, h.now()))
	h.change(c, func(*sessionstore.Session) {})
	wantEvent(t, l, 2, "refreshed")
	h.later.Add(int64(50 * time.Minute))
	_, err = h.store.Revoke(t.Context(), s.Key)
	must(t, err)
	h.watch.Changed(s.Key)
	wantEvent(t, l, 2, "revoked")
}

func TestAClientThatComesBackHearsWhetherItHasMissedSomething(t *testing.T) {
	h := newHall(t, nil)
	for name, tt := range map[string]struct {
		last   func(now, old, others string) string
		missed bool
	}{
		"with nothing":           {func(string, string, string) string { return "" }, false},
		"with what is":           {func(now, _, _ string) string { return now }, false},
		"with what was":          {func(_, old, _ string) string { return old }, true},
		"with another session":   {func(_, _, others string) string { return others }, true},
		"with something made up": {func(string, string, string) string { return "x" }, false},
		"with a number that is none": {func(now, _, _ string) string {
			return now[:17] + "99999999999999999999" + now[18:]
		}, false},
		"with something long": {func(string, string, string) string { return strings.Repeat("a", 10_000) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := h.signIn(t)
			old, others := wantBegin(t, c.Listen()), wantBegin(t, h.signIn(t).Listen())
			h.change(c, func(s *sessionstore.Session) { s.User.FlatRolesList = nil })
			now := wantBegin(t, c.Listen())
			l := c.Listen("Last-Event-ID", tt.last(now, old, others))
			if id := wantBegin(t, l); id != now {
				t.Errorf("the id is %s; want %s", id, now)
			}
			if tt.missed {
				wantEvent(t, l, 2, "refreshed")
			}
			h.change(c, func(*sessionstore.Session) {})
			wantEvent(t, l, 3, "refreshed")
		})
	}
}

func TestEventsAreAnsweredAsTheSessionIs(t *testing.T) {
	h := newHall(t, nil)
	c := h.signIn(t)
	token := c.Get("/auth/session").Session(t).Token
	t.Run("by cookie, with these headers", func(t *testing.T) {
		l := c.In(t).Listen()
		for name, want := range map[string]string{
			"Content-Type": "text/event-stream", "Cache-Control": "private, no-store", "Vary": "Cookie, Authorization, X-Account-Id",
			"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin", "X-Accel-Buffering": "no",
			"Set-Cookie": "", "Content-Length": "", "Access-Control-Allow-Origin": "",
		} {
			gatewaytest.Answer{Response: l.Response}.WantHeader(t, name, want)
		}
	})
	t.Run("by Bearer token", func(t *testing.T) {
		wantBegin(t, (&gatewaytest.Client{T: t, Server: c.Server, Bearer: token}).Listen())
	})
	t.Run("a HEAD has the headers, and ends", func(t *testing.T) {
		c.In(t).Do(http.MethodHead, "/auth/events", "").Want(t, http.StatusOK).WantHeader(t, "Content-Type", "text/event-stream")
	})
	for name, tt := range map[string]struct {
		client *gatewaytest.Client
		header []string
		status int
		code   string
	}{
		"nobody":                           {&gatewaytest.Client{Server: c.Server}, nil, http.StatusUnauthorized, "unauthorized"},
		"a bad token beside a good cookie": {c, []string{"Authorization", "Bearer x"}, http.StatusUnauthorized, "unauthorized"},
		"an account of somebody else":      {c, []string{"X-Account-Id", "initech"}, http.StatusForbidden, "forbidden"},
		"two accounts":                     {c, []string{"X-Account-Id", "acme", "X-Account-Id", "globex"}, http.StatusBadRequest, "bad_request"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.client.In(t).Get("/auth/events", tt.header...).WantError(t, tt.status, tt.code)
		})
	}
	t.Run("another method", func(t *testing.T) {
		c.In(t).Post("/auth/events").Want(t, http.StatusMethodNotAllowed).WantHeader(t, "Allow", "GET, HEAD")
	})
}

func TestListeningIsNotActivity(t *testing.T) {
	h := newHall(t, func(_ *http.Server, a *endpoint.Audience) { a.Hasten(time.Millisecond, time.Minute) })
	c := h.signIn(t)
	before, err := h.store.Get(t.Context(), keyOf(t, c))
	must(t, err)
	h.later.Add(int64(30 * time.Minute))
	l := c.Listen()
	wantBegin(t, l)
	for range 100 { // of bytes that flow, in many seconds
		h.watch.Tick(h.now())
	}
	h.change(c, func(*sessionstore.Session) {})
	wantEvent(t, l, 2, "refreshed")
	after, err := h.store.Get(t.Context(), keyOf(t, c))
	must(t, err)
	if !after.LastSeenAt.Equal(before.LastSeenAt) {
		t.Errorf("last seen at %v, before at %v", after.LastSeenAt, before.LastSeenAt)
	}
}

func TestASessionHasSixteenStreams(t *testing.T) {
	h := newHall(t, nil)
	c := h.signIn(t)
	open := make([]*gatewaytest.Listening, 16)
	for i := range open {
		open[i] = c.Listen()
		wantBegin(t, open[i])
	}
	c.Get("/auth/events").WantError(t, http.StatusTooManyRequests, "too_many_requests")
	wantBegin(t, h.signIn(t).Listen()) // another session has its own
	open[3].Leave()
	gatewaytest.Await(t, "there is room again", func() bool { return c.Listen().StatusCode == http.StatusOK })
	h.change(c, func(*sessionstore.Session) {})
	wantEvent(t, open[15], 2, "refreshed")
}
