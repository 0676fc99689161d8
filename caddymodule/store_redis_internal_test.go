package caddymodule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/sessionstore/redis/redistest"
)

// connectionKeyOf provisions a store as a configuration does.
func connectionKeyOf(t *testing.T, s RedisStore) string {
	t.Helper()
	if err := s.configure(); err != nil {
		t.Fatal(err)
	}
	return s.connectionKey()
}

// A client that is shared by configurations that differ would connect to the
// wrong server, or with a certificate that was meant for another.
func TestAClientIsSharedOnlyByThoseWhoConnectAlike(t *testing.T) {
	files := redistest.Start(t, redistest.TLS()).Files()
	base := RedisStore{URL: "redis://localhost"}
	with := func(change func(*RedisStore)) RedisStore {
		s := base
		change(&s)
		return s
	}
	keys := make(map[string]string)
	for name, s := range map[string]RedisStore{
		"nothing":       base,
		"url":           with(func(s *RedisStore) { s.URL = "redis://127.0.0.1" }),
		"username":      with(func(s *RedisStore) { s.Username = "ada" }),
		"password":      with(func(s *RedisStore) { s.Password = "ada" }),
		"sentinel":      with(func(s *RedisStore) { s.Sentinel = "sessions" }),
		"cluster":       with(func(s *RedisStore) { s.Cluster = true }),
		"dial timeout":  with(func(s *RedisStore) { s.DialTimeout = caddy.Duration(time.Second) }),
		"read timeout":  with(func(s *RedisStore) { s.ReadTimeout = caddy.Duration(time.Second) }),
		"write timeout": with(func(s *RedisStore) { s.WriteTimeout = caddy.Duration(time.Second) }),
		"pool size":     with(func(s *RedisStore) { s.PoolSize = 1 }),
		"tls":           with(func(s *RedisStore) { s.TLS = &RedisTLS{} }),
		"ca":            with(func(s *RedisStore) { s.TLS = &RedisTLS{CA: files.CA} }),
		"certificate":   with(func(s *RedisStore) { s.TLS = &RedisTLS{Cert: files.Cert, Key: files.Key} }),
		"server name":   with(func(s *RedisStore) { s.TLS = &RedisTLS{ServerName: "redis.example.com"} }),
	} {
		key := connectionKeyOf(t, s)
		if other, taken := keys[key]; taken {
			t.Errorf("a client is shared by those who differ in %s and %s", name, other)
		}
		keys[key] = name
		if connectionKeyOf(t, s) != key {
			t.Errorf("two who connect alike, with %s, share no client", name)
		}
	}
	t.Run("and not by those who differ in what their files hold", func(t *testing.T) {
		ca := filepath.Join(t.TempDir(), "ca.pem")
		text, err := os.ReadFile(files.CA)
		if err != nil {
			t.Fatal(err)
		}
		s := with(func(s *RedisStore) { s.TLS = &RedisTLS{CA: ca} })
		seen := make(map[string]bool)
		for _, more := range []string{"", "\n"} {
			if err := os.WriteFile(ca, append(text, more...), 0o600); err != nil {
				t.Fatal(err)
			}
			seen[connectionKeyOf(t, s)] = true
		}
		if len(seen) != 2 {
			t.Error("a renewed certificate is not taken up by a reload")
		}
	})
	t.Run("but by those who differ in their keys and in what they wait for", func(t *testing.T) {
		s := with(func(s *RedisStore) { s.KeyPrefix, s.Wait = "acme:", &RedisWait{Replicas: 1} })
		if keys[connectionKeyOf(t, s)] != "nothing" {
			t.Error("they share no client")
		}
	})
}

func TestRedisFilesThatCannotBeUsed(t *testing.T) {
	files := redistest.Start(t, redistest.TLS()).Files()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SIDEGATE_TEST_CA", files.CA)
	for name, test := range map[string]struct {
		tls  RedisTLS
		want string
	}{
		"a file that is not there":               {RedisTLS{CA: "/nonexistent/ca.pem"}, "tls: ca: open /nonexistent/ca.pem"},
		"a file that is empty":                   {RedisTLS{CA: empty}, "it should hold PEM"},
		"a file that is no certificate":          {RedisTLS{CA: files.Key}, "ca holds no certificate"},
		"a certificate without its key":          {RedisTLS{Cert: files.Cert}, "give both, or neither"},
		"a variable that is not set":             {RedisTLS{Key: "{env.SIDEGATE_TEST_UNSET}"}, "tls: key: {env.SIDEGATE_TEST_UNSET} is missing"},
		"a name of a variable that is not there": {RedisTLS{ServerName: "{env.SIDEGATE_TEST_UNSET}"}, "tls: server_name: "},
		"none: the name of one in a variable":    {RedisTLS{CA: "{env.SIDEGATE_TEST_CA}"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := (&RedisStore{URL: "redis://localhost", TLS: &test.tls}).Provision(caddy.Context{})
			if test.want == "" {
				if err != nil {
					t.Fatalf("unexpected error: %v", err)
				}
			} else if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("the error is %v; want %q", err, test.want)
			}
		})
	}
}

func TestRedisStoresThatDoNotFitTogether(t *testing.T) {
	for name, test := range map[string]struct {
		store RedisStore
		want  string
	}{
		"sentinel and cluster":     {RedisStore{URL: "redis://a", Sentinel: "m", Cluster: true}, "not both"},
		"several plain addresses":  {RedisStore{URL: "redis://a,b"}, "`sentinel <master>`"},
		"a wait for none":          {RedisStore{URL: "redis://a", Wait: &RedisWait{}}, "at least 1"},
		"a wait of less than none": {RedisStore{URL: "redis://a", Wait: &RedisWait{Replicas: 1, Timeout: -1}}, "positive time"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.store.Provision(caddy.Context{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("the error is %v; want %q", err, test.want)
			}
		})
	}
}
