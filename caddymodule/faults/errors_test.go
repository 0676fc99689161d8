package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// injection is an error that a real Redis is brought to answer.
type injection struct {
	name string
	opts []redistest.Option
	// cluster says that the gateway is told that this is one.
	cluster bool
	inject  func(t *testing.T, r *injected)
	heal    func(t *testing.T, r *injected)
	// logged is what the gateway's log then says.
	logged string
	// readable says that sessions are read as ever: only writes fail.
	readable bool
	// noSignOut says that a sign-out fails too.
	noSignOut bool
	// ofOne says that the trouble is with sessions that are there: others
	// begin as ever.
	ofOne bool
}

// injected is a Redis in that state, and a connection to it that was there
// before.
type injected struct {
	*redistest.Server
	inside *goredis.Conn
	kept   map[string]string // values that were spoilt
}

func (r *injected) do(t *testing.T, command ...any) any {
	t.Helper()
	answer, err := r.inside.Do(context.Background(), command...).Result()
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	return answer
}

var injections = []injection{
	{
		name: "READONLY: a replica in the primary's place", logged: "replica", readable: true, noSignOut: true,
		inject: func(t *testing.T, r *injected) { r.do(t, "replicaof", "127.0.0.1", "1") },
		heal:   func(t *testing.T, r *injected) { r.do(t, "replicaof", "no", "one") },
	},
	{
		name: "MASTERDOWN: a replica that has lost its primary", logged: "replication",
		inject: func(t *testing.T, r *injected) {
			r.do(t, "config", "set", "replica-serve-stale-data", "no")
			r.do(t, "replicaof", "127.0.0.1", "1")
		},
		heal: func(t *testing.T, r *injected) { r.do(t, "replicaof", "no", "one") },
	},
	{
		name: "LOADING: started again with much data", logged: "redis is starting",
		// 50,000 keys of 100 microseconds each take five seconds: whoever leaves
		// Redis alone looks again every two seconds at the least.
		opts: []redistest.Option{redistest.Args("--enable-debug-command", "yes",
			"--key-load-delay", "100", "--loading-process-events-interval-bytes", "1024")},
		inject: func(t *testing.T, r *injected) {
			r.do(t, "debug", "populate", "50000", "filler", "64")
			r.do(t, "save")
			r.Kill()
			r.Restart() // returns when all is loaded
		},
	},
	{
		name: "NOAUTH: a password that the gateway does not have", logged: "password",
		inject: func(t *testing.T, r *injected) {
			r.do(t, "config", "set", "requirepass", "unheard of")
			r.do(t, "client", "kill", "type", "normal", "skipme", "yes")
		},
		heal: func(t *testing.T, r *injected) { r.do(t, "config", "set", "requirepass", "") },
	},
	{
		name: "NOPERM: commands that the gateway may not use", logged: "ACL SETUSER",
		inject: func(t *testing.T, r *injected) { r.do(t, "acl", "setuser", "default", "-get", "-evalsha") },
		heal:   func(t *testing.T, r *injected) { r.do(t, "acl", "setuser", "default", "+@all") },
	},
	{
		name: "OOM: full memory, noeviction", logged: "raise maxmemory", readable: true,
		inject: func(t *testing.T, r *injected) { r.do(t, "config", "set", "maxmemory", "1") },
		heal:   func(t *testing.T, r *injected) { r.do(t, "config", "set", "maxmemory", "0") },
	},
	{
		name: "CLUSTERDOWN: a slot that no node serves", logged: "redis-cli --cluster check", cluster: true,
		opts:   []redistest.Option{redistest.Cluster()},
		inject: func(t *testing.T, r *injected) { r.do(t, "cluster", "delslots", "0") },
		heal:   func(t *testing.T, r *injected) { r.do(t, "cluster", "addslots", "0") },
	},
	{
		name: "a corrupt value", logged: "could not be looked up", ofOne: true,
		inject: func(t *testing.T, r *injected) { r.spoil(t, func(old string) string { return old[:len(old)-1] + "x" }) },
		heal:   restoreValues,
	},
	{
		name: "a foreign value", logged: "could not be looked up", ofOne: true,
		inject: func(t *testing.T, r *injected) {
			r.spoil(t, func(string) string { return "what somebody else keeps here" })
		},
		heal: restoreValues,
	},
}

// spoil changes the values of all sessions.
func (r *injected) spoil(t *testing.T, change func(string) string) {
	t.Helper()
	r.kept = make(map[string]string)
	for _, key := range r.do(t, "keys", "*:s:*").([]any) {
		r.kept[key.(string)] = r.do(t, "get", key).(string)
		r.do(t, "set", key, change(r.kept[key.(string)]), "keepttl")
	}
}

// restoreValues takes what spoil did back. It heals.
func restoreValues(t *testing.T, r *injected) {
	t.Helper()
	for key, value := range r.kept {
		r.do(t, "set", key, value, "keepttl")
	}
}

func TestFaultErrorsOfRedisUnderLoad(t *testing.T) {
	for _, e := range injections {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			srv := redistest.Start(t, e.opts...)
			r := &injected{Server: srv, inside: srv.Client().Conn()}
			store := srv.URL()
			if e.cluster {
				store += " {\ncluster\n}"
			}
			gateway := gatewaytest.StartProcess(t, loadSite(t, faultOptions(store, "cache off")))
			l := startLoad(t, gateway)
			l.tally.watch()
			e.inject(t, r)
			if e.heal != nil {
				e.shows(t, l)
				e.told(t, gateway) // what went wrong before may have been told instead, for a while
				e.heal(t, r)
			}
			l.recovers()
			l.end()
			if !e.readable && l.tally.count(unavailable) == 0 {
				t.Errorf("the error has not shown: %s", l.tally)
			}
			e.told(t, gateway)
			gateway.Client(t).SignIn(gatewaytest.EmailOf(1))
			figure(t, e.name, "brought about and healed under load, cache off",
				"error window %v; %s", l.tally.errorWindow().Round(time.Millisecond), l.tally)
		})
	}
}

