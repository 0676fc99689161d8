package redistest

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// portTries is how many ports are tried: between being found free and being
// taken by the server a port may go to somebody else.
const portTries = 5

// Server is a redis-server process on a loopback port of its own.
type Server struct {
	t        testing.TB
	dir      string
	port     int
	password string
	cluster  bool
	busPort  int
	user     *account
	socket   string
	tls      *authority
	// sentinel is the configuration file of a server that runs as a sentinel.
	sentinel string
	args     []string

	cmd    *exec.Cmd
	exited chan struct{}
	log    output
}

// Option changes how a server is run.
type Option func(*Server)

// AppendOnly makes the server write each change to disk before it answers, so
// that it has its data again after Kill and Restart.
func AppendOnly() Option { return Args("--appendonly", "yes", "--appendfsync", "always") }

// Password makes the server demand a password of its default user.
func Password(password string) Option {
	return func(s *Server) { s.password = password }
}

// Cluster makes the server a Redis Cluster of one node, which holds all slots
// and refuses whatever touches two of them.
func Cluster() Option { return func(s *Server) { s.cluster = true } }

// account is a user of Redis beside the default one.
type account struct{ name, password string }

// ACLUser adds a user with those rules, such as "~sidegate:*", and makes the
// URL name it; Client remains the default user.
func ACLUser(name, password string, rules ...string) Option {
	return func(s *Server) {
		s.user = &account{name, password}
		s.args = append(s.args, "--user", name, "on", ">"+password)
		s.args = append(s.args, rules...)
	}
}

// Args adds arguments to the server's command line, such as
// "--maxmemory", "10mb".
func Args(args ...string) Option {
	return func(s *Server) { s.args = append(s.args, args...) }
}

// Start runs a server until the test ends. It keeps nothing on disk unless
// told to. When the test fails, the server's log is shown. Without a
// redis-server on PATH the test fails: it is never skipped.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s := launch(t, opts...)
	if s.cluster {
		s.join()
	}
	return s
}

// launch runs a server on a port of its own.
func launch(t testing.TB, opts ...Option) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("redis-server is not on PATH: `./xcaddy.sh test` installs it")
	}
	s := &Server{t: t, dir: t.TempDir()}
	for _, opt := range opts {
		opt(s)
	}
	t.Cleanup(s.stop)
	var err error
	for range portTries {
		s.port, s.busPort = FreePort(t), FreePort(t)
		if err = s.run(); err == nil {
			return s
		}
	}
	t.Fatalf("redis-server did not start: %v", err)
	return nil
}

// Addr is host and port of the server.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// URL is the server's address as redis.Config takes it, password included.
func (s *Server) URL() string {
	u := url.URL{Scheme: s.tls.scheme(), Host: s.Addr(), Path: "/0"}
	if s.socket != "" {
		u = url.URL{Scheme: "unix", Path: s.socket}
	}
	switch {
	case s.user != nil:
		u.User = url.UserPassword(s.user.name, s.user.password)
	case s.password != "":
		u.User = url.UserPassword("", s.password)
	}
	return u.String()
}

// Client returns a client of the test's own, to look and meddle inside.
func (s *Server) Client() *goredis.Client {
	client := s.client(Patience)
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

// Kill ends the server without a warning (SIGKILL), as a crash does.
func (s *Server) Kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatalf("killing redis-server: %v", err)
	}
	<-s.exited
}

// Restart starts a killed server again, on the same port and directory.
func (s *Server) Restart() {
	s.t.Helper()
	if err := s.run(); err != nil {
		s.t.Fatalf("starting redis-server again: %v", err)
	}
}

// Pause makes the server hang (SIGSTOP): connections are still accepted, by
// the kernel, and nothing is ever answered.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.t.Fatalf("sending %v to redis-server: %v", signal, err)
	}
}

// run starts the process and waits until it answers.
func (s *Server) run() error {
	s.cmd = exec.Command("redis-server", s.commandLine()...)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	s.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait()
		close(exited)
	}(s.cmd, s.exited)
	return s.ready()
}

func (s *Server) commandLine() []string {
	if s.sentinel != "" {
		return append([]string{s.sentinel, "--sentinel", "--bind", "127.0.0.1"}, s.listening()...)
	}
	args := []string{
		"--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--daemonize", "no", "--logfile", "",
		"--repl-diskless-sync-delay", "0",
	}
	args = append(args, s.listening()...)
	if s.password != "" {
		args = append(args, "--requirepass", s.password)
	}
	if s.cluster {
		args = append(args, "--cluster-enabled", "yes", "--cluster-port", fmt.Sprint(s.busPort))
	}
	return append(args, s.args...)
}

// listening are the arguments that say where the server listens, and how.
func (s *Server) listening() []string {
	if s.tls == nil {
		return []string{"--port", fmt.Sprint(s.port)}
	}
	return s.tls.arguments(s.port)
}

// ready waits until our server answers PING. Somebody else's on the same port
// would answer too, but then ours has exited.
func (s *Server) ready() error {
	client := s.client(time.Second)
	defer client.Close()
	return s.until("PING is answered", func(ctx context.Context) bool {
		if client.Ping(ctx).Err() != nil {
			return false
		}
		info, err := client.Info(ctx, "server").Result()
		return err == nil && strings.Contains(info, fmt.Sprintf("process_id:%d\r\n", s.cmd.Process.Pid))
	})
}

// join gives a cluster's only node all slots.
func (s *Server) join() {
	s.t.Helper()
	client := s.client(Patience)
	defer client.Close()
	if err := client.ClusterAddSlotsRange(context.Background(), 0, 16383).Err(); err != nil {
		s.t.Fatalf("giving redis-server its slots: %v", err)
	}
	info := ""
	s.await("the cluster is up", func(ctx context.Context) bool {
		info = client.ClusterInfo(ctx).Val()
		return strings.Contains(info, "cluster_state:ok")
	}, func() string { return info })
}

func (s *Server) client(timeout time.Duration) *goredis.Client {
	return goredis.NewClient(&goredis.Options{
		Addr: s.Addr(), Password: s.password, Protocol: 2, DisableIdentity: true,
		ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1,
		DialTimeout: timeout, ReadTimeout: timeout, TLSConfig: s.tls.client(),
	})
}

func (s *Server) stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // one that was killed already is no matter
	<-s.exited
	if s.t.Failed() {
		s.t.Logf("redis-server on %s said:\n%s", s.Addr(), s.log.String())
	}
}
