package audit_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// line is one of the audit log.
type line struct {
	Logger, Msg                          string
	Event, Result, Session, Client       string
	Login, Method, Route, Rule, By, Host string
	Config, Account, Why                 string
	AccountID                            string `json:"account_id"`
	UserID                               int64  `json:"user_id"`
	More                                 int    `json:"more_since_last"`
}

// said is what matters of a line to who reads it.
func (l line) said() string {
	return fmt.Sprintf("%s %s: %d by %s, %s %s by login %q, %s", l.Event, l.Result, l.UserID, l.By, l.Method, l.Route, l.Login, l.Rule)
}

// linesOf are those of the audit log in what Caddy has logged.
func linesOf(t *testing.T, text string) (found []line) {
	t.Helper()
	for text := range strings.Lines(text) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err == nil && l.Logger == "sidegate.audit" {
			found = append(found, l)
		}
	}
	return found
}

// next waits for what the log says beyond the first lines, and demands that it is just that.
func next(t *testing.T, p *gatewaytest.Process, from int, want ...string) []line {
	t.Helper()
	var got []line
	gatewaytest.Await(t, fmt.Sprintf("the audit log has %d more lines", len(want)), func() bool {
		got = linesOf(t, p.Log.String())[from:]
		return len(got) >= len(want)
	}, func() string { return fmt.Sprintf("%+v", got) })
	for i, l := range got {
		if i >= len(want) || l.said() != want[i] {
			t.Errorf("the audit log says %q; want %q", said(got), want)
			break
		}
		if l.Config == "" || l.Client != "127.0.0.1" && l.Client != "" {
			t.Errorf("the line is %+v", l)
		}
	}
	return got
}

func said(lines []line) (texts []string) {
	for _, l := range lines {
		texts = append(texts, l.said())
	}
	return texts
}

const demands = "session_endpoints\nhandle_path /strip/* {\nsession_auth {\nrole admin\n}\nrespond OK\n}\n" +
	"session_auth {\npath /admin/* {\nrole admin\n}\n}\nrespond OK"

