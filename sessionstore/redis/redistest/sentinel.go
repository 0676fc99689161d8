package redistest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// PrimaryName is how the sentinels of a test call what they watch.
const PrimaryName = "sessions"

// sentinelConfig notices a failure fast, and fails over as fast as can be. With
// less than a second the sentinels take a new primary for one that is down,
// since they have not connected to it yet, and fail over again and again.
const sentinelConfig = `dir %s
sentinel monitor ` + PrimaryName + ` 127.0.0.1 %d 2
sentinel down-after-milliseconds ` + PrimaryName + ` 1000
sentinel failover-timeout ` + PrimaryName + ` 3000
`

// Sentinel is a primary, its replica, and three sentinels that watch them.
type Sentinel struct {
	t         testing.TB
	servers   []*Server
	sentinels []*Server
}

// StartSentinel runs five processes until the test ends, and returns once the
// sentinels would fail over. The options are those of the two servers; of TLS
// the sentinels have their part.
func StartSentinel(t testing.TB, opts ...Option) *Sentinel {
	t.Helper()
	primary := launch(t, opts...)
	g := &Sentinel{t: t, servers: []*Server{primary}}
	replica := launch(t, append(opts, Args("--replicaof", "127.0.0.1", fmt.Sprint(primary.port)))...)
	g.servers = append(g.servers, replica)
	replica.awaitPrimary(primary)
	for i := range 3 {
		g.sentinels = append(g.sentinels, launch(t, watching(filepath.Join(t.TempDir(), fmt.Sprint(i)), primary)))
	}
	g.awaitQuorum()
	return g
}

// watching makes a server a sentinel. It writes into its configuration file.
func watching(file string, primary *Server) Option {
	return func(s *Server) {
		s.sentinel, s.tls = file, primary.tls
		if err := os.WriteFile(file, fmt.Appendf(nil, sentinelConfig, s.dir, primary.port), 0o600); err != nil {
			s.t.Fatalf("writing the configuration of a sentinel: %v", err)
		}
	}
}

// URL has the addresses of the sentinels.
func (g *Sentinel) URL() string {
	var addrs []string
	for _, s := range g.sentinels {
		addrs = append(addrs, s.Addr())
	}
	return g.servers[0].tls.scheme() + "://" + strings.Join(addrs, ",") + "/0"
}

// Primary is the server that the sentinels now name.
func (g *Sentinel) Primary() *Server {
	g.t.Helper()
	addr, err := g.primaryAddr(context.Background())
	if err != nil {
		g.t.Fatalf("asking a sentinel for the primary: %v", err)
	}
	for _, s := range g.servers {
		if s.Addr() == addr {
			return s
		}
	}
	g.t.Fatalf("the sentinels name %s, which is none of ours", addr)
	return nil
}

// Replica is the server that the sentinels do not name.
func (g *Sentinel) Replica() *Server {
	g.t.Helper()
	if g.Primary() == g.servers[0] {
		return g.servers[1]
	}
	return g.servers[0]
}

// AwaitFailover waits until the sentinels have put another primary in place of
// that one.
func (g *Sentinel) AwaitFailover(from *Server) {
	g.t.Helper()
	g.await("the sentinels name another primary, which takes writes", func(ctx context.Context) bool {
		addr, err := g.primaryAddr(ctx)
		return err == nil && addr != from.Addr() && g.Primary().role(ctx) == "master"
	})
}

// Rejoin starts the killed former primary as the replica of the new one, and
// waits until the sentinels would fail over once more.
func (g *Sentinel) Rejoin(former *Server) {
	g.t.Helper()
	primary := g.Primary()
	former.args = append(former.args, "--replicaof", "127.0.0.1", fmt.Sprint(primary.port))
	former.Restart()
	former.awaitPrimary(primary)
	g.awaitQuorum()
}

// awaitQuorum waits until each sentinel knows the others and a replica that is
// up: before that none can fail over.
func (g *Sentinel) awaitQuorum() {
	g.t.Helper()
	for _, s := range g.sentinels {
		client := s.client(5 * time.Second)
		defer client.Close()
		g.await("the sentinels know one another and the replica", func(ctx context.Context) bool {
			if client.Do(ctx, "sentinel", "ckquorum", PrimaryName).Err() != nil {
				return false
			}
			peers, err := known(ctx, client, "sentinels")
			if err != nil || peers != 2 {
				return false
			}
			replicas, err := client.Do(ctx, "sentinel", "replicas", PrimaryName).Result()
			text := fmt.Sprint(replicas)
			return err == nil && strings.Contains(text, "flags slave ") && strings.Contains(text, "master-link-status ok")
		})
	}
}

// known is how many of a kind a sentinel knows.
func known(ctx context.Context, client *goredis.Client, what string) (int, error) {
	list, err := client.Do(ctx, "sentinel", what, PrimaryName).Slice()
	return len(list), err
}

// primaryAddr asks the sentinels for the primary; they must agree.
func (g *Sentinel) primaryAddr(ctx context.Context) (string, error) {
	named := ""
	for _, s := range g.sentinels {
		client := s.client(time.Second)
		defer client.Close()
		addr, err := client.Do(ctx, "sentinel", "get-master-addr-by-name", PrimaryName).StringSlice()
		if err != nil {
			return "", err
		}
		joined := strings.Join(addr, ":")
		if named != "" && joined != named {
			return "", errors.New("the sentinels do not agree yet")
		}
		named = joined
	}
	return named, nil
}

func (g *Sentinel) await(what string, holds func(context.Context) bool) {
	g.t.Helper()
	if err := g.sentinels[0].until(what, holds); err != nil {
		g.t.Fatal(err)
	}
}

// role is what the server says it is, empty when it says nothing.
func (s *Server) role(ctx context.Context) string {
	client := s.client(time.Second)
	defer client.Close()
	info, _ := client.Info(ctx, "replication").Result()
	_, rest, _ := strings.Cut(info, "role:")
	role, _, _ := strings.Cut(rest, "\r\n")
	return role
}

// awaitPrimary waits until the server follows that primary without a gap.
func (s *Server) awaitPrimary(primary *Server) {
	s.t.Helper()
	client := s.client(time.Second)
	defer client.Close()
	err := s.until("the replica has the data of its primary", func(ctx context.Context) bool {
		info, err := client.Info(ctx, "replication").Result()
		return err == nil && strings.Contains(info, "master_link_status:up") &&
			strings.Contains(info, fmt.Sprintf("master_port:%d\r\n", primary.port))
	})
	if err != nil {
		s.t.Fatal(err)
	}
}
