package caddyfiles_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// password is that of the demo's people.
const password = "sidegate-demo"

// start runs a Caddyfile as it is shipped until the test ends, but for its addresses
// (pairs of what stands there and what goes in its place), for its admin endpoint,
// and for where Caddy itself keeps its things. Where people of one's own are to be in
// a users file, those of the tests are.
func start(t *testing.T, p *gatewaytest.Process, file string, addresses []string, env ...string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	addresses = append(addresses, "../demo/users.yaml", demoPeople(t), "users users.yaml", "users "+p.Users,
		"\n\tadmin localhost:{$ADMIN:2019}", "", "\n\tadmin localhost:2020", "", "{\n\tsidegate {", "{\n\t"+quiet(p)+"\n\tsidegate {")
	shipped := withoutComments(string(text))
	if !strings.Contains(shipped, "{\n\tsidegate {") {
		shipped = strings.Replace(shipped, "\n\tsidegate {", "\n\t"+quiet(p)+"\n\tsidegate {", 1)
	}
	for i := 0; i < len(addresses); i += 2 {
		shipped = strings.ReplaceAll(shipped, addresses[i], addresses[i+1])
	}
	config := filepath.Join(p.Dir, "Caddyfile")
	gatewaytest.WriteFile(t, config, shipped)
	cmd := gatewaytest.CaddyCommand(context.Background(), p.Dir, "run", "--adapter", "caddyfile", "--config", config)
	cmd.Env = append(cmd.Env, env...)
	p.Run(cmd)
}

// quiet are global options of a gateway that leaves the machine alone.
func quiet(p *gatewaytest.Process) string {
	return fmt.Sprintf("admin %s\n\tpersist_config off\n\tstorage file_system %q", p.Site.Admin, filepath.Join(p.Dir, "storage"))
}

// at are the addresses of a file whose sites are on that port of localhost.
func at(p *gatewaytest.Process, more ...string) []string {
	return append(more, ":8080", fmt.Sprintf(":%d", p.Port))
}

func demoPeople(t *testing.T) string {
	t.Helper()
	file, err := filepath.Abs("../demo/users.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func withoutComments(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// host is a browser's tab at one of the sites of a process: browsers take names that
// end in .localhost for this machine, and other programs need not.
type host struct {
	*gatewaytest.Browser
	name string // with its port
}

func (h host) open(t *testing.T, method, path, body string, header ...string) gatewaytest.Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.Server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = h.name
	if len(h.Jar) > 0 {
		r.Header.Set("Cookie", strings.Join(h.Jar, "; "))
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a := h.Client.Send(r)
	h.Take(a)
	return a
}

// signIn does so as the login page of the demo's people does.
func (h host) signIn(t *testing.T, email string) gatewaytest.Answer {
	t.Helper()
	return h.open(t, http.MethodPost, "/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, password),
		"Content-Type", gatewaytest.AsJSON).Want(t, http.StatusOK)
}

func (h host) says(t *testing.T, path, want string) {
	t.Helper()
	if a := h.open(t, http.MethodGet, path, "").Want(t, http.StatusOK); a.Body != want {
		t.Errorf("%s%s says %q; want %q", h.name, path, a.Body, want)
	}
}

// led checks that a page leads people somewhere.
func (h host) led(t *testing.T, path, to string) {
	t.Helper()
	a := h.open(t, http.MethodGet, path, "", "Accept", "text/html", "Sec-Fetch-Mode", "navigate")
	if a.Header.Get("Location") != to {
		t.Errorf("%s%s: got %s and %q; want %s", h.name, path, a.Status, a.Header.Get("Location"), to)
	}
}
