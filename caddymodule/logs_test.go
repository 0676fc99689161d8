package caddymodule_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLogsHoldNoSecret goes through every flow, the unhappy ones too, with all
// logs on at their most talkative, and then looks for each secret in them.
func TestLogsHoldNoSecret(t *testing.T) {
	dir := t.TempDir()
	debug, access := filepath.Join(dir, "debug.log"), filepath.Join(dir, "access.log")
	up := newRecorder(t)
	const ownSecret = "a secret of the gateway, long enough for any key"
	s := start(t, site{
		dir: dir, upstream: up.address(),
		options: "secret `" + ownSecret + "`",
		global:  fmt.Sprintf("debug\nlog default {\noutput file %s\nformat json\n}", debug),
		routes: fmt.Sprintf("log {\noutput file %s\nformat json\n}\nsession_endpoints\nsession_auth {\npublic /public/*\n}\nreverse_proxy {upstream}",
			access),
	})
	secrets := goThroughTheFlows(t, s)
	_, hash, _ := strings.Cut(passwordHash, "p=1$")
	secrets = append(secrets, ownSecret, hash)

	logs := waitForLogs(t, debug, access)
	for _, must := range []string{"signed in", "sign-in refused", "upstream roundtrip", `"uri":"/auth/logout"`} {
		if !strings.Contains(logs, must) {
			t.Errorf("the logs do not speak of %q: they are not those of the flows", must)
		}
	}
	for i, secret := range secrets {
		if strings.Contains(logs, secret) {
			t.Errorf("secret %d is in the logs: %s", i, lineWith(logs, secret))
		}
	}
}

// goThroughTheFlows returns every secret that went over the wire.
func goThroughTheFlows(t *testing.T, s *server) (secrets []string) {
	t.Helper()
	const wrong, typo = "a wrong pass phrase", "a-mistyped-pass-phrase"
	s.client(t).trySignIn(ada, wrong).want(t, http.StatusUnauthorized)
	s.client(t).trySignIn("nobody@example.com", wrong).want(t, http.StatusUnauthorized)
	s.client(t).trySignIn(typo, wrong).want(t, http.StatusUnauthorized) // the password in the wrong field
	s.client(t).signInByForm(ada, wrong, "/").want(t, http.StatusUnauthorized)
	s.client(t).do("POST", "/auth/login", `{"email":"`+ada+`","password":"`+wrong, "Content-Type", asJSON).want(t, http.StatusBadRequest)
	s.client(t).do("POST", "/auth/login", "email=%zz&password="+wrong, "Content-Type", asForm).want(t, http.StatusBadRequest)
	secrets = append(secrets, password, wrong, strings.ReplaceAll(wrong, " ", "+"), typo)

	c := s.client(t)
	keep := func(a answer) answer {
		_, value, _ := strings.Cut(c.cookie, "=")
		secrets = append(secrets, value)
		if strings.Contains(a.body, `"token"`) {
			token := a.session(t).Token
			secrets = append(secrets, token, token[strings.LastIndex(token, ".")+1:])
		}
		return a
	}
	keep(c.trySignIn(ada, password)).want(t, http.StatusOK)
	keep(c.get("/auth/session")).want(t, http.StatusOK)
	keep(c.post("/auth/refresh")).want(t, http.StatusOK)
	keep(c.do("PUT", "/auth/session/primary-account", `{"accountId":"globex"}`, "Content-Type", asJSON)).want(t, http.StatusOK)
	c.get("/app").want(t, http.StatusOK)
	c.get("/public/x").want(t, http.StatusOK)
	c.get("/auth/sessions").want(t, http.StatusOK)
	c.do("DELETE", "/auth/sessions", "").want(t, http.StatusNoContent)
	keep(c.signInByForm(ada, password, "/app")).want(t, http.StatusSeeOther)
	token := keep(c.get("/auth/session")).session(t).Token
	presentBad(t, s, c.cookie, token)
	c.post("/auth/logout").want(t, http.StatusNoContent)
	byToken := s.client(t)
	byToken.bearer = token
	byToken.get("/app").want(t, http.StatusUnauthorized)
	return secrets
}

// presentBad presents credentials that are all but good: what is left of a
// secret in a malformed one is a secret still.
func presentBad(t *testing.T, s *server, cookie, token string) {
	t.Helper()
	for _, header := range [][]string{
		{"Cookie", cookie + "; " + cookie}, {"Cookie", cookie + "x"}, {"Authorization", "Bearer " + token + "x"},
		{"Authorization", "Bearer " + token + " " + token}, {"Authorization", "Bearer\t" + token + "."},
		{"Authorization", "Bearer " + token, "Authorization", "Bearer " + token},
	} {
		for _, path := range []string{"/app", "/auth/session", "/auth/sessions"} {
			s.client(t).get(path, header...).want(t, http.StatusUnauthorized)
		}
		s.client(t).get("/public/x", header...).want(t, http.StatusOK)
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
	waitFor(t, "the access log", func() bool { return strings.Contains(read(access), `"uri":"/auth/logout"`) })
	return read(debug) + read(access)
}

func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}
