package caddyfiles_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// variable is one that a Caddyfile takes from the environment.
var variable = regexp.MustCompile(`\{env\.(\w+)\}`)

// people is the path of a users file, as an adapted Caddyfile has it.
var people = regexp.MustCompile(`"[^"]*/users\.yaml"`)

func TestEachCaddyfileSaysWhatToDoWhenItDoesNotStart(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.Caddyfile", "../verify/*.Caddyfile", "../../Caddyfile"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken, free := l.Addr().String(), fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
	seen := map[string]int{}
	for _, file := range files {
		if file == "log-filter.Caddyfile" {
			continue // a snippet, which starts nothing
		}
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(filepath.Dir(file)) // where its relative names are told from
			shipped := gatewaytest.Adapt(t, withoutComments(string(text)))
			wantsSecret := variable.Match(shipped)
			for _, c := range []struct {
				name, at string
				config   []byte
				says     string
				is       bool
			}{
				{"a port in use", taken, shipped, "another program listens on " + taken + " already: stop it", true},
				{"a secret that is missing", free, shipped, "is missing or empty: set the variable", wantsSecret},
				{"a users file that is not there", free, people.ReplaceAll(shipped, []byte(`"/nowhere/users.yaml"`)), "make it with: ", people.Match(shipped) && !wantsSecret},
			} {
				if !c.is {
					continue
				}
				seen[c.name]++
				if first := firstError(t, listening(t, c.config, c.at)); !strings.Contains(first, c.says) {
					t.Errorf("with %s its first error is %s; want %q", c.name, first, c.says)
				}
			}
		})
	}
	if len(seen) < 3 {
		t.Errorf("only %v were tried", seen)
	}
}

// listening is a configuration at that address alone, and without an admin endpoint.
func listening(t *testing.T, config []byte, address string) []byte {
	t.Helper()
	var c map[string]any
	if err := json.Unmarshal(config, &c); err != nil {
		t.Fatal(err)
	}
	c["admin"] = map[string]any{"disabled": true}
	http := c["apps"].(map[string]any)["http"].(map[string]any)
	for _, server := range http["servers"].(map[string]any) {
		server.(map[string]any)["listen"] = []string{address}
	}
	config, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// firstError is what caddy run says first of what keeps it from starting, where no
// variable of these files is set.
func firstError(t *testing.T, config []byte) string {
	t.Helper()
	for _, found := range variable.FindAllSubmatch(config, -1) {
		t.Setenv(string(found[1]), "")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "caddy.json")
	gatewaytest.WriteFile(t, file, string(config))
	said, code := gatewaytest.RunCaddy(t, dir, "run", "--config", file)
	for line := range bytes.Lines([]byte(said)) {
		if code != 0 && bytes.Contains(line, []byte(`"level":"error"`)) {
			return string(line)
		}
	}
	return fmt.Sprintf("(none; it exits with %d and says %s)", code, said)
}
