package explain_test

import (
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestWhatCannotBeExplainedIsAnErrorThatSaysWhatToDo(t *testing.T) {
	const site = "https://shop.example.com"
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no address", []string{"GET"}, "say the method and the address"},
		{"an address alone", []string{site + "/x"}, "say the method and the address"},
		{"a method in small letters", []string{"get", site + "/x"}, `"get" is no method: they are written in capital letters: GET`},
		{"the address first", []string{site + "/x", "GET"}, "is no method: say the method first"},
		{"a tunnel", []string{"CONNECT", site + "/x"}, "CONNECT has no path"},
		{"no path", []string{"GET", "orders"}, `the address "orders" is neither a path`},
		{"another scheme", []string{"GET", "ftp://shop.example.com/x"}, "begins with no site"},
		{"a password in the address", []string{"GET", "https://a:b@shop.example.com/x"}, "begins with no site"},
		{"a blank in the path", []string{"GET", site + "/a b"}, "cannot be read"},
		{"a path of several sites", []string{"GET", "/x"}, "say the whole address, for there are several sites: https://shop.example.com, https://www.example.com, https://pay.example.com"},
		{"an address of no site", []string{"GET", "https://other.example.com/x"}, "https://other.example.com is no site of this configuration: there are https://shop.example.com"},
		{"two people", []string{"GET", site + "/x", "--as", gatewaytest.Ada, "--input", "session.json"}, "--as and --input are two people"},
		{"an account of nobody", []string{"GET", site + "/x", "--account", "acme"}, "--account is for a person"},
		{"a mistyped person", []string{"GET", site + "/x", "--as", "adaa@example.com"}, "nobody of the users file is called adaa@example.com: did you mean ada@example.com?"},
		{"an unknown person", []string{"GET", site + "/x", "--as", "kim"}, "nobody of the users file is called kim; people of keycloak are asked about there: give the session of one by --input"},
		{"no name", []string{"GET", site + "/x", "--as", "a@b@c"}, "that is no name to sign in by"},
		{"somebody who is disabled", []string{"GET", site + "/x", "--as", gatewaytest.Linus}, "linus@example.com is disabled in the users file"},
		{"an account of somebody else", []string{"GET", site + "/x", "--as", gatewaytest.Ada, "--account", "initech"}, `ada@example.com has no account "initech": there are acme, globex`},
		{"somebody without accounts", []string{"GET", site + "/x", "--as", gatewaytest.Grace, "--account", "acme"}, `grace@example.com has no account`},
		{"an address that may not sign in", []string{"GET", site + "/x", "--as", gatewaytest.Ada, "--config", "closed.Caddyfile"}, "ada@example.com cannot sign in: "},
		{"nobody where there is no file", []string{"GET", site + "/x", "--as", gatewaytest.Ada, "--config", "elsewhere.json"}, "no login with a users file, so nobody is known by name; people of old, keycloak, legacy are asked about there"},
		{"no file", []string{"GET", site + "/x", "--input", "nowhere.json"}, "--input: open nowhere.json"},
		{"broken JSON", []string{"GET", site + "/x", "--input", "Caddyfile"}, "Caddyfile holds no session as GET /auth/session answers it"},
		{"a text for a number", []string{"GET", site + "/x", "--input", "text.json"}, "text.json holds no session as GET /auth/session answers it: its id is a JSON string, and should be a whole number"},
		{"a number for a list", []string{"GET", site + "/x", "--input", "number.json"}, "its flatRolesList is a JSON number, and should be a list"},
		{"a list of people", []string{"GET", site + "/x", "--input", "list.json"}, "it is a JSON array, and no object"},
		{"other JSON", []string{"GET", site + "/x", "--input", "other.json"}, "it has no id, or no email"},
		{"a header without a colon", []string{"GET", site + "/x", "--header", "Accept"}, "write a name, a colon and a value"},
		{"a header with a line break", []string{"GET", site + "/x", "--header", "Accept: a\nb"}, "write a name, a colon and a value"},
		{"the host as a header", []string{"GET", site + "/x", "--header", "host: b"}, "say the host in the address"},
		{"a length", []string{"GET", site + "/x", "--header", "Content-Length: 7"}, "the request has no body"},
		{"no IP address", []string{"GET", site + "/x", "--from", "home"}, `--from "home": give an IP address`},
		{"no configuration", []string{"GET", site + "/x", "--config", "nowhere"}, "reading config from file"},
		{"a mistake in it", []string{"GET", site + "/x", "--config", "mistaken.Caddyfile"}, "mistaken.Caddyfile:3: unrecognized sidegate subdirective 'logn'"},
		{"no sidegate", []string{"GET", site + "/x", "--config", "none.json"}, "no sidegate options"},
		{"no site", []string{"GET", site + "/x", "--config", "empty.json"}, "the configuration has no site"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := written(t)
			for file, text := range map[string]string{
				"mistaken.Caddyfile": "{\n\tsidegate {\n\t\tlogn users users.yaml\n\t}\n}\n",
				"closed.Caddyfile":   strings.Replace(shop, "login users users.yaml", "login users users.yaml {\nemail_domains example.org\n}", 1),
				"elsewhere.json":     strings.Replace(strange, `{"method":"users","file":"users.yaml"},`, "", 1),
				"none.json":          `{"apps":{"http":{"servers":{"a":{"listen":[":80"]}}}}}`,
				"empty.json":         `{"apps":{"sidegate":{}}}`,
				"text.json":          `{"id":"7","email":"kim@example.com"}`,
				"number.json":        `{"id":7,"email":"kim@example.com","flatRolesList":7}`,
				"list.json":          `[{"id":7}]`,
				"other.json":         `{"name":"kim"}`,
			} {
				gatewaytest.WriteFile(t, filepath.Join(dir, file), text)
			}
			said, code := gatewaytest.RunCaddy(t, dir, append([]string{"sidegate-explain"}, c.args...)...)
			if code != 1 || !strings.HasPrefix(said, "error: ") || !strings.Contains(said, c.want) || strings.Count(said, "\n") != 1 {
				t.Errorf("status %d: %s\nwant %s", code, said, c.want)
			}
		})
	}
}
