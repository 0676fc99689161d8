package sessionscommand_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// shell is where an operator types.
type shell struct {
	t   testing.TB
	dir string
	at  []string // flags that say which gateway
}

func (s shell) run(args ...string) (said string, code int) {
	s.t.Helper()
	return gatewaytest.RunCaddy(s.t, s.dir, slices.Concat([]string{"sidegate-sessions"}, args, s.at)...)
}

// ok is what a command prints that succeeds.
func (s shell) ok(args ...string) string {
	s.t.Helper()
	said, code := s.run(args...)
	if code != 0 {
		s.t.Fatalf("%v: exit status %d: %s", args, code, said)
	}
	return said
}

// fails demands that a command fails and says that.
func (s shell) fails(words []string, args ...string) {
	s.t.Helper()
	said, code := s.run(args...)
	if code == 0 {
		s.t.Errorf("%v succeeds: %s", args, said)
	}
	for _, word := range words {
		if !strings.Contains(said, word) {
			s.t.Errorf("%v: %q says nothing of %q", args, said, word)
		}
	}
}

func start(t *testing.T) (*gatewaytest.Server, shell) {
	t.Helper()
	site := gatewaytest.Site{Options: "store memory", Admin: fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))}
	s, sh := gatewaytest.Start(t, site), shell{t, t.TempDir(), []string{"--address", site.Admin}}
	sh.ok("revoke", "--all", "--yes") // those of the test before
	return s, sh
}

type listed struct {
	Sessions []struct {
		ID, Email string
		User      int64
	}
}

func (s shell) list(args ...string) (l listed) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.ok(slices.Concat([]string{"list", "--json"}, args)...)), &l); err != nil {
		s.t.Fatal(err)
	}
	return l
}

func TestAnOperatorWorksAtTheTerminal(t *testing.T) {
	s, sh := start(t)
	ada, grace := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Grace)
	id := gatewaytest.IDOf(t, ada)
	t.Run("a table of sessions", func(t *testing.T) {
		sh := shell{t, sh.dir, sh.at}
		lines := strings.Split(strings.TrimSpace(sh.ok("list", "--all")), "\n")
		if len(lines) != 3 || !strings.HasPrefix(lines[0], "ID ") || !strings.Contains(lines[0], "LAST SEEN (UTC)") {
			t.Fatalf("got %q", lines)
		}
		column := strings.Index(lines[0], "EMAIL")
		for _, line := range lines[1:] {
			if !strings.Contains(line[column:], "@example.com") || strings.Index(line[column:], " ") == 0 {
				t.Errorf("the columns are not aligned: %q", lines)
			}
		}
	})
	t.Run("one document of JSON", func(t *testing.T) {
		sh := shell{t, sh.dir, sh.at}
		for flag, want := range map[string]int{"--all": 2, "--user=1": 1, "--email=ADA@example.com": 1, "--login=users": 2, "--login=sso": 0} {
			if l := sh.list(flag); len(l.Sessions) != want || l.Sessions == nil {
				t.Errorf("%s: %+v", flag, l)
			}
		}
	})
	t.Run("one of them", func(t *testing.T) {
		sh := shell{t, sh.dir, sh.at}
		for _, args := range [][]string{{"show", id}, {"show", id, "--user", "1"}} {
			if said := sh.ok(args...); !strings.Contains(said, "Email:        ada@example.com\n") || !strings.Contains(said, " UTC\n") {
				t.Errorf("%v: %s", args, said)
			}
		}
		var one struct{ ID string }
		if err := json.Unmarshal([]byte(sh.ok("show", id, "--json")), &one); err != nil || one.ID != id {
			t.Errorf("%+v: %v", one, err)
		}
	})
	t.Run("how many there are", func(t *testing.T) {
		sh := shell{t, sh.dir, sh.at}
		var c struct{ Count int }
		if err := json.Unmarshal([]byte(sh.ok("count", "--json")), &c); err != nil || c.Count != 2 {
			t.Errorf("%+v: %v", c, err)
		}
		if said := sh.ok("count"); said != "2\n" {
			t.Errorf("got %q", said)
		}
	})
	t.Run("and ends them", func(t *testing.T) {
		sh := shell{t, sh.dir, sh.at}
		if said := sh.ok("revoke", id); said != "1 session has ended.\n" {
			t.Errorf("got %q", said)
		}
		s.With(t, ada.Cookie, "").Get("/auth/session").Want(t, http.StatusUnauthorized)
		sh.fails([]string{"there is no session " + id, "it has ended"}, "revoke", id)
		sh.fails([]string{"there is no session " + id}, "show", id)
		sh.fails([]string{"nobody was signed out", "--yes"}, "revoke", "--all")
		of := gatewaytest.IDOf(t, grace)
		for _, command := range []string{"show", "revoke"} {
			sh.fails([]string{"there is no session " + of, "among those of --user 999", "leave that out"}, command, of, "--user", "999")
		}
		s.With(t, grace.Cookie, "").Get("/auth/session").Want(t, http.StatusOK)
		if said := sh.ok("revoke", "--email", gatewaytest.Grace, "--json"); said != "{\n  \"ended\": 1\n}\n" {
			t.Errorf("got %q", said)
		}
		if said := sh.ok("revoke", "--user", "2"); said != "0 sessions have ended.\n" {
			t.Errorf("got %q", said)
		}
		if said := sh.ok("list", "--all"); said != "There are none.\n" {
			t.Errorf("got %q", said)
		}
	})
}

