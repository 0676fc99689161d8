package install_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// composeFile is compose.yaml as the reader of the specification has it.
type composeFile struct {
	Services map[string]composeService
	Networks map[string]struct{ Internal bool }
	Secrets  map[string]struct{ File string }
	Volumes  map[string]any
}

type composeService struct {
	Image, User string
	Build       *struct{ Dockerfile string }
	PullPolicy  string `json:"pull_policy"`
	Entrypoint  []string
	Command     []string
	ReadOnly    bool     `json:"read_only"`
	CapDrop     []string `json:"cap_drop"`
	SecurityOpt []string `json:"security_opt"`
	Networks    map[string]any
	Ports       []struct {
		HostIP    string `json:"host_ip"`
		Target    int
		Published string
	}
	Volumes []struct {
		Type, Source, Target string
		ReadOnly             bool `json:"read_only"`
	}
	Tmpfs       []string
	Secrets     []struct{ Source, Target string }
	Healthcheck struct {
		Test    []string
		Disable bool
	}
	DependsOn map[string]struct{ Condition string } `json:"depends_on"`
	PidsLimit int                                   `json:"pids_limit"`
}

// composed is compose.yaml as the program of its specification reads it.
func composed(t *testing.T) composeFile {
	t.Helper()
	out := strings.ReplaceAll(kept(t, "compose.json"), placeOfTop, top(t))
	var c composeFile
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEachServiceOfTheComposeFileHasNoMoreRightsThanItNeeds(t *testing.T) {
	c := composed(t)
	if len(c.Services) != 3 {
		t.Fatalf("the services are %v", c.Services)
	}
	for name, s := range c.Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) {
			t.Errorf("%s may write, has capabilities or may get more: %+v", name, s)
		}
		if s.User == "" || strings.HasPrefix(s.User, "0") {
			t.Errorf("%s runs as %q", name, s.User)
		}
		for _, port := range s.Ports {
			if name != "gateway" || port.HostIP != "127.0.0.1" {
				t.Errorf("%s is reached at %s:%s", name, port.HostIP, port.Published)
			}
		}
		for network := range s.Networks {
			if !c.Networks[network].Internal && name != "gateway" {
				t.Errorf("%s is reached by the network %s", name, network)
			}
		}
	}
	if c.Services["gateway"].DependsOn["redis"].Condition != "service_healthy" {
		t.Error("the gateway does not wait for Redis")
	}
	if len(c.Services["redis"].Healthcheck.Test) == 0 {
		t.Error("nobody asks Redis whether it is healthy")
	}
}

// Threads count, and Go has about as many as there are processors: who reaches the limit
// ends by "failed to create new OS thread".
func TestNoMachineHasAsManyProcessorsAsThreadsAreAllowed(t *testing.T) {
	const processors = 2048 // of the largest machines
	for name, s := range composed(t).Services {
		if s.Image == "sidegate" && s.PidsLimit < 2*processors {
			t.Errorf("%s may have %d threads; want %d at least", name, s.PidsLimit, 2*processors)
		}
	}
	unit := read(t, unitFile) + read(t, "../systemd/sidegate.conf")
	if strings.Contains(unit, "TasksMax") || strings.Contains(unit, "LimitNPROC") {
		t.Error("the unit bounds its threads, which systemd does by what the machine may have")
	}
}

// TestTheUserOfRedisIsThatOfTheOperations: what more it had, nobody would have looked at.
func TestTheUserOfRedisIsThatOfTheOperations(t *testing.T) {
	rights := regexp.MustCompile(`(?m)^rights='(.*)'$`).FindStringSubmatch(read(t, "../docker/redis.sh"))
	if rights == nil || !strings.Contains(read(t, "../OPERATIONS.md"), "ACL SETUSER sidegate on >PASSWORD "+rights[1]+"\n") {
		t.Errorf("OPERATIONS.md has no user with the rights %q", rights)
	}
}

// site is compose.yaml, started piece by piece: the gateway and the app in the image's
// own files, with the mounts, the user and the rights that it says, and Redis by
// redis.sh. Only addresses are others, for there is one network here.
type site struct {
	t                   *testing.T
	root, dir           string
	image               inspected
	file                composeFile
	redis, app, gateway string // ports
	health              string
}