// What happens at a gateway has exactly these lines.
func TestWhatHappensIsInTheAuditLog(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Routes: demands, Options: "max_sessions 2"})
	from := 0
	happens := func(name string, does func(t *testing.T), want ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			from = len(linesOf(t, p.Log.String()))
			does(t)
			next(t, p, from, want...)
		})
	}
	ada, grace := p.Client(t), p.Client(t)
	happens("a sign-in", func(*testing.T) { ada.SignIn(gatewaytest.Ada) },
		`sign_in ok: 1 by person, POST /auth/login by login "users", `)
	happens("a password that is wrong", func(t *testing.T) {
		p.Client(t).TrySignIn(gatewaytest.Ada, "wrong").Want(t, http.StatusUnauthorized)
	}, `sign_in refused: 0 by stranger, POST /auth/login by login "users", `)
	happens("somebody who is disabled, whoever typed it", func(t *testing.T) {
		p.Client(t).TrySignIn(gatewaytest.Linus, "wrong").Want(t, http.StatusUnauthorized)
	}, `sign_in refused: 3 by stranger, POST /auth/login by login "users", `)
	happens("another account", func(t *testing.T) { ada.Choose("globex").Want(t, http.StatusOK) },
		`account_switch ok: 1 by person, PUT /auth/session/primary-account by login "users", `)
	happens("an account of somebody else", func(t *testing.T) { ada.Choose("nobodys").Want(t, http.StatusForbidden) },
		`account_switch not_theirs: 1 by person, PUT /auth/session/primary-account by login "users", `)
	happens("a sign-in again with the cookie", func(*testing.T) { ada.In(t).SignIn(gatewaytest.Ada) },
		`revocation replaced: 1 by person, POST /auth/login by login "users", `, `sign_in ok: 1 by person, POST /auth/login by login "users", `)
	grace.SignIn(gatewaytest.Grace)
	happens("a route that is not for them, without its query", func(t *testing.T) { grace.Get("/admin/a%0Ab?token=secret").Want(t, http.StatusForbidden) },
		`route forbidden: 2 by person, GET /admin/a%0Ab by login "users", path /admin/*: role admin`)
	happens("a route that was written anew", func(t *testing.T) { grace.Get("/strip/x").Want(t, http.StatusForbidden) },
		`route forbidden: 2 by person, GET /strip/x by login "users", role admin`)
	happens("who is not signed in", func(t *testing.T) {
		for range 3 {
			p.Client(t).Get("/app?token=secret").Want(t, http.StatusUnauthorized)
		}
	}, `route anonymous: 0 by stranger, GET /app by login "", a session`)
	phone, tablet := p.Client(t), p.Client(t)
	happens("a second session", func(*testing.T) { phone.SignIn(gatewaytest.Grace) }, `sign_in ok: 2 by person, POST /auth/login by login "users", `)
	happens("one more than they may have", func(*testing.T) { tablet.SignIn(gatewaytest.Grace) },
		`revocation for_room: 2 by max_sessions, POST /auth/login by login "users", max_sessions`, `sign_in ok: 2 by person, POST /auth/login by login "users", `)
	id := gatewaytest.IDOf(t, phone)
	happens("a device that is signed out", func(t *testing.T) { tablet.Do("DELETE", "/auth/sessions/"+id, "").Want(t, http.StatusNoContent) },
		fmt.Sprintf(`sign_out device: 2 by person, DELETE /auth/sessions/%s by login "users", `, id))
	phone.SignIn(gatewaytest.Grace)
	happens("all others", func(t *testing.T) { tablet.Do("DELETE", "/auth/sessions", "").Want(t, http.StatusNoContent) },
		`sign_out others: 2 by person, DELETE /auth/sessions by login "users", `)
	happens("a sign-out", func(t *testing.T) { tablet.Post("/auth/logout").Want(t, http.StatusNoContent) },
		`sign_out here: 2 by person, POST /auth/logout by login "users", `)
	happens("a sign-out of nothing", func(t *testing.T) { p.Client(t).Post("/auth/logout").Want(t, http.StatusNoContent) })
	tablet.SignIn(gatewaytest.Grace)
	happens("somebody who is removed from the users file", func(t *testing.T) {
		text, err := os.ReadFile(p.Users)
		if err != nil {
			t.Fatal(err)
		}
		gatewaytest.WriteFile(t, p.Users, strings.Replace(string(text), gatewaytest.Grace, "somebody-else@example.com", 1))
	}, `revocation person_gone: 2 by login,   by login "users", `)

	_, cookie, _ := strings.Cut(grace.Cookie, "=")
	for _, secret := range []string{"secret", gatewaytest.Ada, gatewaytest.Password, "wrong", cookie} {
		for l := range strings.Lines(p.Log.String()) {
			if strings.Contains(l, `"sidegate.audit"`) && strings.Contains(l, secret) {
				t.Errorf("%q is in the line %s", secret, l)
			}
		}
	}
}

// What another proxy asks about is told by the address that its client asked for.
func TestWhatAnotherProxyAsksAboutIsInTheAuditLog(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{
		Routes: "session_endpoints\nrespond OK", Options: "policy default {\npath /admin/* {\nrole admin\n}\n}",
		Global: "servers {\ntrusted_proxies static 127.0.0.1/32\n}",
	})
	grace := p.Client(t)
	grace.SignIn(gatewaytest.Grace)
	from := len(linesOf(t, p.Log.String()))
	ask := []string{"X-Forwarded-Method", "DELETE", "X-Forwarded-Uri", "/admin/x?token=secret", "X-Forwarded-Host", "app.example", "X-Forwarded-Proto", "https"}
	grace.Get("/auth/verify", ask...).Want(t, http.StatusForbidden)
	p.Client(t).Get("/auth/verify", ask...).Want(t, http.StatusUnauthorized)
	got := next(t, p, from, `route forbidden: 2 by person, DELETE /admin/x by login "users", path /admin/*: role admin`,
		`route anonymous: 0 by stranger, DELETE /admin/x by login "", a session`)
	for _, l := range got {
		if l.Host != "app.example" {
			t.Errorf("the host is told as %q", l.Host)
		}
	}
}