func TestAWrongCommandSaysWhatToDo(t *testing.T) {
	_, sh := start(t)
	for _, c := range []struct {
		name  string
		args  []string
		words []string
	}{
		{"nobody's sessions", []string{"list"}, []string{"--user <id>", "--all"}},
		{"an argument of list", []string{"list", "ada"}, []string{"say whose by"}},
		{"two people", []string{"list", "--user", "1", "--all"}, []string{"Error: --user and --all are both given", "--login"}},
		{"two people to end", []string{"revoke", "--email", "a@example.com", "--login", "sso"}, []string{"Error: --email and --login are both given"}},
		{"no id", []string{"show"}, []string{"<id>"}},
		{"two ids", []string{"show", "a", "b"}, []string{"<id>"}},
		{"what is no id", []string{"show", "../config"}, []string{"16 letters"}},
		{"nothing to end", []string{"revoke"}, []string{"by its id", "--all"}},
		{"two sessions to end", []string{"revoke", "AAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBB"}, []string{"name one session"}},
		{"a session and a login", []string{"revoke", "AAAAAAAAAAAAAAAA", "--login", "sso"}, []string{"leave --login out"}},
		{"a session and everybody", []string{"revoke", "AAAAAAAAAAAAAAAA", "--all", "--yes"}, []string{"leave --all out"}},
		{"what is no id to end", []string{"revoke", "all"}, []string{"16 letters"}},
		{"what is nobody's number", []string{"revoke", "--user", "ada"}, []string{"from 1 to"}},
		{"an empty number", []string{"list", "--user", ""}, []string{"--user is empty"}},
		{"an empty login", []string{"list", "--login", ""}, []string{"--login is empty"}},
		{"what is no address", []string{"list", "--email", "ada"}, []string{"no address"}},
		{"an id that nobody has", []string{"show", "AAAAAAAAAAAAAAAA"}, []string{"there is no session AAAAAAAAAAAAAAAA", "list --all lists those"}},
		{"an end of it", []string{"revoke", "AAAAAAAAAAAAAAAA"}, []string{"list --all lists those"}},
		{"an argument of count", []string{"count", "all"}, []string{"takes no arguments"}},
		{"a flag that is none", []string{"list", "--users", "1"}, []string{"unknown flag", "list takes --user, --email", "list --help"}},
		{"a flag that is mistyped", []string{"list", "--usr", "7"}, []string{"unknown flag: --usr: list takes --user, --email, --login, --all, --json", "list --help"}},
		{"a flag of another command", []string{"count", "--all"}, []string{"count takes --json, --address"}},
		{"a letter that is none", []string{"revoke", "-x"}, []string{"unknown shorthand", "revoke takes"}},
		{"an id that looks like a flag", []string{"revoke", "-2gTq9Pp1HPB3ALt"}, []string{"unknown shorthand", "begins with - behind --", "revoke -- -2g"}},
		{"one that looks like --config", []string{"show", "-cgTq9Pp1HPB3ALt"}, []string{"begins with - behind --"}},
		{"one that looks like --yes", []string{"revoke", "-yAAAAAAAAAAAAAA"}, []string{"unknown shorthand", "behind --"}},
		{"one that looks like --adapter, to be ended", []string{"revoke", "-agTq9Pp1HPB3ALt"}, []string{"begins with - behind --"}},
		{"no such command, with a flag", []string{"lst"}, []string{"there is no command lst", "list, show, revoke or count"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sh := shell{t, sh.dir, sh.at}
			sh.fails(c.words, c.args...)
			said, _ := sh.run(c.args...)
			for _, of := range []string{"/sidegate/", "=<", "%2B", "if any flags in the group", "the request", "parameter"} {
				if strings.Contains(said, of) {
					t.Errorf("%v: it is said in other words than the command's: %s", c.args, said)
				}
			}
		})
	}
	behind := append(append([]string{"revoke"}, sh.at...), "--", "-2gTq9Pp1HPB3ALt")
	sh.at = nil
	sh.fails([]string{"there is no session -2gTq9Pp1HPB3ALt"}, behind...)
	sh.fails([]string{"there is no command kill", "list, show, revoke or count"}, "kill")
	sh.fails([]string{"needs an argument", "show takes --user"}, "show", "--user")
	sh.fails([]string{"there is no command lst"}, "lst", "--user", "7")
	sh.fails([]string{"unknown flag: --address", "say first what to do", "list, show"}, "--address", "127.0.0.1:1")
	sh.fails([]string{"none.Caddyfile", "--address"}, "count", "--config", "none.Caddyfile")
}

