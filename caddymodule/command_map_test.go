package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// runCommand runs a command of the binary, with the secrets that the shipped
// Caddyfiles name, and returns what it printed.
func runCommand(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	command := gatewaytest.CaddyCommand(t.Context(), t.TempDir(), args...)
	command.Dir = "."
	command.Env = append(command.Env, "OIDC_CLIENT_SECRET=s", "GOOGLE_CLIENT_ID=g", "GOOGLE_CLIENT_SECRET=s", "CRM_TOKEN=c")
	var out, log bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &out, &log
	err = command.Run()
	return out.String(), log.String(), err
}

func TestTheWorkedMappingsGiveExactlyTheSessionsOfTheirSamples(t *testing.T) {
	for _, c := range []struct{ name, login string }{
		{"keycloak", "keycloak"}, {"google-crm", "google"}, {"legacy-app", "legacy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sample := filepath.Join("../deploy/samples", c.name)
			stdout, stderr, err := runCommand(t, "", "sidegate-map",
				"--config", filepath.Join("../deploy/caddyfiles", c.name+".Caddyfile"), "--login", c.login, "--input", sample+".json")
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
			want, err := os.ReadFile(sample + ".session.json")
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(decoded(t, stdout), decoded(t, string(want))) {
				t.Errorf("got %s\nwant %s", stdout, want)
			}
		})
	}
}

func decoded(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// mapped is a Caddyfile with one login, whose map and require are these lines.
func mapped(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Caddyfile")
	gatewaytest.WriteFile(t, path, "{\n\tsidegate {\n\t\tlogin oidc sso {\n\t\t\tissuer http://127.0.0.1:1\n\t\t\tclient_id c\n\t\t\tclient_secret s\n"+
		lines+"\n\t\t}\n\t\tlogin app legacy http://127.0.0.1:1/login {\n\t\t\tsuccess `login.status == 200`\n\t\t}\n\t}\n}\nhttp://127.0.0.1:1 {\n\tsession_endpoints\n}\n")
	return path
}

func TestTheDryRunOfAMapping(t *testing.T) {
	sound := mapped(t, "map {\nroles `token.groups`\n}")
	t.Run("shows each expression with its result", func(t *testing.T) {
		_, stderr, err := runCommand(t, `{"email":"ada@example.com","groups":["a","b"]}`,
			"sidegate-map", "--config", sound, "--login", "sso", "--input", "-")
		if err != nil || !strings.Contains(stderr, "roles  token.groups\n    = [\"a\",\"b\"]\n") {
			t.Errorf("%v, printed %s", err, stderr)
		}
	})
	t.Run("takes the name that would be typed for a login app", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "Caddyfile")
		gatewaytest.WriteFile(t, path, "{\n\tsidegate {\n\t\tlogin app legacy http://127.0.0.1:1/login {\n"+byName+"\n\t\t}\n\t}\n}\n")
		stdout, stderr, err := runCommand(t, `{"status":200,"body":{}}`,
			"sidegate-map", "--config", path, "--login", "legacy", "--input", "-", "--username", "Ada")
		if err != nil || !strings.Contains(stdout, `"email": "ada@users.invalid"`) || !strings.Contains(stderr, "username, for headers\n    = \"Ada\"\n") {
			t.Errorf("%v, printed %s%s", err, stdout, stderr)
		}
	})
	t.Run("takes the address that would be typed for a login app", func(t *testing.T) {
		stdout, stderr, err := runCommand(t, `{"status":200,"body":{}}`,
			"sidegate-map", "--config", sound, "--login", "legacy", "--input", "-", "--email", "Ada@example.com")
		if err != nil || !strings.Contains(stdout, `"email": "ada@example.com"`) || strings.Contains(stderr, "username") {
			t.Errorf("%v, printed %s%s", err, stdout, stderr)
		}
	})
	for _, c := range []struct {
		name, lines, sample, login, want string
	}{
		{"a key that is not there is named, with those that are", "map {\nroles `token.roles`\n}", `{"email":"canary@example.com","groups":[]}`, "sso", "email, groups"},
		{"a demand that does not hold is told", "require `token.hd == 'x'` \"Only x\"", `{"email":"canary@example.com","hd":"canary"}`, "sso", "Only x"},
		{"a person without an address makes no session", "map {\nroles `token.groups`\n}", `{"groups":[]}`, "sso", "email"},
		{"a login that is not there is answered with those that are", "map {\nroles `token.groups`\n}", `{}`, "users", "sso, legacy"},
		{"a sample that is no object is refused", "map {\nroles `token.groups`\n}", `["canary"]`, "sso", "no JSON object"},
		{"a sample that is no JSON is refused", "map {\nroles `token.groups`\n}", `canary`, "sso", "not JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			stdout, stderr, err := runCommand(t, c.sample, "sidegate-map", "--config", mapped(t, c.lines), "--login", c.login, "--input", "-")
			if err == nil || !strings.Contains(stderr, c.want) {
				t.Errorf("%v, printed %s%s; want an error that says %q", err, stdout, stderr, c.want)
			}
			if strings.Contains(stderr, "canary") {
				t.Errorf("a value of the sample is printed with the error: %s", stderr)
			}
		})
	}
	t.Run("what is missing on the command line is told", func(t *testing.T) {
		if _, stderr, err := runCommand(t, "", "sidegate-map", "--login", "sso", "--input", "-", sound); err == nil || !strings.Contains(stderr, "sidegate-map takes flags alone") {
			t.Errorf("it said %v: %s", err, stderr)
		}
		_, stderr, err := runCommand(t, "", "sidegate-map", "--config", sound)
		if err == nil || !strings.Contains(stderr, "caddy sidegate-map --login keycloak --input sample.json") {
			t.Errorf("%v, printed %s", err, stderr)
		}
	})
}