func TestWhatAProviderEndsIsInTheAuditLog(t *testing.T) {
	idp := gatewaytest.NewIDP(t)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: idp.Login("sso", "")})
	from := len(linesOf(t, p.Log.String()))
	p.SignedInAt(t, idp, "ada", "s1")
	tell := func(token string) gatewaytest.Answer {
		return p.Client(t).Do("POST", "/auth/backchannel-logout/sso", url.Values{"logout_token": {token}}.Encode(), "Content-Type", gatewaytest.AsForm)
	}
	token := idp.LogoutToken(map[string]any{"sid": "s1"})
	tell(token).Want(t, http.StatusOK)
	tell(token).Want(t, http.StatusBadRequest)
	tell("nonsense").Want(t, http.StatusBadRequest)
	got := linesOf(t, p.Log.String())[from:]
	user := got[0].UserID
	next(t, p, from,
		fmt.Sprintf(`sign_in ok: %d by person, GET /auth/callback/sso by login "sso", `, user),
		fmt.Sprintf(`revocation at_source: %d by provider, POST /auth/backchannel-logout/sso by login "sso", `, user),
		`revocation token_replayed: 0 by stranger, POST /auth/backchannel-logout/sso by login "sso", `,
		`revocation token_refused: 0 by stranger, POST /auth/backchannel-logout/sso by login "sso", `)
}

// The last lines are written when the gateway stops: nothing that was withheld is lost, and
// nobody's sign-in stands behind a flood.
func TestAFloodAtAGatewayThatStopsIsToldWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "audit.log")
	p := gatewaytest.NewProcess(t, gatewaytest.Site{Global: toFile(t, file)})
	p.Start()
	const times = 300
	for i := range times {
		p.Client(t).Get(fmt.Sprintf("/app/%d", i)).Want(t, http.StatusUnauthorized)
		if i%100 == 0 {
			p.Client(t).SignIn(gatewaytest.Ada)
		}
	}
	p.Terminate()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if is, err := os.Stat(file); err != nil || is.Mode().Perm() != 0o600 {
		t.Errorf("others may read the file: %v, %v", is.Mode(), err)
	}
	strangers, people := 0, 0
	for _, l := range linesOf(t, string(text)) {
		if l.Result == "anonymous" {
			strangers += 1 + l.More
		} else {
			people++
		}
	}
	if strangers != times || people != 3 {
		t.Errorf("the log knows of %d who were not signed in and %d sign-ins; want %d and 3\n%s", strangers, people, times, text)
	}
	if strings.Contains(p.Log.String(), "sidegate.audit\"") {
		t.Error("the default log has lines of the audit log, which are excluded from it")
	}
	if !strings.Contains(p.Log.String(), `"signed in"`) {
		t.Error("the default log has lost its own lines")
	}
}

// shownBlock is the first block of that language in the reference's chapter.
func shownBlock(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(text), "\n## The audit log\n")
	_, block, _ := strings.Cut(chapter, "```"+language+"\n")
	block, _, ok := strings.Cut(block, "```")
	if !ok {
		t.Fatalf("the reference shows no %s", language)
	}
	return block
}

// toFile are the global options of the reference, which keep the audit log apart.
func toFile(t *testing.T, file string) string {
	t.Helper()
	const shown = "{$LOGS_DIRECTORY:/var/log/sidegate}/audit.log"
	block := strings.Trim(strings.TrimSpace(shownBlock(t, "caddyfile")), "{}")
	if strings.Count(block, shown) != 1 {
		t.Fatalf("the reference shows %s", block)
	}
	return strings.Replace(block, shown, file, 1)
}
