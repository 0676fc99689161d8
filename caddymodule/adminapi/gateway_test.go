package adminapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule"
	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// operator is somebody at the admin endpoint.
type operator struct {
	t       testing.TB
	address string
}

// start runs a gateway with an admin endpoint, in this process.
func start(t testing.TB, site gatewaytest.Site) (*gatewaytest.Server, operator) {
	t.Helper()
	site.Admin = fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
	s, o := gatewaytest.Start(t, site), operator{t, site.Admin}
	if strings.Contains(site.Options, "store memory") {
		o.do(http.MethodDelete, "/sidegate/sessions?all=true").Want(t, http.StatusOK) // of the test before
	}
	return s, o
}

func (o operator) in(t testing.TB) operator { return operator{t, o.address} }

func (o operator) do(method, path string) gatewaytest.Answer {
	o.t.Helper()
	return o.send(method, path, nil)
}

func (o operator) send(method, path string, body io.Reader) gatewaytest.Answer {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, "http://"+o.address+path, body)
	if err != nil {
		o.t.Fatal(err)
	}
	resp, err := gatewaytest.NoRedirects.Do(req)
	if err != nil {
		o.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return gatewaytest.Answer{Response: resp, Body: string(text)}
}

// get reads what is there into the value.
func (o operator) get(path string, into any) {
	o.t.Helper()
	a := o.do(http.MethodGet, path).Want(o.t, http.StatusOK)
	a.WantHeader(o.t, "Cache-Control", "no-store")
	if err := json.Unmarshal([]byte(a.Body), into); err != nil {
		o.t.Fatalf("%s: %v in %s", path, err, a.Body)
	}
}

// wantFault checks an answer other than success, which says the next step.
func (o operator) wantFault(a gatewaytest.Answer, status int, words ...string) {
	o.t.Helper()
	var said struct {
		Error string `json:"error"`
	}
	err := json.Unmarshal([]byte(a.Body), &said)
	if a.StatusCode != status || err != nil {
		o.t.Errorf("got %d %s; want %d", a.StatusCode, a.Body, status)
	}
	for _, word := range words {
		if !strings.Contains(said.Error, word) {
			o.t.Errorf("%q says nothing of %q", said.Error, word)
		}
	}
}

type configured struct {
	Digest, Version string
	Since           time.Time
}

func TestTheGatewayTellsOfItself(t *testing.T) {
	begun := time.Now().Add(-time.Second)
	_, o := start(t, gatewaytest.Site{Options: "store memory"})
	var c configured
	o.get("/sidegate/config", &c)
	if len(c.Digest) != 16 || c.Version != caddymodule.Version || c.Since.Before(begun) {
		t.Errorf("the configuration is %+v", c)
	}
	var s struct{ Status string }
	if o.get("/sidegate/live", &s); s.Status != "live" {
		t.Errorf("got %+v", s)
	}
}

// Caddy makes admin routers before the apps of a configuration, and keeps them when it
// takes that configuration back.
func TestAfterAReloadThatFailsTheConfigurationInForceAnswers(t *testing.T) {
	s, o := start(t, gatewaytest.Site{Options: "store memory"})
	c := s.WithCookie(t, gatewaytest.Ada)
	id := gatewaytest.IDOf(t, c)
	var before, after configured
	var keys keyList
	o.get("/sidegate/config", &before)
	o.get("/sidegate/keys", &keys)
	bad := gatewaytest.Site{Options: "store memory\nlifetime 2h\nsecret \"" + gatewaytest.PresentSecret + "\"", Admin: o.address, Upstream: "127.0.0.1:9", Dir: s.Dir,
		Routes: "session_endpoints\nsession_auth\nreverse_proxy {upstream}"}
	config := gatewaytest.Adapt(t, strings.Replace(bad.Caddyfile(s), "bind 127.0.0.1", "bind 192.0.2.1", 1))
	if err := caddy.Load(config, true); err == nil {
		t.Fatal("a configuration is loaded that cannot listen")
	}
	o.get("/sidegate/config", &after)
	if before != after {
		t.Errorf("after a reload that failed it is %+v, and was %+v", after, before)
	}
	for _, path := range []string{"live", "ready"} {
		o.do(http.MethodGet, "/sidegate/"+path).Want(t, http.StatusOK)
	}
	var l pageOf
	var one seen
	var k keyList
	var n struct{ Count int }
	o.get("/sidegate/sessions?all=true", &l)
	o.get("/sidegate/sessions/"+id, &one)
	o.get("/sidegate/count", &n)
	o.get("/sidegate/keys", &k)
	if len(l.Sessions) != 1 || one.ID != id || n.Count != 1 || len(k.Keys) != len(keys.Keys) || k.Keys[0] != keys.Keys[0] {
		t.Errorf("after a reload that failed there are %+v, %+v, %+v; the keys are %+v, and were %+v", l, one, n, k, keys)
	}
	c.Get("/auth/session").Want(t, http.StatusOK) // and of its near cache it is dropped
	o.wantEnded("sessions/"+id, 1)
	c.Get("/auth/session").Want(t, http.StatusUnauthorized)
	o.wantEnded("sessions?all=true", 0)
}