// told waits until the log says what is wrong.
func (e injection) told(t *testing.T, gateway *gatewaytest.Process) {
	t.Helper()
	gatewaytest.Await(t, fmt.Sprintf("the log says %q", e.logged), func() bool {
		return strings.Contains(gateway.Log.String(), e.logged)
	})
}

// shows waits until the error shows, and checks what it does to those who
// sign in and out.
func (e injection) shows(t *testing.T, l *faultLoad) {
	t.Helper()
	gateway := l.gateways[0]
	gatewaytest.Await(t, "sign-ins are answered as they should be", func() bool {
		a := gateway.Client(t).TrySignIn(gatewaytest.EmailOf(2), gatewaytest.Password)
		if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("a sign-in is answered with %s %s", a.Status, a.Body)
		}
		return e.ofOne == (a.StatusCode == http.StatusOK)
	})
	if !e.readable {
		l.suffers(50)
		return
	}
	l.recovers() // all are served as ever, or nearly
	if e.noSignOut {
		c := gateway.With(t, l.people[0].cookie, "")
		c.Post("/auth/logout").Want(t, http.StatusServiceUnavailable)
		c.Get("/app").Want(t, http.StatusOK)
	}
}

// When Redis is full and may not evict, which is what the README asks for,
// nobody is signed out, nobody new gets in, and who wants to sign out can.
func TestFaultFullRedisSignsNobodyOut(t *testing.T) {
	for _, mode := range cacheModes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			srv := redistest.Start(t, redistest.Args("--maxmemory-policy", "noeviction"))
			l := startLoad(t, gatewaytest.StartProcess(t, loadSite(t, faultOptions(srv.URL(), mode.options))))
			inside, gateway := srv.Client(), l.gateways[0]
			leaver := callerOf(t, gateway.Server, 3)
			if err := inside.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
				t.Fatal(err)
			}
			l.recovers()
			for id := range gatewaytest.Rounds(5, 50) {
				a := gateway.Client(t).TrySignIn(gatewaytest.EmailOf(id%crowd+1), gatewaytest.Password)
				a.Want(t, http.StatusServiceUnavailable)
			}
			gateway.With(t, leaver.cookie, "").Post("/auth/logout").Want(t, http.StatusNoContent)
			gateway.With(t, leaver.cookie, "").Get("/app").Want(t, http.StatusUnauthorized)
			l.recovers()
			if held := len(inside.Keys(t.Context(), "*:s:*").Val()); held != crowd {
				t.Errorf("Redis holds %d sessions; want those of %d people", held, crowd)
			}
			if err := inside.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
				t.Fatal(err)
			}
			l.end()
			gateway.Client(t).SignIn(gatewaytest.EmailOf(1))
			figure(t, "Redis full (maxmemory, noeviction), "+mode.name, "sign-ins answered with 503, sign-outs done",
				"%s", l.tally)
		})
	}
}

// A session that Redis evicts is gone: no gateway can know that it was there.
// It is one person's sign-out and nobody else's, and nobody is let in for it.
func TestFaultEvictedSessionIsOnePersonsSignOut(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.Args("--maxmemory-policy", "allkeys-random"))
	gateway := gatewaytest.StartProcess(t, loadSite(t, faultOptions(srv.URL(), "cache off")))
	var clients []*gatewaytest.Client
	for id := range crowd {
		c := gateway.Client(t)
		c.SignIn(gatewaytest.EmailOf(id + 1))
		clients = append(clients, c)
	}
	inside := srv.Client()
	used, err := strconv.Atoi(inside.InfoMap(t.Context(), "memory").Item("Memory", "used_memory"))
	if err != nil {
		t.Fatal(err)
	}
	// Room for some fillers, so that not all sessions go at once.
	if err := inside.ConfigSet(t.Context(), "maxmemory", fmt.Sprint(used+512<<10)).Err(); err != nil {
		t.Fatal(err)
	}
	for n := 0; len(inside.Keys(t.Context(), "*:s:*").Val()) == crowd; n++ {
		// Whether this is taken is up to what there is to evict.
		_ = inside.Set(t.Context(), fmt.Sprint("filler", n), strings.Repeat("x", 1000), 0).Err()
		if n > 10_000 {
			t.Fatal("Redis evicts nothing")
		}
	}
	if err := inside.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	held, known, out := len(inside.Keys(t.Context(), "*:s:*").Val()), 0, 0
	for _, c := range clients {
		switch a := c.Get("/app"); a.StatusCode {
		case http.StatusOK:
			known++
		case http.StatusUnauthorized:
			out++
		default:
			t.Errorf("answered with %s", a.Status)
		}
	}
	if known != held || out == 0 || known+out != crowd {
		t.Errorf("Redis holds %d sessions; %d people are known and %d are not", held, known, out)
	}
	figure(t, "eviction (allkeys-*, against the advice)", "memory filled until sessions were evicted",
		"evicted %d of %d; signed out %d, all others served; let in: 0", crowd-held, crowd, out)
}