func TestWhereNoGatewayAnswersThatIsSaid(t *testing.T) {
	nobody := fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
	shell{t, t.TempDir(), nil}.fails([]string{"the admin endpoint at " + nobody + " gives no answer", "is Caddy running", "--address"}, "count", "--address", nobody)
	shell{t, t.TempDir(), nil}.fails([]string{"gives no answer", "--address"}, "count", "--address", "unix//nonexistent/admin.sock")
	bare := fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
	gatewaytest.Load(t, fmt.Sprintf("{\nadmin %s\npersist_config off\n}\n", bare))
	shell{t, t.TempDir(), nil}.fails([]string{"no sidegate app", "global options"}, "list", "--all", "--address", bare)
}

// Any server may answer 200, and JSON.
func TestWhatIsNoGatewayIsNotTakenForOne(t *testing.T) {
	sh := shell{t, t.TempDir(), nil}
	for _, c := range []struct {
		status int
		text   string
	}{{200, "{}"}, {200, "[]"}, {200, "<html>"}, {200, `{"sessions": [{}]}`}, {401, `{"error":"unauthorized"}`}} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.text))
		}))
		defer other.Close()
		sh.at = []string{"--address", strings.TrimPrefix(other.URL, "http://")}
		for _, args := range [][]string{
			{"list", "--all"}, {"list", "--all", "--json"}, {"show", "AAAAAAAAAAAAAAAA"}, {"show", "AAAAAAAAAAAAAAAA", "--json"},
			{"revoke", "AAAAAAAAAAAAAAAA"}, {"revoke", "--user", "1"}, {"count"}, {"count", "--json"},
		} {
			sh.fails([]string{"what answers at " + sh.at[1] + " is no gateway", "--address"}, args...)
		}
	}
	t.Run("nor one whose list has no end", func(t *testing.T) {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"sessions":[],"cursor":"c"}`))
		}))
		defer other.Close()
		sh := shell{t, sh.dir, []string{"--address", strings.TrimPrefix(other.URL, "http://")}}
		sh.fails([]string{"the same page again and again", "--address"}, "list", "--all")
	})
	sh.at = []string{"--address", "http://localhost:12019"}
	sh.fails([]string{"is no address of an admin endpoint", "localhost:2019"}, "count")
}

// What an operator lacks is a right at Redis, and no answer of it.
func TestWhereTheStoreRefusesTheCommandSaysTheRemedyFirst(t *testing.T) {
	redis := redistest.Start(t, redistest.ACLUser("sidegate", "right", "~sidegate:*", "&sidegate:*", "+@all", "-@admin", "-@dangerous", "-scan"))
	site := gatewaytest.Site{Admin: fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))}.OnRedis(redis, gatewaytest.PresentSecret)
	gatewaytest.Start(t, site)
	sh := shell{t, t.TempDir(), []string{"--address", site.Admin}}
	for _, args := range [][]string{{"list", "--all"}, {"show", "AAAAAAAAAAAAAAAA"}, {"revoke", "--all", "--yes"}, {"revoke", "AAAAAAAAAAAAAAAA"}, {"count"}} {
		said, code := sh.run(args...)
		if code == 0 || !strings.HasPrefix(said, "Error: ACL SETUSER <user> +scan") || strings.Contains(said, "no answer") {
			t.Errorf("%v: exit status %d: %s", args, code, said)
		}
	}
}

// The endpoint is found by the configuration that the gateway runs, a socket as well.
func TestTheEndpointIsFoundByTheConfiguration(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "admin.sock")
	site := gatewaytest.Site{Options: "store memory", Admin: "unix/" + socket + "|0220"}
	dir, caddyfile := t.TempDir(), ""
	s := gatewaytest.StartEdited(t, site, func(text string, _ int) string { caddyfile = text; return text })
	gatewaytest.WriteFile(t, filepath.Join(dir, "site.conf"), caddyfile)
	id := gatewaytest.IDOf(t, s.WithCookie(t, gatewaytest.Ada))
	for _, at := range [][]string{
		{"--config", "site.conf", "--adapter", "caddyfile"}, {"--address", "unix/" + socket + "|0220"}, {"--address", "unix/" + socket},
	} {
		if said := (shell{t, dir, at}).ok("show", id); !strings.HasPrefix(said, "ID: ") || !strings.Contains(said, "ada@example.com") || strings.Contains(said, "using config") {
			t.Errorf("%v: %s", at, said)
		}
	}
}

// Help and completion are Caddy's.
func TestACommandIsCompletedAndExplained(t *testing.T) {
	complete := func(args ...string) []string {
		said, code := gatewaytest.RunCaddy(t, t.TempDir(), append([]string{"__completeNoDesc"}, args...)...)
		if code != 0 {
			t.Fatalf("%v: %s", args, said)
		}
		return strings.Fields(said)
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"sidegate-se"}, []string{"sidegate-sessions"}},
		{[]string{"sidegate-sessions", ""}, []string{"list", "show", "revoke", "count"}},
		{[]string{"sidegate-sessions", "list", "--"}, []string{"--user", "--email", "--login", "--all", "--json", "--address", "--config", "--adapter"}},
		{[]string{"sidegate-sessions", "revoke", "--y"}, []string{"--yes"}},
		{[]string{"sidegate-sessions", "count", "--adapter", ""}, []string{"caddyfile", ":4"}},
		{[]string{"sidegate-sessions", "show", ""}, []string{":4"}}, // no names of files
	} {
		got := complete(c.args...)
		for _, want := range c.want {
			if !slices.Contains(got, want) {
				t.Errorf("%v is completed by %v, without %s", c.args, got, want)
			}
		}
	}
	sh := shell{t, t.TempDir(), nil}
	for _, args := range [][]string{{"--help"}, nil} {
		if said := sh.ok(args...); !strings.Contains(said, "Available Commands:") || !strings.Contains(said, "revoke") {
			t.Errorf("%v: %s", args, said)
		}
	}
	for _, command := range []string{"list", "show", "revoke", "count"} {
		if said := sh.ok(command, "--help"); !strings.Contains(said, "caddy sidegate-sessions "+command) || !strings.Contains(said, "--address") {
			t.Errorf("%s: %s", command, said)
		}
	}
}