func TestATypoInAnExpressionFailsValidateWithFileAndLine(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"in a map", "map {\nemail `token.email`\nroles `tokn.groups`\n}", "Caddyfile:9"},
		{"in a require", "require `token.hd = 'x'`", "Caddyfile:7"},
		{"in a field's name", "map {\nrole `token.groups`\n}", "Caddyfile:8"},
		{"of a type that the field cannot be", "map {\n\nroles `7`\n}", "Caddyfile:9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, stderr, err := runCommand(t, "", "validate", "--config", mapped(t, c.lines), "--adapter", "caddyfile")
			if err == nil || !strings.Contains(stderr, c.want) {
				t.Errorf("%v, printed %s; want an error at %s", err, stderr, c.want)
			}
		})
	}
}

func TestAUsersFileIsMadeOfOthers(t *testing.T) {
	other := filepath.Join(t.TempDir(), "htpasswd")
	gatewaytest.WriteFile(t, other, "ada:$2y$05$ktnY65MgIviJRLWCdPyIoO8W7YRZJOInNINagf7wbrxdtBOd9QxSO\n")
	stdout, stderr, err := runCommand(t, "", "sidegate-import-users", "htpasswd", other, "--first-id", "5")
	if want := "users:\n  - id: 5\n    email: ada@users.invalid\n    username: ada\n    password: $2y$05$"; err != nil || !strings.HasPrefix(stdout, want) {
		t.Errorf("%v, printed %s%s", err, stdout, stderr)
	}
	gatewaytest.WriteFile(t, other, "ada:$apr1$Iz9P8oeG$xRPq5llSsjcKTI5mEzGk20\n")
	stdout, stderr, err = runCommand(t, "", "sidegate-import-users", "htpasswd", other)
	if err == nil || !strings.Contains(stderr, "line 1: the password's hash (MD5) is not taken") ||
		!strings.Contains(stderr, "see the line above") || !strings.Contains(stdout, "password: none") || strings.Contains(stdout, "disabled") {
		t.Errorf("%v, printed %s%s", err, stdout, stderr)
	}
	gatewaytest.WriteFile(t, other, ":x\nada:$2y$05$ktnY65MgIviJRLWCdPyIoO8W7YRZJOInNINagf7wbrxdtBOd9QxSO\nb c:\n")
	stdout, stderr, err = runCommand(t, "", "sidegate-import-users", "htpasswd", other)
	if err == nil || !strings.Contains(stderr, "see the 2 lines above") || !strings.Contains(stdout, "username: ada") {
		t.Errorf("%v, printed %s%s", err, stdout, stderr)
	}
	if _, stderr, err = runCommand(t, "", "sidegate-import-users", "htpasswd"); err == nil || !strings.Contains(stderr, "say which kind of file it is") {
		t.Errorf("%v, printed %s", err, stderr)
	}
}
