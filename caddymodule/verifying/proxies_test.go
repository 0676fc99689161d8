package verifying_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// folder is where the configurations are.
const folder = "../../deploy/verify"

// A proxy is started with the configuration that is shipped for it.
type proxy struct {
	name  string
	files []string // the first is what it is started with
	// exact says that it deletes headers by their whole names alone.
	exact bool
	// run is the command, where the files lie in dir.
	run func(t *testing.T, dir, file string) *exec.Cmd
}

var proxies = []proxy{
	{"nginx", []string{"nginx.conf", "nginx-others.conf"}, true, func(_ *testing.T, dir, file string) *exec.Cmd {
		return exec.Command(server("nginx"), "-p", dir, "-c", file, "-g", "daemon off; master_process off;")
	}},
	{"HAProxy", []string{"haproxy.cfg", "haproxy.lua"}, false, func(_ *testing.T, dir, file string) *exec.Cmd {
		return exec.Command(server("haproxy"), "-f", file)
	}},
	{"Apache", []string{"apache.conf", "apache.lua"}, false, func(_ *testing.T, dir, file string) *exec.Cmd {
		return exec.Command(server("apache2"), "-C", "Define here "+dir, "-f", file, "-D", "FOREGROUND")
	}},
	{"stock Caddy", []string{"caddy.Caddyfile"}, false, func(t *testing.T, dir, file string) *exec.Cmd {
		c := exec.Command(stockCaddy(t), "run", "--adapter", "caddyfile", "--config", file)
		c.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
		return c
	}},
}

// server is a program that Debian has where not everybody's PATH is.
func server(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return "/usr/sbin/" + name
}

// stockCaddy is a Caddy of the version that we are built with, without our modules.
func stockCaddy(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "caddy")
	// The flags are those of xcaddy.sh, so that what it has built is not built again.
	out, err := exec.Command("env", "CGO_ENABLED=0", "go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-w -s", "-tags", "nobadger,nomysql,nopgx",
		"-o", name, "github.com/caddyserver/caddy/v2/cmd/caddy").CombinedOutput()
	if err != nil {
		t.Fatalf("building a Caddy: %v\n%s", err, out)
	}
	return name
}

// behind is a proxy in front of two apps, and the gateway that it asks.
type behind struct {
	*gatewaytest.Server
	gateway      *gatewaytest.Process
	app, reports *app
}

// put starts all of it.
func put(t *testing.T, p proxy) *behind {
	t.Helper()
	g := gateway(t)
	b := putBefore(t, p, g.Address())
	b.gateway = g
	return b
}

// putBefore starts it before whatever answers the questions there.
func putBefore(t *testing.T, p proxy, gateway string) *behind {
	t.Helper()
	b := &behind{app: newApp(t), reports: newApp(t)}
	port := gatewaytest.FreePort(t)
	b.Server = &gatewaytest.Server{URL: fmt.Sprintf("http://127.0.0.1:%d", port), Port: port}
	dir := openFolder(t)
	for _, file := range p.files {
		writeOpen(t, filepath.Join(dir, file), strings.NewReplacer(
			"127.0.0.1:8000", b.Address(), "http://:8000", fmt.Sprintf("http://:%d", port), "127.0.0.1:8080", gateway,
			"127.0.0.1:3000", b.app.address(), "127.0.0.1:3001", b.reports.address(),
			"deploy/verify/", dir+"/", "/tmp/verify", dir, "error_log stderr", "error_log /dev/stderr",
		).Replace(read(t, file)))
	}
	gatewaytest.KeepRunning(t, p.run(t, dir, filepath.Join(dir, p.files[0])), syscall.SIGTERM, "tcp", b.Address())
	return b
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// gateway runs that of the folder, with the people of the tests.
func gateway(t *testing.T) *gatewaytest.Process {
	t.Helper()
	return gatewayTrusting(t, "127.0.0.0/8")
}

func gatewayTrusting(t *testing.T, proxies string) *gatewaytest.Process {
	t.Helper()
	p := gatewaytest.NewProcess(t, gatewaytest.Site{})
	file := filepath.Join(p.Dir, "Caddyfile")
	gatewaytest.WriteFile(t, file, strings.NewReplacer(
		"\tservers {", "\tadmin off\n\tpersist_config off\n\tservers {", "http://:8080", fmt.Sprintf("http://:%d", p.Port),
		"../demo/users.yaml", p.Users, "127.0.0.0/8 ::1/128", proxies,
	).Replace(read(t, "gateway.Caddyfile")))
	p.Run(gatewaytest.CaddyCommand(context.Background(), p.Dir, "run", "--adapter", "caddyfile", "--config", file))
	return p
}

// openFolder is one that a server that has laid down root's rights can read.
func openFolder(t *testing.T) string {
	t.Helper()
	dir := gatewaytest.BusyFolder(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeOpen(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
