package operations_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestEveryCaddyfileOfTheDocumentIsRead(t *testing.T) {
	files := blocks(readFile(t, "deploy/OPERATIONS.md"), "caddyfile")
	if len(files) < 2 {
		t.Fatalf("there are %d", len(files))
	}
	for _, text := range files {
		if formatted := caddyfile.Format([]byte(text)); string(formatted) != text {
			t.Errorf("caddy fmt would make it:\n%s", formatted)
		}
		_, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": filepath.Join(t.TempDir(), "Caddyfile")})
		if err != nil || len(warnings) > 0 {
			t.Errorf("%v %v of\n%s", err, warnings, text)
		}
	}
}

// The new binary judges, as before a rollout, a configuration with the person who is
// locked out by the document's users file.
func TestTheNewBinaryJudgesTheConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gatewaytest.WriteFile(t, filepath.Join(dir, "users.yaml"), block(t, "yaml", "disabled: true"))
	gatewaytest.WriteFile(t, filepath.Join(dir, "Caddyfile"), "{\n\tsidegate {\n\t\tlogin users users.yaml\n\t}\n}\n\nhttp://localhost:8080 {\n\tbind 127.0.0.1\n\tsession_endpoints\n\tsession_auth\n\trespond hello\n}\n")
	ran := 0
	for _, line := range strings.Split(readFile(t, "deploy/OPERATIONS.md"), "\n") {
		command, ok := strings.CutPrefix(strings.TrimSpace(line), "./caddy.new ")
		if !ok {
			continue
		}
		ran++
		args := strings.Fields(strings.ReplaceAll(command, "/etc/caddy/Caddyfile", filepath.Join(dir, "Caddyfile")))
		if said, code := gatewaytest.RunCaddy(t, dir, args...); code != 0 {
			t.Errorf("%s ended with %d and said:\n%s", command, code, said)
		}
	}
	if ran != 2 {
		t.Errorf("%d commands were found", ran)
	}
}

// configured is a redis-server by the lines of the document, with a user that its line
// has made.
func configured(t *testing.T) (srv *redistest.Server, url string) {
	t.Helper()
	var args []string
	for _, line := range strings.Split(block(t, "conf", "noeviction"), "\n") {
		if words := strings.Fields(line); len(words) == 2 {
			args = append(args, "--"+words[0], words[1])
		}
	}
	if len(args) < 10 {
		t.Fatalf("the settings are %q", args)
	}
	srv = redistest.Start(t, redistest.Args(args...))
	makeUser(t, srv)
	return srv, "redis://sidegate:PASSWORD@" + srv.Addr() + "/0"
}

// makeUser is what an operator does, and again after a restart unless it was saved.
func makeUser(t *testing.T, srv *redistest.Server) {
	t.Helper()
	var command []any
	for _, word := range strings.Fields(lineOf(t, "ACL SETUSER sidegate on ")) {
		command = append(command, word)
	}
	must(t, srv.Client().Do(t.Context(), command...).Err())
}

// lineOf is the line of the document that begins so.
func lineOf(t *testing.T, begins string) string {
	t.Helper()
	for _, line := range strings.Split(readFile(t, "deploy/OPERATIONS.md"), "\n") {
		if strings.HasPrefix(line, begins) {
			return line
		}
	}
	t.Fatalf("no line begins %q", begins)
	return ""
}

func TestAGatewayWorksWithTheRedisOfTheDocument(t *testing.T) {
	t.Parallel()
	srv, url := configured(t)
	s := gatewaytest.Site{Options: fmt.Sprintf("store redis %s\nsecret %q", url, gatewaytest.PresentSecret)}
	one, other := gatewaytest.StartProcess(t, s), gatewaytest.StartProcess(t, s)
	c, second := one.WithCookie(t, gatewaytest.Ada), other.WithCookie(t, gatewaytest.Ada)
	c.Choose("globex").WantAccount(t, "globex")
	c.Post("/auth/refresh").Want(t, http.StatusOK)
	if devices := gatewaytest.DevicesOf(c); len(devices) != 2 {
		t.Errorf("%d devices are listed", len(devices))
	}
	one.Client(t).TrySignIn(gatewaytest.Grace, "wrong").Want(t, http.StatusUnauthorized)
	there := one.With(t, second.Cookie, "")
	there.Get("/app").Want(t, http.StatusOK)
	second.Post("/auth/logout").Want(t, http.StatusNoContent)
	gatewaytest.Await(t, "the sign-out is heard of", func() bool { return there.Get("/auth/session").StatusCode == http.StatusUnauthorized })
	last := other.WithCookie(t, gatewaytest.Ada)
	c.Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusNoContent)
	gatewaytest.Await(t, "all devices are signed out", func() bool { return last.Get("/auth/session").StatusCode == http.StatusUnauthorized })
	entries, err := srv.Client().Do(t.Context(), "acl", "log").Slice()
	must(t, err)
	if len(entries) > 0 {
		t.Errorf("Redis has refused %v", entries)
	}
	srv.Kill()
	srv.Restart()
	if users, err := srv.Client().Do(t.Context(), "acl", "users").StringSlice(); err != nil || slices.Contains(users, "sidegate") {
		t.Errorf("a Redis that was started again has the users %q, %v; the document says that it has forgotten ours", users, err)
	}
	makeUser(t, srv)
	gatewaytest.Await(t, "who is signed in is known to Redis when it is started again", func() bool { return c.Get("/auth/session").StatusCode == http.StatusOK })
	for _, p := range []*gatewaytest.Process{one, other} {
		if strings.Contains(p.Log.String(), "session store: ") {
			t.Error("the log has something to say of this Redis")
		}
	}
}
