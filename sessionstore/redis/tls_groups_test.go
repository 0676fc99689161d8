package redis_test

import (
	"context"
	"crypto/tls"
	"testing"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// group is several servers that speak TLS only and demand certificates.
type group struct {
	// config says how to reach it, all but TLS.
	config redis.Config
	// any is one of its servers, and primary the one that has Ada's sessions.
	any, primary *redistest.Server
	// fails has another server take the place of that primary.
	fails func()
}

// groups are the ways to run several servers.
func groups() map[string]func(*testing.T) group {
	return map[string]func(*testing.T) group{
		"sentinels": func(t *testing.T) group {
			g := redistest.StartSentinel(t, redistest.TLS())
			primary := g.Primary()
			return group{
				config: redis.Config{URL: g.URL(), Sentinel: redistest.PrimaryName}, any: g.Replica(), primary: primary,
				fails: func() { primary.Kill(); g.AwaitFailover(primary) },
			}
		},
		"a cluster": func(t *testing.T) group {
			n := redistest.StartCluster(t, redistest.TLS())
			primary := n.PrimaryOf(keyOf(ada))
			return group{
				config: redis.Config{URL: n.URL(), Cluster: true}, any: n.Primaries()[0], primary: primary,
				fails: primary.Kill,
			}
		},
	}
}

// with is a store that reaches the group by that TLS.
func (g group) with(t *testing.T, config *tls.Config) *redis.Store {
	t.Helper()
	cfg := g.config
	cfg.TLS = config
	return redis.New(open(t, cfg), sealer(t, "a secret"), redis.Options{Timeout: patience})
}

func TestTLSToGroupsOfServers(t *testing.T) {
	t.Parallel()
	stranger := redistest.Start(t, redistest.TLS())
	for name, start := range groups() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			for name, serverName := range map[string]string{
				"certificates with the hosts":           "",
				"certificates with the configured name": "redis.example.com",
			} {
				t.Run(name+" are taken, with a client's certificate", func(t *testing.T) {
					st := g.with(t, tlsOf(t, g.any, serverName))
					must(t, ping(t, st))
					for id := range int64(6) { // of every node
						get(t, st, create(t, st, id+1).Key)
					}
				})
			}
			for name, config := range map[string]func() *tls.Config{
				"certificates made out to somebody else":      func() *tls.Config { return tlsOf(t, g.any, "mallory.example.com") },
				"certificates of another authority":           func() *tls.Config { return tlsOf(t, stranger, "") },
				"certificates that the system does not trust": func() *tls.Config { return nil },
				"servers that are shown no certificate": func() *tls.Config {
					config := tlsOf(t, g.any, "")
					config.Certificates = nil
					return config
				},
				"servers that are shown another authority's certificate": func() *tls.Config {
					config := tlsOf(t, g.any, "")
					config.Certificates = tlsOf(t, stranger, "").Certificates
					return config
				},
			} {
				t.Run(name+" let nobody in and sign nobody out", func(t *testing.T) {
					st := g.with(t, config())
					_, err := st.Get(t.Context(), sessionstore.NewSecret(ada).Key())
					cannotTell(t, err)
					cannotTell(t, ping(t, st))
				})
			}
			t.Run("every method works", func(t *testing.T) { everyMethodWorks(t, g.with(t, tlsOf(t, g.any, ""))) })
			t.Run("a failover signs nobody out, and sign-outs are still heard of", func(t *testing.T) { g.failsOver(t) })
		})
	}
}

// failsOver kills a primary under people who use their sessions.
func (g group) failsOver(t *testing.T) {
	st := g.with(t, tlsOf(t, g.any, ""))
	l := underLoad(t, st, 20)
	replicated(t, g.primary, keyOf(ada))
	g.fails()
	l.recovers(t, st)
	l.end(t)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	heard, listening := make(chan sessionstore.Key, 100), make(chan bool, 1)
	go func() {
		for ctx.Err() == nil { // a subscription may be to the one that was killed
			_ = st.Notify(ctx, func(key sessionstore.Key) { heard <- key }, func() {
				select {
				case listening <- true:
				default:
				}
			})
		}
	}()
	<-listening
	s := create(t, st, ada)
	eventually(t, "the sign-out is heard of", func() bool {
		if storetest.End(t.Context(), st, s.Key) != nil {
			return false
		}
		select {
		case key := <-heard:
			return key == s.Key
		default:
			return false
		}
	})
	gone(t, st, s.Key)
}
