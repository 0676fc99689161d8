package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// buildCaddy builds the binary as xcaddy.sh does.
func buildCaddy(ctx context.Context, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-w -s", "-buildvcs=false", // #nosec G204 -- our own folder
		"-tags", "nobadger,nomysql,nopgx", "-o", to, "example.com/sidegate/caddymodule/cmd/caddy")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building caddy (run the rig from inside the repository): %w\n%s", err, said)
	}
	return nil
}

// redisServer is a Redis of the rig's own, which keeps nothing on disk.
type redisServer struct {
	*process
	address string
	client  *goredis.Client
}

func startRedis(ctx context.Context, processors []int, dir string) (*redisServer, error) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("%w: install it (apt-get install redis-server)", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p, err := start(ctx, processors, "redis-server", nil, binary, "--bind", "127.0.0.1", "--port", strconv.Itoa(port),
		"--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no")
	if err != nil {
		return nil, err
	}
	s := &redisServer{process: p, address: fmt.Sprintf("127.0.0.1:%d", port)}
	s.client = goredis.NewClient(&goredis.Options{Addr: s.address, Protocol: 2, DisableIdentity: true})
	return s, p.until(ctx, "PING is answered", func(ctx context.Context) bool {
		return s.client.Ping(ctx).Err() == nil
	})
}

// usedMemory is what Redis has allocated in all, in bytes.
func (s *redisServer) usedMemory(ctx context.Context) (float64, error) {
	info, err := s.client.Info(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	return parseInfo(info, "used_memory")
}

// reads is how often Redis has read from a socket, which is how often somebody has
// written to it; NaN where there is none.
func (s *redisServer) reads(ctx context.Context) (float64, error) {
	if s == nil {
		return math.NaN(), nil
	}
	info, err := s.client.Info(ctx, "stats").Result()
	if err != nil {
		return 0, err
	}
	return parseInfo(info, "total_reads_processed")
}

// parseInfo is one number of what INFO says.
func parseInfo(info, name string) (float64, error) {
	for line := range strings.Lines(info) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), name+":"); found {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("redis says nothing of %s", name)
}

// startUpstream starts the app, on TCP and on a unix socket.
func startUpstream(ctx context.Context, processors []int, dir string) (p *process, address, socket string, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, "", "", err
	}
	if address, err = freeAddress(); err != nil {
		return nil, "", "", err
	}
	socket = filepath.Join(dir, "upstream.sock")
	if p, err = start(ctx, processors, "upstream", []string{as(roleUpstream)}, exe, address, socket); err != nil {
		return nil, "", "", err
	}
	for network, at := range map[string]string{"tcp": address, "unix": socket} {
		if err := p.listens(ctx, network, at); err != nil {
			return p, "", "", err
		}
	}
	return p, address, socket, nil
}
