package caddyfiles_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// othersStart are what starts what some files ask, where that is no `caddy respond`.
var othersStart = map[string]string{
	"grafana.Caddyfile":       "http_addr = 127.0.0.1",
	"gateway-outer.Caddyfile": "gateway-inner.Caddyfile. Start",
}

// Whoever does what the opening says is not to meet a 502.
func TestEachOpeningStartsWhatItsGatewayAsks(t *testing.T) {
	files, err := filepath.Glob("*.Caddyfile")
	if err != nil || len(files) < 10 {
		t.Fatalf("%q: %v", files, err)
	}
	asked, local := 0, regexp.MustCompile(`(?m)^\s*(?:reverse_proxy|login app|directory http)\s.*?(127\.0\.0\.1:\d+)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range local.FindAllStringSubmatch(string(text), -1) {
			asked++
			starts := "#\t./caddy respond --listen " + found[1] + " "
			if other, ok := othersStart[file]; ok {
				starts = other
			}
			if !strings.Contains(string(text), starts) {
				t.Errorf("%s asks %s, and does not say how to start it", file, found[1])
			}
		}
	}
	if asked < 10 {
		t.Errorf("only %d addresses were found", asked)
	}
}

// What stands in for an app or a directory must be somebody to the `map`.
func TestWhatStandsInIsTakenByTheMap(t *testing.T) {
	body := regexp.MustCompile(`(?m)^#\t\./caddy respond .* --body '(.*)'$`)
	for _, c := range []struct{ file, login, before, after, want string }{
		{"legacy-app.Caddyfile", "legacy", `{"status":200,"body":`, "}", `"you@example.com"`},
		{"google-crm.Caddyfile", "google", `{"token":{"sub":"1","hd":"example.com","email":"you@example.com","email_verified":true},"directory":{"crm":`, "}}", `"Globex"`},
	} {
		t.Run(c.file, func(t *testing.T) {
			text, err := os.ReadFile(c.file)
			if err != nil {
				t.Fatal(err)
			}
			found := body.FindStringSubmatch(string(text))
			if found == nil {
				t.Fatal("nothing stands in")
			}
			dir := t.TempDir()
			gatewaytest.WriteFile(t, filepath.Join(dir, "answer.json"), c.before+found[1]+c.after)
			config, err := filepath.Abs(c.file)
			if err != nil {
				t.Fatal(err)
			}
			said, code := gatewaytest.RunCaddy(t, dir, "sidegate-map", "--config", config, "--login", c.login, "--input", filepath.Join(dir, "answer.json"))
			if code != 0 || !strings.Contains(said, c.want) {
				t.Errorf("it ends with %d and says\n%s", code, said)
			}
		})
	}
}
