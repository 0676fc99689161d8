package faults_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// badNight is what happens to Redis while a gateway runs, and what the log says
// of it.
type badNight struct {
	name string
	// at is where the gateway looks for its store.
	at func(t *testing.T) (*redistest.Server, string)
	// begins has the night begin before the gateway starts; falls, after that
	// somebody has signed in.
	begins, falls, ends func(t *testing.T, srv *redistest.Server)
	// signedIn is what who is signed in is answered with meanwhile; nobody can
	// sign in.
	signedIn int
	// gone is what the line says, and what its error says.
	gone, reason string
	// advice is a further line, of what was seen when Redis first answered.
	advice string
}

const (
	awayLine  = "nobody can sign in or out: the session store does not answer"
	writeLine = "nobody can sign in: the session store takes no writes"
	backLine  = "people can sign in again: the session store answers, and takes writes"
)

func plain(opts ...redistest.Option) func(*testing.T) (*redistest.Server, string) {
	return func(t *testing.T) (*redistest.Server, string) {
		srv := redistest.Start(t, append(opts, redistest.AppendOnly())...)
		return srv, srv.URL()
	}
}

// told has the test's own connection ask for something.
func told(command ...any) func(*testing.T, *redistest.Server) {
	return func(t *testing.T, srv *redistest.Server) {
		if err := srv.Client().Do(t.Context(), command...).Err(); err != nil {
			t.Fatalf("%v: %v", command, err)
		}
	}
}

func killed(_ *testing.T, srv *redistest.Server)    { srv.Kill() }
func restarted(_ *testing.T, srv *redistest.Server) { srv.Restart() }

var badNights = []badNight{
	{name: "Redis is away when the gateway starts", at: plain(), begins: killed, ends: restarted,
		gone: awayLine, reason: "see whether redis is running there"},
	{name: "Redis goes under load, and comes back", at: plain(), falls: killed, ends: restarted, signedIn: http.StatusServiceUnavailable,
		gone: awayLine, reason: "redis"},
	{name: "Redis hangs, and goes on", at: plain(), signedIn: http.StatusServiceUnavailable,
		falls: func(_ *testing.T, srv *redistest.Server) { srv.Pause() }, ends: func(_ *testing.T, srv *redistest.Server) { srv.Resume() },
		gone: awayLine, reason: "redis did not answer in time"},
	{name: "Redis is full", at: plain(), falls: told("config", "set", "maxmemory", "1"), ends: told("config", "set", "maxmemory", "0"),
		signedIn: http.StatusOK, gone: writeLine, reason: "raise maxmemory, and keep maxmemory-policy noeviction"},
	{name: "Redis becomes a replica", at: plain(), falls: told("replicaof", "127.0.0.1", "1"), ends: told("replicaof", "no", "one"),
		signedIn: http.StatusOK, gone: writeLine, reason: "this server is a replica"},
	{name: "the gateway was given a replica", at: plain(), begins: told("replicaof", "127.0.0.1", "1"), ends: told("replicaof", "no", "one"),
		gone: writeLine, reason: "this server is a replica", advice: "this redis is a replica"},
	{name: "the password is another one", at: plain(redistest.ACLUser("sidegate", "pass", "~sidegate:*", "&sidegate:*", "+@all")),
		begins: told("acl", "setuser", "sidegate", "resetpass", ">another"), ends: told("acl", "setuser", "sidegate", "resetpass", ">pass"),
		gone: awayLine, reason: "check the user name and password of the store"},
	{name: "Redis speaks TLS and the gateway does not", at: func(t *testing.T) (*redistest.Server, string) {
		srv := redistest.Start(t, redistest.TLS())
		return srv, "redis://" + srv.Addr()
	}, gone: awayLine, reason: "whether it speaks TLS there"},
	{name: "the gateway speaks TLS and Redis does not", at: func(t *testing.T) (*redistest.Server, string) {
		srv := redistest.Start(t)
		return srv, "rediss://" + srv.Addr()
	}, gone: awayLine, reason: "seems not to speak TLS there"},
	{name: "Redis evicts", at: plain(redistest.Args("--maxmemory-policy", "allkeys-lru")), advice: "redis evicts when it is full (maxmemory-policy allkeys-lru"},
	{name: "Redis tells nothing of itself", at: plain(redistest.ACLUser("sidegate", "pass", "~sidegate:*", "&sidegate:*", "+@all", "-@admin", "-@dangerous")),
		advice: "its user may not ask INFO and ROLE"},
	{name: "nobody can sign out, for Redis takes no messages", at: plain(redistest.ACLUser("sidegate", "pass", "~sidegate:*", "&sidegate:*", "+@all", "-publish")),
		advice: "the user of redis lacks +publish"},
}

