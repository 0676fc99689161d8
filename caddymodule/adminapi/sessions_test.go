package adminapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// seen is a session as operators see it.
type seen struct {
	ID, Email, Method, Address, UserAgent           string
	User                                            int64
	CreatedAt, LastSeenAt, ExpiresAt, IdleExpiresAt time.Time
}

type pageOf struct {
	Sessions   []seen
	Cursor     string
	Unreadable int
}

func TestAnOperatorSeesSessionsAndEndsThem(t *testing.T) {
	for name, site := range gatewaytest.Stores(t) {
		t.Run(name, func(t *testing.T) {
			s, o := start(t, site)
			ada, adaElsewhere, grace := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Grace)
			alive := func(c *gatewaytest.Client, want bool) {
				t.Helper()
				status := map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}[want]
				c.Server.With(t, c.Cookie, "").Get("/auth/session").Want(t, status)
			}
			var list pageOf
			o.get("/sidegate/sessions?user=1", &list)
			if len(list.Sessions) != 2 || list.Cursor != "" || list.Unreadable != 0 {
				t.Fatalf("of ada there are %+v", list)
			}
			device := gatewaytest.DevicesOf(ada)[0]
			i := slices.IndexFunc(list.Sessions, func(s seen) bool { return s.ID == device.ID })
			if i < 0 {
				t.Fatalf("%s is not among %+v", device.ID, list)
			}
			got := list.Sessions[i]
			if got.User != 1 || got.Email != gatewaytest.Ada || got.Method != "users" || got.Address != "127.0.0.1" || !strings.HasPrefix(got.UserAgent, "Go-http-client") ||
				!got.CreatedAt.Equal(device.CreatedAt) || !got.ExpiresAt.Equal(device.ExpiresAt) || got.IdleExpiresAt.IsZero() || got.CreatedAt.Location() != time.UTC {
				t.Errorf("it is %+v; its person sees %+v", got, device)
			}
			var one seen
			if o.get("/sidegate/sessions/"+got.ID+"?user=1", &one); one.ID != got.ID {
				t.Errorf("by its id it is %+v", one)
			}
			for query, want := range map[string]int{"all=true": 3, "login=users": 3, "login=sso": 0, "email=GRACE@example.com": 1, "user=3": 0} {
				var l pageOf
				if o.get("/sidegate/sessions?"+query, &l); len(l.Sessions) != want {
					t.Errorf("%s: %d; want %d", query, len(l.Sessions), want)
				}
			}
			var c struct {
				Count int
				At    time.Time
			}
			if o.get("/sidegate/count", &c); c.Count != 3 || c.At.IsZero() {
				t.Errorf("counted %+v", c)
			}
			alive(ada, true) // which has the near cache hold it
			o.wantEnded("sessions/"+gatewaytest.IDOf(t, ada), 1)
			alive(ada, false)
			alive(adaElsewhere, true)
			o.wantEnded("sessions?user=1", 1)
			alive(adaElsewhere, false)
			alive(grace, true)
			o.wantEnded("sessions?email=grace@example.com", 1)
			alive(grace, false)
			for _, query := range []string{"login=users", "all=true"} {
				again := s.WithCookie(t, gatewaytest.Ada)
				alive(again, true)
				o.wantEnded("sessions?"+query, 1)
				alive(again, false)
			}
			o.wantEnded("sessions?all=true", 0)
		})
	}
}

func (o operator) wantEnded(path string, want int) {
	o.t.Helper()
	a := o.do(http.MethodDelete, "/sidegate/"+path).Want(o.t, http.StatusOK)
	var got struct{ Ended int }
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || got.Ended != want {
		o.t.Errorf("%s: %s; want %d", path, a.Body, want)
	}
}

