package check_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// written makes a Caddyfile of global options, of those of ours, and of the lines
// of a site that this machine alone can reach.
func written(global, ours, routes string) string {
	return "{\nadmin off\n" + global + "\nsidegate {\n" + ours + "\n}\n}\nhttp://localhost:8080 {\nbind 127.0.0.1\n" + routes + "\n}\n"
}

// adopting is a login of the people of another gateway.
func adopting(address, until string) string {
	return "\nlogin adopt old " + address + " {\ncookie sid\nas users\nuntil " + until + "\n}"
}

func TestWhatTheCommandSaysAndByWhichStatusItEnds(t *testing.T) {
	const (
		login = "login users users.yaml"
		site  = "session_endpoints\nsession_auth\nrespond OK"
		weak  = login + "\nsecret " + "changeme-changeme-changeme-changeme"
		quiet = "log {\noutput discard\n}"
	)
	for _, c := range []struct {
		name, config string
		args         []string
		code         int
		want         []string // the lines, from their beginnings on
	}{
		{"a configuration with nothing to say of", written(quiet, login, site), []string{"--strict"}, 0,
			[]string{"sidegate: the configuration is valid, no warnings"}},
		{"a warning, whatever the log leaves out", written(quiet, weak, site), nil, 0,
			[]string{"warning: the secret could be guessed", "sidegate: the configuration is valid, 1 warning"}},
		{"two secrets in one", written(quiet, login+"\nsecret \"qY7w0Zk1vB9nM4sX2cL8pR5tH3jD6fG0\nuT5rE8wQ1aS4dF7gH0jK3lZ6xC9vB2nM\"", site), nil, 0,
			[]string{"warning: a secret has a line break within, and all of it is one secret", "sidegate: the configuration is valid, 1 warning"}},
		{"demands that are only reported", written(quiet, login+"\nreport_only", site), nil, 0,
			[]string{"warning: demands are only reported (report_only)", "sidegate: the configuration is valid, 1 warning"}},
		{"demands of one rule that are only reported", written(quiet, login, "session_endpoints\nsession_auth {\npath /admin/* {\nrole admin\nreport_only\n}\n}\nrespond OK"), nil, 0,
			[]string{"warning: Caddyfile:13: demands are only reported (report_only)", "sidegate: the configuration is valid, 1 warning"}},
		{"another gateway at this one's own name", written(quiet, login+adopting("http://localhost:8080/oauth2/auth", "2099-12-31"), site), nil, 0,
			[]string{"warning: Caddyfile:8: another gateway is to be asked whose a cookie is, and the address is one of this gateway's own", "sidegate: the configuration is valid, 1 warning"}},
		{"another gateway at this one's own port", strings.Replace(written(quiet, login+adopting("http://127.0.0.1:8080/oauth2/auth", "2099-12-31"), site), "http://localhost", "http://app.localhost", 1),
			nil, 0, []string{"warning: Caddyfile:8: another gateway is to be asked whose a cookie is", "sidegate: the configuration is valid, 1 warning"}},
		{"another gateway on this machine", written(quiet, login+adopting("http://localhost:4180/oauth2/auth", "2099-12-31"), site), []string{"--strict"}, 0,
			[]string{"sidegate: the configuration is valid, no warnings"}},
		{"a directory that is this gateway", written(quiet, login+"\ndirectory http crm http://localhost:8080/auth/session?e={identity.email} {\nmap {\nname `directory.body.name`\n}\n}", site), nil, 0,
			[]string{"warning: Caddyfile:8: an app is to be asked about people, and the address is one of this gateway's own endpoints", "sidegate: the configuration is valid, 1 warning"}},
		{"a login of this gateway itself", written(quiet, login+"\nlogin app self http://localhost:8080/auth/login {\nsuccess `login.status == 200`\n}", site), nil, 0,
			[]string{"warning: Caddyfile:8: an app is to be asked about people, and the address is one of this gateway's own endpoints", "sidegate: the configuration is valid, 1 warning"}},
		{"an app behind this gateway", written(quiet, login+"\nlogin app legacy http://localhost:8080/api/login {\nsuccess `login.status == 200`\n}", site), []string{"--strict"}, 0,
			[]string{"sidegate: the configuration is valid, no warnings"}},
		{"people who are adopted for a few days more", written(quiet, login+adopting("http://localhost:4180/oauth2/auth", time.Now().AddDate(0, 0, 5).Format(time.DateOnly)), site), nil, 0,
			[]string{"warning: Caddyfile:8: people are adopted from the other gateway for a few days more", "sidegate: the configuration is valid, 1 warning"}},
		{"people who are adopted as no login's", written(quiet, login+strings.Replace(adopting("http://localhost:4180/oauth2/auth", "2099-12-31"), "as users\n", "", 1), site), nil, 0,
			[]string{"warning: Caddyfile:8: who is adopted is a person of this login alone", "sidegate: the configuration is valid, 1 warning"}},
		{"lines of a map that the login of the people does not ask for", written(quiet, login+strings.Replace(adopting("http://localhost:4180/oauth2/auth", "2099-12-31"), "as users\n",
			"as users\nmap {\nsubject `login.header[\"remote-user\"]`\nname `login.header[\"remote-name\"]`\nroles `login.header[\"remote-groups\"].split(\",\")`\n}\n", 1), site), nil, 0,
			[]string{"warning: Caddyfile:13: a line of map does nothing", "warning: Caddyfile:14: a line of map does nothing", "sidegate: the configuration is valid, 2 warnings"}},
		{"a policy by path that nobody can ask by", written(quiet, login+"\npolicy app {\npath /admin/* {\nrole admin\n}\n}", "session_endpoints\nrespond OK"), nil, 0,
			[]string{"warning: policies decide by path, and nobody tells the path", "sidegate: the configuration is valid, 1 warning"}},
		{"a policy by path, and a proxy that asks", written(quiet+"\nservers {\ntrusted_proxies static 127.0.0.1/32\n}", login+"\npolicy app {\npath /admin/* {\nrole admin\n}\n}",
			"session_endpoints\nrespond OK"), nil, 0, []string{"sidegate: the configuration is valid, no warnings"}},
		{"clients that are proxies", written(quiet+"\nservers {\ntrusted_proxies static private_ranges\n}", login, site), []string{"--strict"}, 3,
			[]string{"warning: trusted_proxies cover a whole private network", "sidegate: the configuration is valid, 1 warning"}},
		{"a warning that fails the check", written(quiet, weak, site), []string{"--strict"}, 3,
			[]string{"warning: the secret could be guessed", "sidegate: the configuration is valid, 1 warning"}},
		{"warnings with the log as it is anyway", written("", weak, "session_endpoints\nhandle /open {\nreverse_proxy app:80\n}\nhandle {\nsession_auth\nreverse_proxy app:80\n}"),
			nil, 0, []string{"warning: the secret could be guessed", "warning: an app that session_auth guards can be reached without it",
				"sidegate: the configuration is valid, 2 warnings"}},
		{"a token that others get than the app", written(quiet, login+"\nlogin oidc sso {\nissuer https://sso.example.com\nclient_id c\n}",
			"session_endpoints\nroute {\nsession_auth {\nupstream_token sso\n}\nforward_auth asks:80 {\nuri /asks\n}\nreverse_proxy app:80\n}"), nil, 0,
			[]string{"warning: what upstream_token sends goes to more than one upstream", "sidegate: the configuration is valid, 1 warning"}},
		{"a warning of the lines that are read", written(quiet, login, site), []string{"--config", "sub/Caddyfile"}, 0,
			[]string{"warning: sub/Caddyfile:7: a file is not beside the Caddyfile", "sidegate: the configuration is valid, 1 warning"}},
		{"a directive that is mistyped", written("", login, "session_enpoints"), nil, 1,
			[]string{"error: Caddyfile:10: unrecognized directive: session_enpoints: did you mean `session_endpoints`?", "sidegate: the configuration is not valid"}},
		{"a directive that is mistyped, in a block", written("", login, "handle {\nsession_aut\n}"), nil, 1,
			[]string{"error: Caddyfile:12: unrecognized directive: session_aut: did you mean `session_auth`?", "sidegate: the configuration is not valid"}},
		{"the global block, mistyped", strings.Replace(written("", login, site), "sidegate", "sidgate", 1), nil, 1,
			[]string{"error: Caddyfile:4: unrecognized global option: sidgate: did you mean `sidegate`?", "sidegate: the configuration is not valid"}},
		{"a file by itself", written(quiet, login, site), []string{"sub/Caddyfile"}, 0,
			[]string{"warning: sub/Caddyfile:7: a file is not beside the Caddyfile", "sidegate: the configuration is valid, 1 warning (sub/Caddyfile)"}},
		{"a folder in the place of the file", written(quiet, login, site), []string{"sub"}, 1,
			[]string{"error: no configuration: sub: it is a folder: name a file in it: ", "sidegate: the configuration is not valid (sub)"}},
		{"an empty file", "", nil, 1, []string{"error: no configuration: Caddyfile is empty: write the configuration into it", "sidegate: the configuration is not valid"}},
		{"an import of what is not there", written(quiet, "import store.caddy", site), nil, 1,
			[]string{"error: Caddyfile:7: there is neither a snippet nor a file store.caddy: make one", "sidegate: the configuration is not valid"}},
		{"two files", written(quiet, login, site), []string{"sub/Caddyfile", "Caddyfile"}, 1, []string{"error: name one file"}},
		{"a file twice", written(quiet, login, site), []string{"sub/Caddyfile", "--config", "Caddyfile"}, 1, []string{"error: the file is named twice"}},
		{"several mistakes in the users file", written("", "login users twice.yaml", site), nil, 1,
			[]string{"error: Caddyfile:5: login users: ", "error: TWICE: users file line ", "sidegate: the configuration is not valid (Caddyfile)"}},
		{"an option without its block", written(login, login, site), nil, 1,
			[]string{"error: Caddyfile:3: unrecognized global option: login: it is an option of the global block `sidegate { ... }`", "sidegate: the configuration is not valid"}},
		{"a directive among the options", written("session_auth", login, site), nil, 1,
			[]string{"error: Caddyfile:3: unrecognized global option: session_auth: it is a directive, in the block of a site", "sidegate: the configuration is not valid"}},
		{"a role in a site", written("", login, "role admin\n"+site), nil, 1,
			[]string{"error: Caddyfile:10: unrecognized directive: role: it is an option of the global block `sidegate { ... }`, and an option of `session_auth { ... }`", "sidegate: the configuration is not valid"}},
		{"a login in a site", written("", login, login+"\n"+site), nil, 1,
			[]string{"error: Caddyfile:10: unrecognized directive: login: it is an option of the global block `sidegate { ... }`", "sidegate: the configuration is not valid"}},
		{"the block in a site", written("", login, "sidegate {\n"+login+"\n}\n"+site), nil, 1,
			[]string{"error: Caddyfile:10: unrecognized directive: sidegate: it is a global option: it stands in the braces that begin the Caddyfile", "sidegate: the configuration is not valid"}},
		{"the block without braces around it", "sidegate {\n" + login + "\n}\n", nil, 1,
			[]string{"error: Caddyfile:2: unrecognized directive: login: it is an option of the global block `sidegate { ... }`", "sidegate: the configuration is not valid"}},
		{"the block twice", written("sidegate {\n"+login+"\n}", login, site), nil, 1,
			[]string{"error: Caddyfile:6: the sidegate options are given twice", "sidegate: the configuration is not valid"}},
		{"a mistake in the users file", written("", "login users broken.yaml", site), nil, 1,
			[]string{"error: Caddyfile:5: login users: BROKEN: users file line ", "sidegate: the configuration is not valid"}},
		{"a field of JSON that is mistyped", `{"apps":{"sidegate":{"lifetme":"1h"}}}`, []string{"--config", "Caddyfile.json"}, 1,
			[]string{"error: sidegate: json: unknown field \"lifetme\": did you mean `lifetime`?", "sidegate: the configuration is not valid"}},
		{"a mistake in a line of Caddy's", written("log {\noutptu x\n}", login, site), nil, 1,
			[]string{"error: Caddyfile:4: unrecognized", "sidegate: the configuration is not valid"}},
		{"a mistake in a line", written("", login, "session_auth {\npublc /x\n}"), []string{"--strict"}, 1,
			[]string{"error: Caddyfile:11: unrecognized session_auth subdirective 'publc'", "sidegate: the configuration is not valid"}},
		{"what cannot work, and a warning beside", written("", weak, "session_auth\nrespond OK"), nil, 1,
			[]string{"warning: the secret could be guessed", "error: site localhost: session_auth leads people to /auth/login", "sidegate: the configuration is not valid"}},
		{"options that cannot work", written("", login+"\nlogin app a http://127.0.0.1:1", site), nil, 1, []string{"error: ", "sidegate: the configuration is not valid"}},
		{"a site over TLS", strings.Replace(written(quiet, login, site), "http://localhost:8080", "app.example.com", 1), []string{"--strict"}, 0,
			[]string{"sidegate: the configuration is valid, no warnings"}},
		{"a site over plain http", strings.Replace(written(quiet, login, site), "http://localhost", "http://app.example.com", 1), nil, 0,
			[]string{"warning: people who come by plain http are not kept signed in", "sidegate: the configuration is valid, 1 warning"}},
		{"a site over plain http behind a proxy", strings.Replace(written(quiet+"\nservers {\ntrusted_proxies static 127.0.0.1/32\n}", login, site), "http://localhost",
			"http://app.example.com", 1), []string{"--strict"}, 0, []string{"sidegate: the configuration is valid, no warnings"}},
		{"a site over plain http that browsers come to by https", strings.Replace(written(quiet, login+"\npublic_url https://app.example.com", site), "http://localhost",
			"http://app.example.com", 1), []string{"--strict"}, 0, []string{"sidegate: the configuration is valid, no warnings"}},
		{"a cookie that others can take", strings.Replace(written(quiet, login+"\ncookie {\ninsecure\n}", site), "bind 127.0.0.1", "bind 0.0.0.0", 1), nil, 0,
			[]string{"warning: session cookies go over plain HTTP too", "sidegate: the configuration is valid, 1 warning"}},
		{"people sign in, and another proxy asks", written(quiet, login+"\npolicy app {\nrole admin\n}", "session_endpoints\nreverse_proxy app:80"), nil, 0,
			[]string{"sidegate: the configuration is valid, no warnings"}},
		{"people sign in, and nothing is guarded", written(quiet, login, "session_endpoints\nreverse_proxy app:80"), nil, 0,
			[]string{"warning: people sign in here, and nothing is guarded", "sidegate: the configuration is valid, 1 warning"}},
		{"people sign in at one server, and another is guarded", written(quiet, login, "session_endpoints\nreverse_proxy app:80") +
			"http://localhost:8081 {\nsession_auth {\nno_redirect\n}\nreverse_proxy app:80\n}", []string{"--strict"}, 0,
			[]string{"sidegate: the configuration is valid, no warnings"}},
		{"people sign in at one server, and another looks who they are", written(quiet, login, "session_endpoints\nreverse_proxy app:80") +
			"http://localhost:8081 {\n@in session\nreverse_proxy @in app:80\n}", []string{"--strict"}, 0,
			[]string{"sidegate: the configuration is valid, no warnings"}},
		{"an open app that is provisioned when session_auth is", written(quiet, login, "") + "https:// {\nsession_endpoints\nhandle /open {\nreverse_proxy {\ndynamic a app 80\n}\n}\n" +
			"handle {\nsession_auth\nreverse_proxy {\ndynamic a app 80\n}\n}\n}", nil, 0,
			[]string{"warning: an app that session_auth guards can be reached without it", "sidegate: the configuration is valid, 1 warning"}},
		{"answers that are handled of what is provisioned when session_auth is", written(quiet, login, "") + "https:// {\nroute {\nforward_auth app:80 {\nuri /x\n}\n" +
			"session_endpoints\nsession_auth\nrespond OK\n}\n}", []string{"--strict"}, 0, []string{"sidegate: the configuration is valid, no warnings"}},
		{"any host over TLS", written(quiet, login, "") + ":443 {\n" + site + "\n}", []string{"--strict"}, 0,
			[]string{"sidegate: the configuration is valid, no warnings"}},
		{"any host over plain http", written(quiet, login, "") + ":8081 {\n" + site + "\n}", nil, 0,
			[]string{"warning: people who come by plain http are not kept signed in", "sidegate: the configuration is valid, 1 warning"}},
		{"any host over plain http behind a proxy", written(quiet+"\nservers {\ntrusted_proxies static 10.0.0.1\n}", login+"\npublic_url https://app.example.com", "") +
			":8081 {\n" + site + "\n}", []string{"--strict"}, 0, []string{"sidegate: the configuration is valid, no warnings"}},
		{"a log that cannot be written", written("log {\noutput file users.yaml/log\n}", login, site), nil, 1, []string{"error: ", "sidegate: the configuration is not valid"}},
		{"JSON", `{"apps":{}}`, []string{"--config", "Caddyfile", "--adapter", ""}, 1, []string{"error: ", "sidegate: the configuration is not valid"}},
		{"a file that is not there", "", []string{"--config", "nowhere.json"}, 1, []string{"error: no configuration: there is no nowhere.json: make it, or say with --config where it is: reading config from file", "sidegate: the configuration is not valid"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			gatewaytest.WriteFile(t, filepath.Join(dir, "users.yaml"), gatewaytest.UsersFile)
			gatewaytest.WriteFile(t, filepath.Join(dir, "twice.yaml"), strings.ReplaceAll(gatewaytest.UsersFile, "roles:", "rolez:"))
			if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
				t.Fatal(err)
			}
			gatewaytest.WriteFile(t, filepath.Join(dir, "Caddyfile"), c.config)
			gatewaytest.WriteFile(t, filepath.Join(dir, "Caddyfile.json"), c.config)
			gatewaytest.WriteFile(t, filepath.Join(dir, "broken.yaml"), strings.Replace(gatewaytest.UsersFile, "roles:", "rolez:", 1))
			gatewaytest.WriteFile(t, filepath.Join(dir, "sub", "Caddyfile"), c.config)
			said, code := gatewaytest.RunCaddy(t, dir, append([]string{"sidegate-check"}, c.args...)...)
			lines := strings.Split(strings.TrimSpace(said), "\n")
			if code != c.code || len(lines) != len(c.want) {
				t.Fatalf("status %d, want %d:\n%s", code, c.code, said)
			}
			for i, want := range c.want {
				want = strings.NewReplacer("BROKEN", filepath.Join(dir, "broken.yaml"), "TWICE", filepath.Join(dir, "twice.yaml")).Replace(want)
				if !strings.HasPrefix(lines[i], want) || strings.Contains(lines[i], "loading handler modules") {
					t.Errorf("line %d is %s\nwant %s", i+1, lines[i], want)
				}
			}
		})
	}
}