// What goes wrong at night is told in one line when it begins, and in one when it
// ends, however many ask meanwhile, and with nobody asking too.
func TestFaultBadNightsOfRedisAreTwoLines(t *testing.T) {
	for _, n := range badNights {
		t.Run(n.name, func(t *testing.T) {
			t.Parallel()
			n.run(t)
		})
	}
}

func (n badNight) run(t *testing.T) {
	srv, at := n.at(t)
	if n.begins != nil {
		n.begins(t, srv)
	}
	p := gatewaytest.NewProcess(t, gatewaytest.Site{Hasty: true, Options: fmt.Sprintf("store redis %s\nsecret %q\ncache off", at, rand.Text()+rand.Text())})
	p.Start()
	n.happens(t, srv, p)
	lines := troubleIn(t, &p.Log)
	var want []string
	if n.advice != "" {
		want = append(want, n.advice)
	}
	if n.gone != "" {
		want = append(want, n.gone)
	}
	if n.ends != nil {
		want = append(want, backLine)
	}
	if len(lines) != len(want) {
		t.Errorf("the log says\n%s\nwant %q", strings.Join(lines, "\n"), want)
	}
	for _, part := range append(want, n.reason) {
		if strings.Count(strings.Join(lines, "\n"), part) == 0 {
			t.Errorf("the log does not say %q:\n%s", part, strings.Join(lines, "\n"))
		}
	}
}

// What does not pass by itself is not said to last for a moment.
func TestFaultAGatewayThatMayNotListenSaysUntilWhen(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.ACLUser("sidegate", "pass", "~sidegate:*", "resetchannels", "+@all"))
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: fmt.Sprintf("store redis %s\nsecret %q", srv.URL(), rand.Text()+rand.Text())})
	p.AwaitLog("no messages of changed sessions until the store lets us listen", "&sidegate:*")
	if strings.Contains(p.Log.String(), "for a moment;") {
		t.Errorf("the log says\n%s", p.Log.String())
	}
}

// happens goes through the night, with people asking all the while.
func (n badNight) happens(t *testing.T, srv *redistest.Server, p *gatewaytest.Process) {
	c := p.Client(t)
	if n.falls != nil {
		gatewaytest.Await(t, "somebody is signed in", func() bool { return c.TrySignIn(gatewaytest.Ada, gatewaytest.Password).StatusCode == http.StatusOK })
		n.falls(t, srv)
	}
	if n.advice != "" {
		p.AwaitLog(n.advice)
	}
	if n.gone == "" {
		return
	}
	p.AwaitLog(n.gone)
	for range 20 {
		p.Client(t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).Want(t, http.StatusServiceUnavailable)
		if n.falls != nil {
			c.Get("/app").Want(t, n.signedIn)
		}
	}
	if n.ends == nil {
		return
	}
	n.ends(t, srv)
	p.AwaitLog(backLine)
	p.Client(t).SignIn(gatewaytest.Ada)
}

// troubleIn are the lines of a log that tell of a store: those of people who
// sign in, and of Caddy, are left out.
func troubleIn(t *testing.T, log *gatewaytest.Output) (lines []string) {
	t.Helper()
	for line := range strings.Lines(log.String()) {
		var told struct{ Level, Logger, Msg string }
		if json.Unmarshal([]byte(line), &told) != nil || told.Logger != "sidegate" {
			continue
		}
		if told.Level == "warn" || told.Level == "error" || strings.Contains(told.Msg, "session store") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}