// Whoever pipes an answer to a terminal sees what a stranger has called their browser.
func TestNoAnswerHoldsWhatTurnsATerminalAround(t *testing.T) {
	s, o := start(t, gatewaytest.Site{Options: "store memory"})
	const agent = "x\u202ey\u009b2J"
	s.Client(t).Do("POST", "/auth/login", url.Values{"username": {gatewaytest.Ada}, "password": {gatewaytest.Password}}.Encode(),
		"Content-Type", gatewaytest.AsForm, "User-Agent", agent, "Origin", s.URL)
	a := o.do(http.MethodGet, "/sidegate/sessions?user=1").Want(t, http.StatusOK)
	var l pageOf
	if err := json.Unmarshal([]byte(a.Body), &l); err != nil || len(l.Sessions) != 1 || l.Sessions[0].UserAgent != agent || strings.ContainsAny(a.Body, "\u202e\u009b") {
		t.Errorf("%v: %q", err, a.Body)
	}
}

// The desk of a configuration before has the sessions of another store.
func TestAfterAReloadToAnotherStoreThatOneIsAsked(t *testing.T) {
	site := gatewaytest.Site{Options: "store memory"}
	s, o := start(t, site)
	s.WithCookie(t, gatewaytest.Ada)
	var before, after configured
	o.get("/sidegate/config", &before)
	count := func(want int) {
		t.Helper()
		var l pageOf
		if o.get("/sidegate/sessions?all=true", &l); len(l.Sessions) != want {
			t.Errorf("there are %d; want %d", len(l.Sessions), want)
		}
	}
	count(1)
	site.Admin, site.Options = o.address, "lifetime 3h\nstore memory"
	s.Replace(t, site)
	if o.get("/sidegate/config", &after); before.Digest == after.Digest || !after.Since.After(before.Since) {
		t.Errorf("the configuration is %+v, and was %+v", after, before)
	}
	count(1)
	site.Options = "store embedded " + filepath.Join(t.TempDir(), "sessions.db")
	s.Replace(t, site)
	count(0)
}

// What a configuration does not have is said, with what to do.
func TestACaddyWithoutTheAppSaysSo(t *testing.T) {
	o := operator{t, fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))}
	gatewaytest.Load(t, fmt.Sprintf("{\nadmin %s\npersist_config off\n}\n", o.address))
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	for _, path := range []string{"live", "ready", "config", "keys", "count", "sessions?all=true", "sessions/AAAAAAAAAAAAAAAA"} {
		o.wantFault(o.do(http.MethodGet, "/sidegate/"+path), http.StatusNotFound, "no sidegate app", "global options")
	}
	o.wantFault(o.do(http.MethodDelete, "/sidegate/sessions?all=true"), http.StatusNotFound, "no sidegate app")
}

type keyList struct {
	Keys []struct {
		ID, Use, Algorithm, SinceIs string
		Present                     bool
		Since                       time.Time
	}
}

func TestKeysAreNamedWithSinceWhen(t *testing.T) {
	secrets := func(list ...string) string {
		options := "store memory"
		for _, secret := range list {
			options += fmt.Sprintf("\nsecret %q", secret)
		}
		return options
	}
	begun := time.Now().Add(-time.Second)
	site := gatewaytest.Site{Options: secrets(gatewaytest.FormerSecret)}
	s, o := start(t, site)
	var first, second keyList
	o.get("/sidegate/keys", &first)
	if len(first.Keys) != 2 || first.Keys[0].Use != "sealing" || first.Keys[1].Use != "signing" || first.Keys[1].Algorithm != "ES256" {
		t.Fatalf("the keys are %+v", first)
	}
	for _, k := range first.Keys {
		if k.ID == "" || !k.Present || k.SinceIs != "in force here" || k.Since.Before(begun) {
			t.Errorf("one is %+v", k)
		}
	}
	if jwks := s.Client(t).Get("/auth/.well-known/jwks.json"); !strings.Contains(jwks.Body, first.Keys[1].ID) {
		t.Errorf("%s is not in %s", first.Keys[1].ID, jwks.Body)
	}
	site.Admin, site.Options = o.address, secrets(gatewaytest.PresentSecret, gatewaytest.FormerSecret)
	s.Replace(t, site)
	o.get("/sidegate/keys", &second)
	if len(second.Keys) != 4 || second.Keys[0].ID == first.Keys[0].ID || second.Keys[1].Present {
		t.Fatalf("the keys are %+v", second)
	}
	if former := second.Keys[1]; former.ID != first.Keys[0].ID || !former.Since.Equal(first.Keys[0].Since) || !second.Keys[0].Since.After(former.Since) {
		t.Errorf("the keys are %+v, and were %+v", second, first)
	}
}

