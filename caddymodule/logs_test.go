package caddymodule_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// TestLogsHoldNoSecret goes through every flow, the unhappy ones too, with all
// logs on at their most talkative, and then looks for each secret in them.
func TestLogsHoldNoSecret(t *testing.T) {
	for _, format := range []string{"json", "lazy"} {
		t.Run("format "+format, func(t *testing.T) { wantNoSecretInLogs(t, format) })
	}
}

func wantNoSecretInLogs(t *testing.T, format string) {
	dir := t.TempDir()
	debug, access := filepath.Join(dir, "debug.log"), filepath.Join(dir, "access.log")
	up := gatewaytest.NewRecorder(t)
	const ownSecret = "a secret of the gateway, long enough for any key"
	s := gatewaytest.Start(t, gatewaytest.Site{
		Dir: dir, Upstream: up.Address(),
		Options: "secret `" + ownSecret + "`",
		Global:  fmt.Sprintf("debug\nlog default {\noutput file %s\nformat %s\n}", debug, format),
		Routes: fmt.Sprintf("log {\noutput file %s\nformat %s\n}\nsession_endpoints\nsession_auth {\npublic /public/*\n}\nreverse_proxy {upstream}",
			access, format),
	})
	secrets := goThroughTheFlows(t, s)
	_, hash, _ := strings.Cut(gatewaytest.PasswordHash, "p=1$")
	secrets = append(secrets, ownSecret, hash)

	logs := waitForLogs(t, debug, access)
	if !strings.Contains(logs, `"request":{"remote_ip":`) {
		t.Error("no request is in the logs")
	}
	for i, secret := range secrets {
		if strings.Contains(logs, secret) {
			t.Errorf("secret %d is in the logs: %s", i, lineWith(logs, secret))
		}
	}
}

// Whoever asks for a page whose template fails could fill the log by that.
func TestATemplateThatFailsIsToldOnceAMinute(t *testing.T) {
	pages, lines := t.TempDir(), filepath.Join(t.TempDir(), "lines.log")
	gatewaytest.WriteFile(t, filepath.Join(pages, "account.html"), "<html lang=en><style>{{style}}</style><p>\n{{if eq .SignedInAs `"+gatewaytest.Grace+"`}}{{slice .SignedInAs 0 800}}{{end}}\n<form method=\"post\" action=\"{{.Base}}/account\">"+
		`<input type="hidden" name="return_to" value="{{.ReturnTo}}">{{range .Choices}}<button name="accountId" value="{{.ID}}">x</button>{{end}}</form>`)
	s := gatewaytest.Start(t, gatewaytest.Site{
		Options: "appearance {\ntemplates " + pages + "\n}",
		Global:  fmt.Sprintf("log default {\noutput file %s\nformat json\n}", lines),
	})
	c := s.Client(t)
	c.SignIn(gatewaytest.Grace)
	for range 3 {
		a := c.Get("/auth/account", "Accept", "text/html", "Sec-Fetch-Mode", "navigate")
		a.Want(t, http.StatusOK)
		if !strings.Contains(a.Body, "<strong>"+gatewaytest.Grace+"</strong>") || !strings.Contains(a.Body, "</html>") {
			t.Fatalf("the page is\n%s", a.Body)
		}
	}
	const told = `"a template failed by what no sample had; people get the page as it is without it"`
	logs := "" // is written before the answer
	gatewaytest.Await(t, "the log", func() bool {
		text, err := os.ReadFile(lines)
		logs = string(text)
		return err == nil && strings.Contains(logs, told)
	}, func() string { return logs })
	if strings.Count(logs, told) != 1 || !strings.Contains(lineWith(logs, told), `"level":"error"`) || !strings.Contains(lineWith(logs, told), "account.html:2:") {
		t.Errorf("told:\n%s", lineWith(logs, told))
	}
}

// goThroughTheFlows returns every secret that went over the wire.
func goThroughTheFlows(t *testing.T, s *gatewaytest.Server) (secrets []string) {
	t.Helper()
	const wrong, typo = "a wrong pass phrase", "a-mistyped-pass-phrase"
	s.Client(t).TrySignIn(gatewaytest.Ada, wrong).Want(t, http.StatusUnauthorized)
	s.Client(t).TrySignIn("nobody@example.com", wrong).Want(t, http.StatusUnauthorized)
	s.Client(t).TrySignIn(typo, wrong).Want(t, http.StatusUnauthorized) // the password in the wrong field
	s.Client(t).SignInByForm(gatewaytest.Ada, wrong, "/").Want(t, http.StatusUnauthorized)
	s.Client(t).Do("POST", "/auth/login", `{"email":"`+gatewaytest.Ada+`","password":"`+wrong, "Content-Type", gatewaytest.AsJSON).Want(t, http.StatusBadRequest)
	s.Client(t).Do("POST", "/auth/login", "email=%zz&password="+wrong, "Content-Type", gatewaytest.AsForm).Want(t, http.StatusBadRequest)
	secrets = append(secrets, gatewaytest.Password, wrong, strings.ReplaceAll(wrong, " ", "+"), typo)

	c := s.Client(t)
	keep := func(a gatewaytest.Answer) gatewaytest.Answer {
		_, value, _ := strings.Cut(c.Cookie, "=")
		secrets = append(secrets, value)
		if strings.Contains(a.Body, `"token"`) {
			token := a.Session(t).Token
			secrets = append(secrets, token, token[strings.LastIndex(token, ".")+1:])
		}
		return a
	}
	keep(c.TrySignIn(gatewaytest.Ada, gatewaytest.Password)).Want(t, http.StatusOK)
	keep(c.Get("/auth/session")).Want(t, http.StatusOK)
	keep(c.Post("/auth/refresh")).Want(t, http.StatusOK)
	keep(c.Do("PUT", "/auth/session/primary-account", `{"accountId":"globex"}`, "Content-Type", gatewaytest.AsJSON)).Want(t, http.StatusOK)
	c.Get("/app").Want(t, http.StatusOK)
	c.Get("/public/x").Want(t, http.StatusOK)
	c.Get("/auth/sessions").Want(t, http.StatusOK)
	c.Do("DELETE", "/auth/sessions", "").Want(t, http.StatusNoContent)
	keep(c.SignInByForm(gatewaytest.Ada, gatewaytest.Password, "/app")).Want(t, http.StatusSeeOther)
	token := keep(c.Get("/auth/session")).Session(t).Token
	presentBad(t, s, c.Cookie, token)
	c.Post("/auth/logout").Want(t, http.StatusNoContent)
	byToken := s.Client(t)
	byToken.Bearer = token
	byToken.Get("/app").Want(t, http.StatusUnauthorized)
	return secrets
}