func startsComposed(t *testing.T, root string, image inspected) {
	s := &site{t: t, root: root, dir: t.TempDir(), image: image, file: composed(t), redis: port(t), app: port(t), gateway: port(t), health: port(t)}
	if err := os.Chmod(s.dir, 0o755); err != nil { // #nosec G302 -- the users of the containers go through it
		t.Fatal(err)
	}
	copyShipped(t, filepath.Join(top(t), "deploy"), filepath.Join(s.dir, "deploy"))
	password := s.makeSecrets()
	s.configure(s.gateway)

	t.Run("says what to do when it does not start", s.failures)

	redis := s.startRedis()
	start(t, s.container("app"))
	start(t, s.container("gateway")).awaitLog("serving initial configuration")
	gatewaytest.Await(t, "Redis is healthy", func() bool { return s.askRedis().Run() == nil })
	gatewaytest.Await(t, "the gateway is healthy", func() bool { return s.askHealth().Run() == nil })
	if said := s.signIn(password); !strings.Contains(said, "ada@example.com") {
		t.Errorf("the app does not know ada: %s", said)
	}

	redis.stop(syscall.SIGKILL)
	gatewaytest.Await(t, "the gateway is not healthy without Redis", func() bool { return s.askHealth().Run() != nil })
}

// copyShipped copies what compose.yaml mounts: the files of docker, without the folder
// with the secrets of who has followed its first lines, and the demo.
func copyShipped(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(to, "docker"), 0o755); err != nil { // #nosec G301 -- the users of the containers go through it
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(from, "docker"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			must(t, command(t, "cp", filepath.Join(from, "docker", entry.Name()), filepath.Join(to, "docker")))
		}
	}
	must(t, command(t, "cp", "-r", filepath.Join(from, "demo"), to))
}

func (s *site) docker(name string) string { return filepath.Join(s.dir, "deploy/docker", name) }

// makeSecrets runs secrets.sh, and returns the password that it tells.
func (s *site) makeSecrets() string {
	s.t.Helper()
	cmd := command(s.t, s.docker("secrets.sh"))
	cmd.Env = append(os.Environ(), "CADDY="+filepath.Join(s.root, "caddy"))
	said := must(s.t, cmd)
	found := regexp.MustCompile(`signs in with the password (\w+)`).FindStringSubmatch(said)
	if found == nil {
		s.t.Fatalf("secrets.sh says %q", said)
	}
	again := command(s.t, cmd.Args...)
	again.Env = cmd.Env
	if again := must(s.t, again); strings.Contains(again, "password") {
		s.t.Errorf("run again, secrets.sh says %q", again)
	}
	return found[1]
}

// configure puts addresses of this machine's loopback into the Caddyfiles.
func (s *site) configure(gateway string) {
	s.t.Helper()
	gatewaytest.WriteFile(s.t, s.docker("gateway.caddy"), replaced(s.t, read(s.t, "../docker/gateway.caddy"),
		"{\n\tadmin unix", "{\n\tdefault_bind 127.0.0.1\n\tadmin unix", "redis:6379", "127.0.0.1:"+s.redis,
		"http://localhost:8080 {", "http://localhost:"+gateway+" {", "app:8000", "127.0.0.1:"+s.app, ":8081 {", ":"+s.health+" {"))
	gatewaytest.WriteFile(s.t, s.docker("app.caddy"), replaced(s.t, read(s.t, "../docker/app.caddy"),
		"admin off", "admin off\n\tdefault_bind 127.0.0.1", "http://:8000 {", "http://:"+s.app+" {"))
	for _, name := range []string{"gateway.caddy", "app.caddy"} {
		if err := os.Chmod(s.docker(name), 0o644); err != nil { // #nosec G302 -- the users of the containers read it
			s.t.Fatal(err)
		}
	}
}

func (s *site) startRedis() *program {
	s.t.Helper()
	return start(s.t, s.redisSays("--port", s.redis, "--bind", "127.0.0.1", "--dir", s.folder("sessions")))
}

func (s *site) askRedis() *exec.Cmd { return s.redisSays("health") }