// One that was made here is as old as its file.
func TestOfASecretThatWasMadeHereItIsKnownWhen(t *testing.T) {
	_, o := start(t, gatewaytest.Site{Options: "store memory"})
	var l keyList
	o.get("/sidegate/keys", &l)
	for _, k := range l.Keys {
		if k.SinceIs != "made" || time.Since(k.Since) > time.Hour {
			t.Errorf("one is %+v", k)
		}
	}
}

func TestAGatewayIsReadyWhileItsStoreAnswers(t *testing.T) {
	redis := redistest.Start(t)
	site := gatewaytest.Site{Hasty: true}.OnRedis(redis, gatewaytest.PresentSecret)
	_, o := start(t, site)
	ready := func() bool { return o.do(http.MethodGet, "/sidegate/ready").StatusCode == http.StatusOK }
	gatewaytest.Await(t, "it is ready", ready)
	redis.Kill()
	gatewaytest.Await(t, "it is not", func() bool { return !ready() })
	o.wantFault(o.do(http.MethodGet, "/sidegate/ready"), http.StatusServiceUnavailable, "the session store gives no answer", "look whether it runs")
	o.do(http.MethodGet, "/sidegate/live").Want(t, http.StatusOK)
	for _, asked := range []string{"GET sessions?all=true", "GET sessions?user=1", "GET sessions/AAAAAAAAAAAAAAAA", "DELETE sessions/AAAAAAAAAAAAAAAA?user=1", "DELETE sessions?all=true", "GET count"} {
		method, path, _ := strings.Cut(asked, " ")
		o.wantFault(o.do(method, "/sidegate/"+path), http.StatusServiceUnavailable, "nothing can be told")
	}
}

// The user of the store lacks one right, which no request needs: the store answers.
func TestAStoreThatMayNotBeLookedThroughIsNotSaidToBeAway(t *testing.T) {
	redis := redistest.Start(t, redistest.ACLUser("sidegate", "right", "~sidegate:*", "&sidegate:*", "+@all", "-@admin", "-@dangerous", "-scan"))
	s, o := start(t, gatewaytest.Site{}.OnRedis(redis, gatewaytest.PresentSecret))
	c := s.WithCookie(t, gatewaytest.Ada)
	for _, asked := range []string{"GET sessions?all=true", "GET sessions/AAAAAAAAAAAAAAAA", "DELETE sessions/AAAAAAAAAAAAAAAA", "DELETE sessions?all=true", "GET count"} {
		method, path, _ := strings.Cut(asked, " ")
		a := o.do(method, "/sidegate/"+path)
		o.wantFault(a, http.StatusServiceUnavailable, "ACL SETUSER <user> +scan", "session store has answered")
		if strings.Contains(a.Body, "no answer") || !strings.HasPrefix(a.Body, `{"error":"ACL SETUSER`) {
			t.Errorf("%s: %s", asked, a.Body)
		}
	}
	var own pageOf
	if o.get("/sidegate/sessions?user=1", &own); len(own.Sessions) == 0 {
		t.Error("a person's sessions are not found, for which the right is not needed")
	}
	c.Get("/auth/session").Want(t, http.StatusOK)
}

// Who may open the socket may ask: no port is open, and no page of a browser comes there.
func TestTheAdminEndpointMayBeASocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "admin.sock")
	site := gatewaytest.Site{Options: "store memory", Admin: "unix/" + socket + "|0220"}
	s := gatewaytest.Start(t, site)
	own := gatewaytest.IDOf(t, s.WithCookie(t, gatewaytest.Ada))
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://localhost/sidegate/sessions?all=true")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	var l pageOf
	if err != nil || json.Unmarshal(text, &l) != nil || !slices.ContainsFunc(l.Sessions, func(s seen) bool { return s.ID == own }) {
		t.Errorf("got %d %s", resp.StatusCode, text)
	}
}
