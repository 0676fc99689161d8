package redis_test

import (
	"crypto/tls"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

func options(t *testing.T, cfg redis.Config) *goredis.Options {
	t.Helper()
	client, err := redis.Open(cfg)
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client.(*goredis.Client).Options()
}

func TestOpenReadsTheURL(t *testing.T) {
	tests := []struct {
		url, network, addr, username, password string
		db                                     int
		tls                                    bool
	}{
		{url: "redis://", network: "tcp", addr: "localhost:6379"},
		{url: "redis://cache", network: "tcp", addr: "cache:6379"},
		{url: "redis://cache:7000/3", network: "tcp", addr: "cache:7000", db: 3},
		{url: "redis://[::1]:7000/", network: "tcp", addr: "[::1]:7000"},
		{url: "redis://ada:p%40ss@cache", network: "tcp", addr: "cache:6379", username: "ada", password: "p@ss"},
		{url: "redis://:pass@cache", network: "tcp", addr: "cache:6379", password: "pass"},
		{url: "rediss://cache:7000", network: "tcp", addr: "cache:7000", tls: true},
		{url: "unix:///run/redis.sock", network: "unix", addr: "/run/redis.sock"},
		{url: "unix://:pass@/run/redis.sock?db=2", network: "unix", addr: "/run/redis.sock", password: "pass", db: 2},
	}
	for _, test := range tests {
		t.Run(test.url, func(t *testing.T) {
			o := options(t, redis.Config{URL: test.url})
			if o.Network != test.network || o.Addr != test.addr || o.DB != test.db ||
				o.Username != test.username || o.Password != test.password || (o.TLSConfig != nil) != test.tls {
				t.Errorf("read as %s %s, database %d, user %q, password %q, TLS %v",
					o.Network, o.Addr, o.DB, o.Username, o.Password, o.TLSConfig != nil)
			}
		})
	}
}

func TestOpenRefusesWithoutRepeatingThePassword(t *testing.T) {
	tests := []struct{ name, url string }{
		{"an empty address", ""},
		{"an address without a scheme", "hunter2:6379"},
		{"another scheme", "http://:hunter2@cache"},
		{"a password with raw characters", "redis://:hunter2/@:#@cache"},
		{"a port that is none", "redis://cache:hunter2"},
		{"a control character", "redis://:hunter2\n@cache"},
		{"a database that is no number", "redis://cache/hunter2"},
		{"a negative database", "redis://cache/-1"},
		{"options in the query, which would override the configuration", "redis://:hunter2@cache?max_retries=3"},
		{"a switched-off verification in the query", "rediss://:hunter2@cache?skip_verify=true"},
		{"a fragment", "redis://:hunter2@cache#x"},
		{"a socket without a path", "unix://hunter2"},
		{"a socket with other options", "unix:///run/hunter2.sock?db=1&pool_size=1"},
		{"a socket with a query that cannot be read", "unix:///run/hunter2.sock?db=%zz"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := redis.Open(redis.Config{URL: test.url})
			if err == nil {
				t.Fatal("the address was accepted")
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error %q repeats the address", err)
			}
		})
	}
	for name, cfg := range map[string]redis.Config{
		"a negative time-out, which would mean to wait for ever": {URL: "redis://", ReadTimeout: -1},
		"a negative pool": {URL: "redis://", PoolSize: -1},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := redis.Open(cfg); err == nil {
				t.Fatal("it was accepted")
			}
		})
	}
}

func TestOpenSettlesWhatOperatorsNeedNotSay(t *testing.T) {
	o := options(t, redis.Config{URL: "redis://ada:old@cache", Username: "grace", Password: "new"})
	if o.Username != "grace" || o.Password != "new" {
		t.Error("user name and password do not go before those of the URL")
	}
	if o.DialTimeout != 300*time.Millisecond || o.ReadTimeout != 300*time.Millisecond ||
		o.WriteTimeout != 300*time.Millisecond || o.PoolSize != 64 {
		t.Errorf("defaults are %v, %v, %v, %d", o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolSize)
	}
	if !o.ContextTimeoutEnabled || o.MaxRetries != 0 || o.DialerRetries != 1 {
		// go-redis writes -1 as 0 once it has read it.
		t.Errorf("deadlines heeded: %v, retries: %d, dials: %d", o.ContextTimeoutEnabled, o.MaxRetries, o.DialerRetries)
	}
}

func TestTLSConfig(t *testing.T) {
	t.Run("the name of the server is left to each host, and old versions are refused", func(t *testing.T) {
		c := options(t, redis.Config{URL: "rediss://cache:7000"}).TLSConfig
		if c.ServerName != "" || c.MinVersion != tls.VersionTLS12 || c.InsecureSkipVerify {
			t.Errorf("TLS is %q, %x, %v", c.ServerName, c.MinVersion, c.InsecureSkipVerify)
		}
	})
	t.Run("what is configured is used with redis:// too, and is not changed", func(t *testing.T) {
		mine := &tls.Config{MinVersion: tls.VersionTLS13}
		c := options(t, redis.Config{URL: "redis://cache", TLS: mine}).TLSConfig
		if c == nil || c.MinVersion != tls.VersionTLS13 || c == mine {
			t.Errorf("TLS of the client is %p, the configured one %p", c, mine)
		}
	})
	t.Run("a configured name stays", func(t *testing.T) {
		c := options(t, redis.Config{URL: "rediss://10.0.0.1", TLS: &tls.Config{ServerName: "cache.internal"}}).TLSConfig
		if c.ServerName != "cache.internal" {
			t.Errorf("the server is expected to be %q", c.ServerName)
		}
	})
	t.Run("a server without TLS is not spoken to in the clear", func(t *testing.T) {
		f := newFake(t, func([]string) (string, bool) { return "+PONG\r\n", true })
		st := strict(t, strings.Replace(f.url(), "redis://", "rediss://", 1))
		cannotTell(t, ping(t, st))
		if sent := f.commands(); len(sent) != 0 {
			t.Errorf("%v was sent in the clear", sent)
		}
	})
}

func TestOpenTouchesNoNetwork(t *testing.T) {
	f := newFake(t, func(command []string) (string, bool) {
		switch command[0] {
		case "get":
			return "$-1\r\n", true
		case "PTTL":
			return ":-2\r\n", true
		}
		return ":0\r\n", true // nothing was there to be removed
	})
	st := store(t, f.url())
	if sent := f.commands(); len(sent) != 0 {
		t.Fatalf("%v was sent by opening alone", sent)
	}
	must(t, ping(t, st))
	if sent := f.commands(); !slices.Equal(sent, []string{"HELLO", "GET", "PTTL", "ZREM"}) {
		t.Fatalf("%v was sent for a lookup; want no more than HELLO, GET, PTTL and ZREM", sent)
	}
}

func TestStoreOverASocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "redis.sock")
	redistest.Start(t, redistest.Args("--unixsocket", socket))
	st := store(t, "unix://"+socket)
	s := create(t, st, ada)
	must(t, storetest.End(t.Context(), st, s.Key))
	gone(t, st, s.Key)
}

func TestLogTo(t *testing.T) {
	t.Cleanup(func() { redis.LogTo(nil) })
	var said atomic.Pointer[string]
	redis.LogTo(func(message string) { said.Store(&message) })
	srv := redistest.Start(t)
	srv.Kill()
	cannotTell(t, ping(t, strict(t, srv.URL())))
	if m := said.Load(); m == nil || !strings.Contains(*m, "failed to dial") {
		t.Fatal("the connection that failed was not logged")
	}
}
