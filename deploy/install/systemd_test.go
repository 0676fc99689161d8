package install_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

const unitFile = "../systemd/sidegate.service"

// rooted is a folder with what systemd has, and with the unit and its drop-in.
func rooted(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	units := filepath.Join(root, "etc/systemd/system")
	for _, dir := range []string{filepath.Join(units, "sidegate.service.d"), filepath.Join(root, "usr/local/bin"), filepath.Join(root, "usr/lib/systemd")} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	must(t, command(t, "cp", "-a", "/usr/lib/systemd/system", filepath.Join(root, "usr/lib/systemd/system")))
	must(t, command(t, "cp", unitFile, units))
	must(t, command(t, "cp", "../systemd/sidegate.conf", filepath.Join(units, "sidegate.service.d/local.conf")))
	must(t, command(t, "cp", "/bin/true", filepath.Join(root, "usr/local/bin/caddy")))
	return root
}

func TestTheUnitIsOneThatSystemdTakes(t *testing.T) {
	root := rooted(t)
	out, err := command(t, "systemd-analyze", "--root="+root, "--recursive-errors=no", "verify", "sidegate.service").CombinedOutput()
	if err != nil || strings.Contains(string(out), "sidegate") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestTheUnitIsHardened: systemd's own figure, of 0 (nothing is exposed) to 10.
func TestTheUnitIsHardened(t *testing.T) {
	out := must(t, command(t, "systemd-analyze", "security", "--offline=yes", unitFile))
	found := regexp.MustCompile(`Overall exposure level for sidegate\.service: ([0-9.]+)`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no level in\n%s", out)
	}
	if level, err := strconv.ParseFloat(found[1], 64); err != nil || level >= 3 {
		t.Errorf("the level is %s; want less than 3", found[1])
	}
	if strings.Contains(read(t, unitFile), "\nProcSubset=pid") {
		t.Error("net.core.somaxconn is hidden from Go, so that 128 connections at most wait to be accepted")
	}
	for _, line := range []string{
		"AmbientCapabilities=CAP_NET_BIND_SERVICE", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE", "NoNewPrivileges=yes",
		"User=sidegate", "LoadCredential=secret:/etc/sidegate/secret", "StateDirectory=sidegate", "LogsDirectory=sidegate", "Type=notify",
	} {
		if !strings.Contains(read(t, unitFile), "\n"+line+"\n") {
			t.Errorf("there is no %s", line)
		}
	}
}

func TestTheUserOfTheUnitIsMade(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o750); err != nil {
		t.Fatal(err)
	}
	must(t, command(t, "systemd-sysusers", "--root="+root, filepath.Join(top(t), "deploy/systemd/sidegate.sysusers")))
	if made := read(t, filepath.Join(root, "etc/passwd")); !strings.HasPrefix(made, "sidegate:") {
		t.Errorf("it makes %q", made)
	}
}

// TestTheStateOfTheServiceIsItsUsersAlone: sessions lie there, sealed, and the admin
// socket, which asks nobody who it is.
func TestTheStateOfTheServiceIsItsUsersAlone(t *testing.T) {
	s := newService(t)
	for _, name := range []string{"StateDirectoryMode", "RuntimeDirectoryMode", "LogsDirectoryMode"} {
		if mode := s.of(name)[0]; mode != "0700" {
			t.Errorf("%s is %s", name, mode)
		}
	}
}

