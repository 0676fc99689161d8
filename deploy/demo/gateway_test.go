package demo_test

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "example.com/sidegate/caddymodule"
)

// start runs the gateway of a Caddyfile until the test ends, on a free port of
// loopback in the place of that address, and returns its origin. What it keeps
// is kept for the test alone.
func start(t *testing.T, config, address string) string {
	t.Helper()
	origin := "http://127.0.0.1:" + freePort(t)
	if !strings.HasPrefix(config, "{\n") && !strings.Contains(config, "\n{\n") || !strings.Contains(config, address+" {") {
		t.Fatalf("no global options, or no site %s, in\n%s", address, config)
	}
	config = strings.Replace(config, "{\n", "{\nadmin off\nauto_https off\npersist_config off\nstorage file_system "+t.TempDir()+"\n", 1)
	config = strings.Replace(config, "sidegate {\n", "sidegate {\nstore memory\n", 1)
	config = strings.Replace(config, address+" {\n", origin+" {\nbind 127.0.0.1\n", 1)
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(config), nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, config)
	}
	if err := caddy.Load(adapted, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return origin
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// signIn signs ada in and returns her session.
func signIn(t *testing.T, origin string) map[string]any {
	t.Helper()
	return decode(t, ask(t, http.MethodPost, origin+"/auth/login", "", `{"email":"ada@example.com","password":"sidegate-demo"}`))
}

func decode(t *testing.T, body string) (session map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &session); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return session
}

// ask sends a request and returns the body of its answer, which must be 200.
func ask(t *testing.T, method, url, token, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s, %v: %s", method, url, resp.Status, err, &answer)
	}
	return answer.String()
}
