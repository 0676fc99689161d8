package redis_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore/redis"
)

func clusterOptions(t *testing.T, cfg redis.Config) *goredis.ClusterOptions {
	t.Helper()
	cfg.Cluster = true
	client, err := redis.Open(cfg)
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client.(*goredis.ClusterClient).Options()
}

func TestOpenReadsTheAddressesOfACluster(t *testing.T) {
	for url, want := range map[string][]string{
		"redis://":                          {"localhost:6379"},
		"redis://a,b:7001,c":                {"a:6379", "b:7001", "c:6379"},
		"redis://a:1,b:2/0":                 {"a:1", "b:2"},
		"redis://[::1]:7000,[::2]":          {"[::1]:7000", "[::2]:6379"},
		"rediss://ada:p%40ss@a,10.0.0.1:99": {"a:6379", "10.0.0.1:99"},
		"redis://ada:p,q@a,b":               {"a:6379", "b:6379"},
	} {
		t.Run(url, func(t *testing.T) {
			if o := clusterOptions(t, redis.Config{URL: url}); !slices.Equal(o.Addrs, want) {
				t.Errorf("read as %v; want %v", o.Addrs, want)
			}
		})
	}
	t.Run("and its credentials, TLS and time-outs", func(t *testing.T) {
		o := clusterOptions(t, redis.Config{URL: "rediss://ada:p%40ss@a,b", ReadTimeout: time.Second})
		if o.Username != "ada" || o.Password != "p@ss" || o.TLSConfig == nil || o.ReadTimeout != time.Second ||
			o.DialTimeout != redis.DefaultDialTimeout || o.PoolSize != redis.DefaultPoolSize || !o.ContextTimeoutEnabled {
			t.Errorf("read as %+v", o)
		}
	})
	t.Run("and asks no replica, which may lag behind", func(t *testing.T) {
		if o := clusterOptions(t, redis.Config{URL: "redis://a"}); o.ReadOnly || o.RouteRandomly || o.RouteByLatency {
			t.Errorf("read as %+v", o)
		}
	})
}

func TestOpenRefusesAddressesThatDoNotFitTogether(t *testing.T) {
	for name, test := range map[string]struct {
		cfg  redis.Config
		want string
	}{
		"sentinel and cluster at once":         {redis.Config{URL: "redis://a", Sentinel: "m", Cluster: true}, "not both"},
		"several addresses of one server":      {redis.Config{URL: "redis://a,b"}, "`sentinel <master>`"},
		"a socket of a cluster":                {redis.Config{URL: "unix:///a", Cluster: true}, "no socket"},
		"a socket of sentinels":                {redis.Config{URL: "unix:///a", Sentinel: "m"}, "no socket"},
		"a database of a cluster":              {redis.Config{URL: "redis://a/1", Cluster: true}, "key_prefix"},
		"two ports":                            {redis.Config{URL: "redis://h:1:2/0"}, "cannot be read"},
		"two ports of a second address":        {redis.Config{URL: "redis://a,h:1:2", Cluster: true}, "cannot be read"},
		"an empty address between others":      {redis.Config{URL: "redis://a,,b", Cluster: true}, "cannot be read"},
		"a second address with a path":         {redis.Config{URL: "redis://a,b?hunter2", Cluster: true}, "question mark"},
		"a second address that cannot be read": {redis.Config{URL: "redis://a,hunter2:x", Cluster: true}, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := redis.Open(test.cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("the error is %v; want %q", err, test.want)
			}
		})
	}
}

func FuzzOpenNeverRepeatsWhatItWasGiven(f *testing.F) {
	f.Add("redis://:", "@a,b:7000/0", true)
	f.Add("rediss://u:", "@[::1],c", true)
	f.Add("unix://", ".sock?db=1", false)
	f.Add("redis://a,", ":99999", false)
	f.Fuzz(func(t *testing.T, before, after string, cluster bool) {
		const canary = "hunter2hunter2"
		client, err := redis.Open(redis.Config{URL: before + canary + after, Cluster: cluster})
		if err != nil {
			if strings.Contains(err.Error(), canary) {
				t.Fatalf("the error %q repeats the address", err)
			}
			return
		}
		defer client.Close()
		if c, ok := client.(*goredis.ClusterClient); ok != cluster || ok && len(c.Options().Addrs) == 0 {
			t.Fatal("the address was taken for something else")
		}
	})
}
