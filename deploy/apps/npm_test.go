package apps_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// TestWhatComesFromNPM installs it once.
func TestWhatComesFromNPM(t *testing.T) {
	dir := gatewaytest.BusyFolder(t)
	if err := os.CopyFS(dir, os.DirFS("packages")); err != nil {
		t.Fatal(err)
	}
	if !installed(t, dir) {
		return
	}
	t.Run("TiddlyWiki", tiddlywiki(dir).prove)
	t.Run("jose", func(t *testing.T) {
		program, err := os.ReadFile("verify.mjs")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "verify.mjs") // beside the packages, where node looks
		gatewaytest.WriteFile(t, file, string(program))
		verifies(t, "node", file)
	})
}

// outOfReach is what npm says of a registry that it cannot get to.
var outOfReach = regexp.MustCompile(`ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT`)

// installed reports whether all packages of the lock are there. A run of continuous
// integration that cannot get them says what it has not checked, in the file that it
// names for that.
func installed(t *testing.T, dir string) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = dir
	printed, err := cmd.CombinedOutput()
	if err == nil {
		return true
	}
	notes := os.Getenv("SIDEGATE_NOT_CHECKED")
	if notes == "" || !outOfReach.Match(printed) {
		t.Fatalf("npm ci: %v\n%s", err, printed)
	}
	file, err := os.OpenFile(notes, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString("NOT CHECKED: tests: TiddlyWiki and jose behind the gateway: npm's registry cannot be reached from here\n"); err != nil {
		t.Fatal(err)
	}
	return false
}

// tiddlywiki lets everybody read and those write whom a header names. It decodes
// the name, so it gets the native one.
func tiddlywiki(packages string) app {
	return app{
		name: "TiddlyWiki",
		start: func(t *testing.T, dir string) string {
			program, wiki := filepath.Join(packages, "node_modules", "tiddlywiki", "tiddlywiki.js"), filepath.Join(dir, "wiki")
			done(t, dir, "node", program, wiki, "--init", "server")
			return "reverse_proxy " + listens(t, func(port int) *exec.Cmd {
				return exec.Command("node", program, wiki, "--listen", fmt.Sprintf("port=%d", port), "host=127.0.0.1", // #nosec G204 -- of this test
					"authenticated-user-header=X-Session-Email", "readers=(anon)", "writers=(authenticated)")
			})
		},
		auth:   "headers native",
		forged: []string{"X-Session-Email"},
		who: func(b *gatewaytest.Browser, header ...string) string {
			var answer struct{ Username string }
			b.Do(http.MethodGet, "/status", "", header...).Want(b.T, http.StatusOK).Decode(b.T, &answer)
			return answer.Username
		},
		ada: gatewaytest.Ada, jürgen: jürgen,
		more: func(t *testing.T, with standing) {
			put := func(b *gatewaytest.Browser, header ...string) gatewaytest.Answer {
				return b.At(t, b.Server).Do(http.MethodPut, "/recipes/default/tiddlers/Note", `{"title":"Note","text":"hello"}`,
					append(header, "X-Requested-With", "TiddlyWiki", "Content-Type", gatewaytest.AsJSON)...)
			}
			t.Run("who is known may write", func(t *testing.T) { put(with.jürgen).Want(t, http.StatusNoContent) })
			t.Run("nobody may not, whatever the client says", func(t *testing.T) {
				put(with.nobody, "X-Session-Email", gatewaytest.Ada).Want(t, http.StatusUnauthorized)
			})
		},
	}
}
