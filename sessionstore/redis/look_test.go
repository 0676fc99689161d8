package redis_test

import (
	"errors"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestAServerIsLookedAt(t *testing.T) {
	least := []string{"~sidegate:*", "&sidegate:*", "+@all", "-@admin", "-@dangerous"}
	for _, test := range []struct {
		name   string
		opts   []redistest.Option
		want   []string
		unseen bool
	}{
		{"one that is as it should be", nil, nil, false},
		{"one that evicts", []redistest.Option{redistest.Args("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")},
			[]string{"allkeys-lru", "64.00M", "noeviction"}, false},
		{"one that would evict and has no bound yet", []redistest.Option{redistest.Args("--maxmemory-policy", "volatile-ttl")},
			[]string{"volatile-ttl", "not set", "noeviction"}, false},
		{"a replica", []redistest.Option{redistest.Args("--replicaof", "127.0.0.1", "1")}, []string{"replica", "primary"}, false},
		{"one whose user may ask nothing", []redistest.Option{redistest.ACLUser("sidegate", "right", least...)},
			[]string{"INFO and ROLE", "+info +role"}, true},
		{"a replica whose user may ask for the role", []redistest.Option{redistest.Args("--replicaof", "127.0.0.1", "1"),
			redistest.ACLUser("sidegate", "right", append(least, "+role")...)}, []string{"replica", "primary"}, false},
		{"one that evicts, and whose user may ask what the reference offers", []redistest.Option{redistest.Args("--maxmemory-policy", "allkeys-lru"),
			redistest.ACLUser("sidegate", "right", append(least, "+info", "+role")...)}, []string{"allkeys-lru"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			advice, err := store(t, redistest.Start(t, test.opts...).URL()).Look(t.Context())
			must(t, err)
			wantAdvice(t, advice, test.want, test.unseen)
		})
	}
	t.Run("each primary of a cluster, once for all", func(t *testing.T) {
		t.Parallel()
		n := redistest.StartCluster(t, redistest.Args("--maxmemory-policy", "allkeys-lru"))
		st := redis.New(open(t, redis.Config{URL: n.URL(), Cluster: true}), sealer(t, "a secret"), redis.Options{Timeout: patience})
		advice, err := st.Look(t.Context())
		must(t, err)
		wantAdvice(t, advice, []string{"allkeys-lru"}, false)
	})
	t.Run("one that is away is not", func(t *testing.T) {
		srv := redistest.Start(t)
		srv.Kill()
		_, err := store(t, srv.URL()).Look(t.Context())
		cannotTell(t, err)
	})
}

// wantAdvice demands one piece of advice with those parts, or none.
func wantAdvice(t *testing.T, advice []redis.Advice, parts []string, unseen bool) {
	t.Helper()
	if len(advice) != min(len(parts), 1) {
		t.Fatalf("the advice is %+v", advice)
	}
	for _, a := range advice {
		for _, part := range parts {
			if !strings.Contains(a.What+a.Step, part) {
				t.Errorf("the advice %+v does not say %q", a, part)
			}
		}
		if a.Unseen != unseen || a.Step == "" {
			t.Errorf("the advice is %+v", a)
		}
	}
}

func TestAnOldServerIsAdvisedAgainst(t *testing.T) {
	f := newFake(t, func(command []string) (string, bool) {
		if !strings.EqualFold(command[0], "info") {
			return "*0\r\n", true
		}
		return "$21\r\nredis_version:5.0.14\n\r\n", true
	})
	advice, err := store(t, f.url()).Look(t.Context())
	must(t, err)
	wantAdvice(t, advice, []string{"5.0.14", "6.0 or later"}, false)
}

func TestTheWordOfAnAnswer(t *testing.T) {
	f := newFake(t, func([]string) (string, bool) { return "-LOADING Redis is loading\r\n", true })
	if word := redis.Answered(ping(t, store(t, f.url()))); word != "LOADING" {
		t.Errorf("the word is %q", word)
	}
	srv := redistest.Start(t)
	srv.Kill()
	if word := redis.Answered(ping(t, store(t, srv.URL()))); word != "" {
		t.Errorf("who does not answer says %q", word)
	}
	if word := redis.Answered(errors.New("LOADING of something else")) + redis.Answered(nil); word != "" {
		t.Errorf("what is not of redis says %q", word)
	}
}
