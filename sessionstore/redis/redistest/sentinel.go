package redistest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// PrimaryName is how the sentinels of a test call what they watch.
const PrimaryName = "sessions"

// sentinelConfig notices a failure fast, and fails over as fast as can be.
const sentinelConfig = `dir %s
sentinel monitor ` + PrimaryName + ` 127.0.0.1 %d 2
sentinel down-after-milliseconds ` + PrimaryName + ` %d
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
		if err := os.WriteFile(file, fmt.Appendf(nil, sentinelConfig, s.dir, primary.port, failureShows(1000)), 0o600); err != nil {
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
	addr, err := "", error(nil)
	g.await("the sentinels agree about the primary", func(ctx context.Context) bool {
		addr, err = g.primaryAddr(ctx)
		return err == nil
	}, func() string { return fmt.Sprint(err) })
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
	addr, role := "", ""
	g.await("the sentinels name another primary than "+from.Addr()+", which takes writes", func(ctx context.Context) bool {
		addr, role = "", ""
		var err error
		if addr, err = g.primaryAddr(ctx); err != nil || addr == from.Addr() {
			return false
		}
		role = g.Primary().role(ctx)
		return role == "master"
	}, func() string { return fmt.Sprintf("%q, a %q", addr, role) })
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
		client := s.client(Patience)
		defer client.Close()
		var quorum error
		var peers int
		var replicas string
		g.await("the sentinels know one another and the replica", func(ctx context.Context) bool {
			quorum = client.Do(ctx, "sentinel", "ckquorum", PrimaryName).Err()
			others, _ := client.Do(ctx, "sentinel", "sentinels", PrimaryName).Slice()
			peers = len(others)
			replicas = fmt.Sprint(client.Do(ctx, "sentinel", "replicas", PrimaryName).Val())
			return quorum == nil && peers == 2 && strings.Contains(replicas, "flags slave ") &&
				strings.Contains(replicas, "master-link-status ok")
		}, func() string { return fmt.Sprintf("(%v) with %d other sentinels and %s", quorum, peers, replicas) })
	}
}

// primaryAddr asks the sentinels for the primary; they must agree.
func (g *Sentinel) primaryAddr(ctx context.Context) (string, error) {
	named := ""
	for _, s := range g.sentinels {
		client := s.client(Patience)
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

func (g *Sentinel) await(what string, holds func(context.Context) bool, state ...func() string) {
	g.t.Helper()
	g.sentinels[0].await(what, holds, state...)
}

// role is what the server says it is, empty when it says nothing.
func (s *Server) role(ctx context.Context) string {
	client := s.client(Patience)
	defer client.Close()
	info, _ := client.Info(ctx, "replication").Result()
	_, rest, _ := strings.Cut(info, "role:")
	role, _, _ := strings.Cut(rest, "\r\n")
	return role
}

// awaitPrimary waits until the server follows that primary without a gap.
func (s *Server) awaitPrimary(primary *Server) {
	s.t.Helper()
	client := s.client(Patience)
	defer client.Close()
	info := ""
	s.await("the replica has the data of its primary", func(ctx context.Context) bool {
		info = client.Info(ctx, "replication").Val()
		return strings.Contains(info, "master_link_status:up") &&
			strings.Contains(info, fmt.Sprintf("master_port:%d\r\n", primary.port))
	}, func() string { return info })
}

// LockSentinels has the sentinels demand a password, and the servers none.
func (g *Sentinel) LockSentinels(password string) {
	g.t.Helper()
	for _, s := range g.sentinels {
		client := s.client(Patience)
		defer client.Close()
		if err := client.Do(g.t.Context(), "acl", "setuser", "default", "resetpass", ">"+password).Err(); err != nil {
			g.t.Fatalf("locking a sentinel: %v", err)
		}
	}
}
