package endpoint_test

import (
	"compress/gzip"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestEventsComeFromAnotherGatewayToo(t *testing.T) {
	site := gatewaytest.Site{}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret)
	here, there := gatewaytest.StartProcess(t, site), gatewaytest.StartProcess(t, site)
	for name, c := range map[string]struct {
		do    func(c, other *gatewaytest.Client)
		event string
		ends  bool
	}{
		"another account": {func(c, _ *gatewaytest.Client) { c.Choose("globex").Want(c.T, http.StatusOK) }, `{"version":2,"reason":"account"}`, false},
		"a refresh":       {func(c, _ *gatewaytest.Client) { c.Post("/auth/refresh").Want(c.T, http.StatusOK) }, `{"version":2,"reason":"refreshed"}`, false},
		"a sign-out":      {func(c, _ *gatewaytest.Client) { c.Post("/auth/logout").Want(c.T, http.StatusNoContent) }, `{"version":1,"reason":"signed_out"}`, true},
		"a sign-out of this device by another": {func(c, other *gatewaytest.Client) {
			for _, d := range gatewaytest.DevicesOf(c) {
				if d.Current {
					other.Do(http.MethodDelete, "/auth/sessions/"+d.ID, "").Want(c.T, http.StatusNoContent)
				}
			}
		}, `{"version":1,"reason":"revoked"}`, true},
	} {
		for _, by := range []string{"cookie", "Bearer token"} {
			t.Run(name+", by "+by, func(t *testing.T) {
				client := there.WithCookie(t, gatewaytest.Ada)
				if by == "Bearer token" {
					client = there.WithToken(t, gatewaytest.Ada)
				}
				l := here.With(t, client.Cookie, client.Bearer).Listen()
				wantBegin(t, l)
				c.do(client, there.WithCookie(t, gatewaytest.Ada))
				if b := l.Next(); b.Event != "session" || b.Data != c.event {
					t.Errorf("heard %+v; want %s", b, c.event)
				}
				if c.ends {
					l.WantEnd()
				}
			})
		}
	}
}

// What is open may not hold a configuration up, and who listens is to come back to
// the next one.
func TestAReloadWaitsForNobodyWhoListens(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	c := p.WithCookie(t, gatewaytest.Ada)
	l := c.Listen()
	id := wantBegin(t, l)
	p.Site.Routes = gatewaytest.RoundRoutes(1)
	p.Reload()
	if b := l.Next(); b.Retry < 1000 || b.Retry > 2000 || b.Event != "" {
		t.Errorf("heard %+v", b)
	}
	l.WantEnd()
	again := c.Listen("Last-Event-ID", id)
	if now := wantBegin(t, again); now != id {
		t.Errorf("the id is %s, and was %s: nothing has changed", now, id)
	}
	c.Post("/auth/refresh").Want(t, http.StatusOK)
	wantEvent(t, again, 2, "refreshed")
}

func TestAGatewayThatStopsWaitsForNobodyWhoListens(t *testing.T) {
	for name, stop := range map[string]func(*gatewaytest.Process){
		"by a signal": func(p *gatewaytest.Process) { p.Terminate() },
		"by caddy stop": func(p *gatewaytest.Process) {
			resp, err := http.Post("http://"+p.Site.Admin+"/stop", "", nil)
			must(t, err)
			_ = resp.Body.Close()
			p.AwaitEnd()
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := gatewaytest.StartProcess(t, gatewaytest.Site{})
			l := p.WithCookie(t, gatewaytest.Ada).Listen()
			wantBegin(t, l)
			stop(p)
			if b := l.Next(); b.Retry < 1000 || b.Event != "" {
				t.Errorf("heard %+v", b)
			}
			l.WantEnd()
		})
	}
}

func TestCompressionHoldsNoEventBack(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: "route {\nencode gzip\nsession_endpoints\nrespond 404\n}"})
	c := s.WithCookie(t, gatewaytest.Ada)
	l := c.Listen("Accept-Encoding", "gzip", "Last-Event-ID", strings.Repeat("a", 16)+".1.AAAAAAAAAAA")
	if l.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("it is not compressed, which proves nothing: %v", l.Header)
	}
	unzipped, err := gzip.NewReader(l.Body)
	must(t, err)
	l.Read(unzipped)
	wantBegin(t, l)
	wantEvent(t, l, 1, "refreshed")
}

// A session_auth in front lets the request through, and ends what it has let through
// with its session; these tell of the end.
func TestEventsBehindASessionAuthTellOfTheEnd(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: "session_endpoints /auth/log*\nroute {\nsession_auth\nsession_endpoints\nrespond 404\n}"})
	c := s.WithCookie(t, gatewaytest.Ada)
	l := c.Listen()
	wantBegin(t, l)
	c.Post("/auth/logout").Want(t, http.StatusNoContent)
	wantEvent(t, l, 1, "signed_out")
	l.WantEnd()
}