// presentBad presents credentials that are all but good: what is left of a
// secret in a malformed one is a secret still.
func presentBad(t *testing.T, s *gatewaytest.Server, cookie, token string) {
	t.Helper()
	for _, header := range [][]string{
		{"Cookie", cookie + "x; " + cookie + "y"}, {"Cookie", cookie + "x"}, {"Authorization", "Bearer " + token + "x"},
		{"Authorization", "Bearer " + token + " " + token}, {"Authorization", "Bearer\t" + token + "."},
		{"Authorization", "Bearer " + token, "Authorization", "Bearer " + token},
	} {
		for _, path := range []string{"/app", "/auth/session", "/auth/sessions"} {
			s.Client(t).Get(path, header...).Want(t, http.StatusUnauthorized)
		}
		s.Client(t).Get("/public/x", header...).Want(t, http.StatusOK)
	}
}

// waitForLogs reads both files once the access log has the last request.
func waitForLogs(t *testing.T, debug, access string) string {
	t.Helper()
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var logs string
	for _, must := range []string{"signed in", "sign-in refused", "upstream roundtrip", `"uri":"/auth/logout"`} {
		gatewaytest.Await(t, fmt.Sprintf("the logs, which are those of the flows, speak of %q", must), func() bool {
			logs = read(debug) + read(access)
			return strings.Contains(logs, must)
		}, func() string { return logs })
	}
	return logs
}

func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}

// Whoever reads the log of a night finds who came, who was refused by what, and
// who left, by these words.
func TestTheLogTellsWhoCameAndWhoWasRefused(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Routes: "session_endpoints\nsession_auth {\npath /admin/* {\nrole admin\n}\n}\nrespond OK"})
	ada, phone, grace := p.Client(t), p.Client(t), p.Client(t)
	ada.SignIn(gatewaytest.Ada)
	phone.SignIn(gatewaytest.Ada)
	grace.SignIn(gatewaytest.Grace)
	p.AwaitLog(`"signed in","login":"users","user_id":1,"session":"`, `"client":"127.0.0.1"`)

	p.Client(t).TrySignIn("ADA@example.com", "wrong").Want(t, http.StatusUnauthorized)
	p.Client(t).TrySignIn("a-password-in-the-wrong-field", "x").Want(t, http.StatusUnauthorized)
	p.AwaitLog(`"sign-in refused","login":"users","client":"127.0.0.1"`, `"account":"hmac:`)
	p.Client(t).Do("POST", "/auth/login", `{"email":"a\u0007b@example.com","password":"x"}`, "Content-Type", gatewaytest.AsJSON).Want(t, http.StatusUnauthorized)
	p.AwaitLog(`"error":"that is no sign-in name"`, `"account":"hmac:`)
	for _, name := range []string{"b@example.com", "ada@example.com", "ADA@example.com", "a-password-in-the-wrong-field"} {
		if strings.Contains(p.Log.String(), name) {
			t.Errorf("the log has %s, which somebody typed", name)
		}
	}
	grace.Get("/admin/a").Want(t, http.StatusForbidden)
	p.AwaitLog(`"forbidden","login":"users","user_id":2,"session":"`+gatewaytest.IDOf(t, grace), `"rule":"path /admin/*: role admin"`, `"has":"roles [\"viewer\"], permissions []"`)

	id := gatewaytest.IDOf(t, phone)
	ada.Do("DELETE", "/auth/sessions/"+id, "").Want(t, http.StatusNoContent)
	p.AwaitLog(`"device signed out","client":"127.0.0.1","login":"users","user_id":1,"session":"` + id)
	ada.Do("DELETE", "/auth/sessions", "").Want(t, http.StatusNoContent)
	p.AwaitLog(`"device signed out","client":"127.0.0.1","login":"users","user_id":1,"session":"all others"`)
	id = gatewaytest.IDOf(t, ada)
	ada.Do("POST", "/auth/logout", "").Want(t, http.StatusNoContent)
	p.AwaitLog(`"signed out","client":"127.0.0.1","login":"users","user_id":1,"session":"` + id)
}

// Operators who must know whom a stranger tries have the names.
func TestWithLogNamesTheLogTellsWhatWasTyped(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "log_names"})
	for range 11 {
		p.Client(t).TrySignIn(gatewaytest.Ada, "wrong")
	}
	p.AwaitLog(`"sign-in refused","login":"users"`, `"account":"ada@example.com"`, `"throttled","client":"127.0.0.1","account":"ada@example.com"`)
}