// service is the unit as a test starts it: its commands, its environment and its
// folders, in another place.
type service struct {
	t            *testing.T
	dir          string
	ports        [2]string
	unit, config string
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{t: t, dir: t.TempDir(), ports: [2]string{port(t), port(t)}, unit: read(t, unitFile)}
	for _, name := range []string{"etc", "credentials", "state", "run"} {
		if err := os.Mkdir(filepath.Join(s.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	gatewaytest.WriteFile(t, s.file("credentials/secret"), rand.Text()+rand.Text()+"\n")
	gatewaytest.WriteFile(t, s.file("etc/users.yaml"), read(t, "../demo/users.yaml"))
	s.configure(s.ports[0])
	return s
}

func (s *service) file(name string) string { return filepath.Join(s.dir, name) }

// configure writes the Caddyfile of the unit, with another port, without TLS, and with
// the folders of the test where systemd names none.
func (s *service) configure(port string) {
	s.t.Helper()
	s.config = replaced(s.t, read(s.t, "../systemd/sidegate.caddy"), "\napp.example.com {", "\nhttp://localhost:"+port+" {\n\tbind 127.0.0.1", ":8081 {", ":"+s.ports[1]+" {",
		"DIRECTORY:/run/credentials/sidegate.service}", "DIRECTORY:"+s.file("credentials")+"}", "DIRECTORY:/run/sidegate}", "DIRECTORY:"+s.file("run")+"}",
		"DIRECTORY:/var/lib/sidegate}", "DIRECTORY:"+s.file("state")+"}", "DIRECTORY:/etc/sidegate}", "DIRECTORY:"+s.file("etc")+"}")
	gatewaytest.WriteFile(s.t, s.file("etc/Caddyfile"), s.config)
}

var setting = regexp.MustCompile(`(?m)^(\w+)=(.*)$`)

// of are the values of a setting of the unit.
func (s *service) of(name string) (values []string) {
	s.t.Helper()
	for _, found := range setting.FindAllStringSubmatch(s.unit, -1) {
		if found[1] == name {
			values = append(values, found[2])
		}
	}
	if len(values) == 0 {
		s.t.Fatalf("the unit has no %s", name)
	}
	return values
}

// command is ExecStart or ExecReload, in the environment that the unit says.
func (s *service) command(name string) *exec.Cmd {
	s.t.Helper()
	words := strings.Fields(strings.ReplaceAll(s.of(name)[0], "/etc/sidegate/", s.file("etc")+"/"))
	if words[0] != "/usr/local/bin/caddy" {
		s.t.Fatalf("%s runs %s", name, words[0])
	}
	cmd := gatewaytest.CaddyCommand(s.t.Context(), s.dir, words[1:]...)
	cmd.Env = append(cmd.Env, strings.Fields(strings.ReplaceAll(s.of("Environment")[0], "%S/sidegate", s.file("state")))...)
	cmd.Env = append(cmd.Env, "STATE_DIRECTORY="+s.file("state"), "RUNTIME_DIRECTORY="+s.file("run"), "CONFIGURATION_DIRECTORY="+s.file("etc"))
	if name == "ExecStart" {
		// A reload is not told, by systemd 257 and its neighbours.
		cmd.Env = append(cmd.Env, "CREDENTIALS_DIRECTORY="+s.file("credentials"))
	}
	return cmd
}

// notices is a socket such as systemd has, and what comes by it.
func (s *service) notices() (socket string, await func(word string)) {
	s.t.Helper()
	at := &net.UnixAddr{Name: s.file("notify"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", at)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	heard := new(gatewaytest.Output)
	go func() {
		message := make([]byte, 4096)
		for n, err := conn.Read(message); err == nil; n, err = conn.Read(message) {
			_, _ = heard.Write(append(message[:n:n], '\n'))
		}
	}()
	return at.Name, func(word string) {
		s.t.Helper()
		gatewaytest.Await(s.t, "systemd hears "+word, func() bool { return strings.Contains(heard.String(), word) }, heard.String)
	}
}

// digest is that of the configuration in force, as the admin socket tells it.
func (s *service) digest() string {
	s.t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", s.file("run/admin.sock"))
	}}}
	resp, err := client.Get("http://localhost/sidegate/config")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var says struct{ Digest string }
	if err := json.NewDecoder(resp.Body).Decode(&says); err != nil {
		s.t.Fatal(err)
	}
	return says.Digest
}

func TestTheServiceStartsReloadsAndStops(t *testing.T) {
	s := newService(t)
	socket, await := s.notices()
	cmd := s.command("ExecStart")
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+socket)
	p := start(t, cmd)
	await("READY=1")
	p.awaitLog("serving initial configuration")
	health := gatewaytest.CaddyCommand(t.Context(), t.TempDir(), "sidegate-health", "http://127.0.0.1:"+s.ports[1]+"/healthz")
	if said := must(t, health); !strings.Contains(said, "the session store answers") {
		t.Errorf("session_health says %q", said)
	}
	for _, question := range []string{"ready", "config", "keys"} {
		must(t, gatewaytest.CaddyCommand(t.Context(), t.TempDir(), "sidegate-health", "unix/"+s.file("run/admin.sock"), question))
	}
	for _, name := range []string{"state/sessions.db", "run/admin.sock"} {
		if _, err := os.Stat(s.file(name)); err != nil {
			t.Error(err)
		}
	}

	// The Caddyfile is the same: without --force nothing would be read.
	before := s.digest()
	gatewaytest.WriteFile(t, s.file("credentials/secret"), rand.Text()+rand.Text()+"\n")
	must(t, s.command("ExecReload"))
	await("RELOADING=1")
	if after := s.digest(); before == "" || after == before {
		t.Errorf("the digest of the configuration was %s and is %s: the new secret is not in force", before, after)
	}

	p.stop(syscall.SIGTERM)
	await("STOPPING=1")
	if !p.cmd.ProcessState.Success() {
		t.Errorf("after SIGTERM it ends with %v", p.cmd.ProcessState)
	}
}

func TestTheServiceSaysWhatToDoWhenItDoesNotStart(t *testing.T) {
	for _, test := range []struct {
		name, says string
		spoil      func(*service)
	}{
		{"no secret", "credentials/secret}: there is no such file: make it", func(s *service) { s.remove("credentials/secret") }},
		{"no users file", "users.yaml: no such file or directory", func(s *service) { s.remove("etc/users.yaml") }},
		{"no Caddyfile", "make it, or say with --config where it is", func(s *service) { s.remove("etc/Caddyfile") }},
		{"no folder for the admin socket", "make the folder", func(s *service) { s.remove("run") }},
		{"a port in use", "already: stop it", func(s *service) { s.configure(takenPort(s.t)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newService(t)
			test.spoil(s)
			fails(t, s.command("ExecStart"), test.says)
		})
	}
}

func (s *service) remove(name string) {
	s.t.Helper()
	if err := os.RemoveAll(s.file(name)); err != nil {
		s.t.Fatal(err)
	}
}
