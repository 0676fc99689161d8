package redistest_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestServerListensOnLoopbackAlone(t *testing.T) {
	srv := redistest.Start(t)
	host, _, err := net.SplitHostPort(srv.Addr())
	if err != nil || !net.ParseIP(host).IsLoopback() {
		t.Fatalf("the server listens on %s", srv.Addr())
	}
	bind := srv.Client().ConfigGet(t.Context(), "bind").Val()["bind"]
	if bind != "127.0.0.1" {
		t.Fatalf("the server is bound to %q", bind)
	}
}

func TestRestartedServerHasItsDataOnlyWhenItWritesThem(t *testing.T) {
	for _, test := range []struct {
		name string
		opts []redistest.Option
		want string
	}{
		{"a server that appends to its file", []redistest.Option{redistest.AppendOnly()}, "value"},
		{"a server that keeps nothing", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := redistest.Start(t, test.opts...)
			client := srv.Client()
			if err := client.Set(t.Context(), "key", "value", 0).Err(); err != nil {
				t.Fatal(err)
			}
			before := srv.Addr()
			srv.Kill()
			if err := client.Ping(t.Context()).Err(); err == nil {
				t.Fatal("a killed server answers")
			}
			srv.Restart()
			if srv.Addr() != before {
				t.Fatalf("the server moved from %s to %s", before, srv.Addr())
			}
			if got := srv.Client().Get(t.Context(), "key").Val(); got != test.want {
				t.Fatalf("the key holds %q; want %q", got, test.want)
			}
		})
	}
}

func TestPausedServerAnswersOnceItGoesOn(t *testing.T) {
	srv := redistest.Start(t)
	client := srv.Client()
	srv.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := client.Ping(ctx).Err(); err == nil {
		t.Fatal("a paused server answers")
	}
	srv.Resume()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatalf("a resumed server does not answer: %v", err)
	}
}

func TestPasswordIsDemandedAndIsInTheURL(t *testing.T) {
	srv := redistest.Start(t, redistest.Password("p@ss"))
	if want := "redis://:p%40ss@" + srv.Addr() + "/0"; srv.URL() != want {
		t.Fatalf("URL is %s; want %s", srv.URL(), want)
	}
	if err := srv.Client().Ping(t.Context()).Err(); err != nil {
		t.Fatalf("the server refuses its own password: %v", err)
	}
	if acl := srv.Client().ConfigGet(t.Context(), "requirepass").Val()["requirepass"]; acl != "p@ss" {
		t.Fatal("the server demands another password")
	}
}

func TestClusterHoldsAllSlotsAndRefusesTwo(t *testing.T) {
	srv := redistest.Start(t, redistest.Cluster())
	if err := srv.Client().MSet(t.Context(), "a", 1, "b", 2).Err(); err == nil || !strings.Contains(err.Error(), "CROSSSLOT") {
		t.Fatalf("a write to two slots answers %v; want CROSSSLOT", err)
	}
	if err := srv.Client().MSet(t.Context(), "{x}a", 1, "{x}b", 2).Err(); err != nil {
		t.Fatalf("a write to one slot answers %v", err)
	}
}

// refused stands in for a test that fails, to see what it would have said.
type refused struct {
	testing.TB
	said string
}

func (r *refused) Helper() {}

func (r *refused) Fatal(args ...any) {
	r.said, _ = args[0].(string)
	panic(r)
}

func TestWithoutRedisTheTestFailsAndSaysHowToInstallIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	r := &refused{TB: t}
	defer func() {
		if recover() == nil || !strings.Contains(r.said, "./xcaddy.sh test") {
			t.Fatalf("it said %q", r.said)
		}
	}()
	redistest.Start(r)
}