// redisSays runs redis.sh as compose.yaml does.
func (s *site) redisSays(args ...string) *exec.Cmd {
	s.t.Helper()
	entry := s.file.Services["redis"].Entrypoint
	if !slices.Equal(entry, []string{"sh", "/etc/redis/redis.sh"}) {
		s.t.Fatalf("Redis is started by %q", entry)
	}
	cmd := command(s.t, append([]string{"sh", s.docker("redis.sh")}, args...)...)
	conf := filepath.Join(s.folder("redis"), "redis.conf")
	gatewaytest.WriteFile(s.t, conf, replaced(s.t, read(s.t, "../docker/redis.conf"), "/run/redis", s.folder("redis"), "\ndir /data", ""))
	cmd.Env = append(os.Environ(), "REDIS_PASSWORD_FILE="+s.docker("secrets/redis_password"), "REDIS_RUN="+s.folder("redis"), "REDIS_CONF="+conf, "REDIS_PORT="+s.redis)
	return cmd
}

func (s *site) folder(name string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(path, 0o750); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// askHealth runs the health check of compose.yaml, which is the HEALTHCHECK of the image.
func (s *site) askHealth() *exec.Cmd {
	s.t.Helper()
	test := slices.Clone(s.file.Services["gateway"].Healthcheck.Test)
	if !slices.Equal(test, s.image.Healthcheck.Test) {
		s.t.Fatalf("the image is asked by %q, and in compose.yaml by %q", s.image.Healthcheck.Test, test)
	}
	test[len(test)-1] = replaced(s.t, test[len(test)-1], ":8081", ":"+s.health)
	return s.runs("gateway", test[1:])
}

// signIn is what a person does, up to the app's page.
func (s *site) signIn(password string) string {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	client := http.Client{Jar: jar}
	origin := "http://localhost:" + s.gateway
	resp, err := client.Post(origin+"/auth/login", "application/json", strings.NewReader(fmt.Sprintf(`{"email":"ada@example.com","password":%q}`, password)))
	if err != nil {
		s.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("signing in is answered with %s", resp.Status)
	}
	if resp, err = client.Get(origin + "/"); err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%v: the app's page is answered with %s", err, resp.Status)
	}
	return string(page)
}

func (s *site) failures(t *testing.T) {
	on := *s
	on.t = t
	gateway := func() *exec.Cmd { return on.container("gateway") }
	for _, test := range []struct {
		name, says  string
		spoil, mend func()
	}{
		{"no secret", "secrets/sidegate_secret}: there is no such file: make the file outside of the container", on.hide("secrets/sidegate_secret"), on.show("secrets/sidegate_secret")},
		{"no password of Redis", "redis_password}: there is no such file: make the file outside of the container", on.hide("secrets/redis_password"), on.show("secrets/redis_password")},
		{"no users", "make the file outside of the container, where /run/secrets/users.yaml is mounted from", on.hide("secrets/users.yaml"), on.show("secrets/users.yaml")},
		{"no configuration", "make it, or say with --config where it is", on.hide("gateway.caddy"), on.show("gateway.caddy")},
		{"a port in use", "already: stop it", func() { on.configure(takenPort(t)) }, func() { on.configure(on.gateway) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			on.t = t
			test.spoil()
			defer test.mend()
			fails(t, gateway(), test.says)
		})
	}
	t.Run("no password for Redis", func(t *testing.T) {
		on.t = t
		on.hide("secrets/redis_password")()
		defer on.show("secrets/redis_password")()
		if out, err := on.redisSays().CombinedOutput(); err == nil || !strings.HasPrefix(string(out), "redis.sh: make the password of Redis, by deploy/docker/secrets.sh") {
			t.Errorf("%v: redis.sh says %q", err, out)
		}
	})
	t.Run("nothing is written into its files", func(t *testing.T) {
		on.t = t
		cmd := on.container("gateway")
		run := slices.Index(cmd.Args, "run")
		cmd.Args = append(cmd.Args[:run:run], "manpage", "--directory", "/man") // which ends
		if said, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(said), "/man: read-only file system") {
			t.Errorf("%v: it says %s", err, said)
		}
	})
}

func (s *site) hide(name string) func() {
	return func() { s.rename(name, name+".hidden") }
}

func (s *site) show(name string) func() {
	return func() { s.rename(name+".hidden", name) }
}

func (s *site) rename(from, to string) {
	s.t.Helper()
	if err := os.Rename(s.docker(from), s.docker(to)); err != nil {
		s.t.Fatal(err)
	}
}
