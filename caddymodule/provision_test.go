package caddymodule_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// canary stands in these tests for every secret and password; no error may
// hold it.
const canary = "canary-of-a-secret-canary-of-a-secret"

// validate does what `caddy validate` does.
func validate(t *testing.T, config []byte) error {
	t.Helper()
	var cfg caddy.Config
	if err := json.Unmarshal(config, &cfg); err != nil {
		t.Fatal(err)
	}
	return caddy.Validate(&cfg)
}

// quiet is a global option that keeps the warnings of rightly refused
// configurations out of the tests' output.
const quiet = "log {\n\t\toutput discard\n\t}"

// adapted makes the JSON of the site, which is not going to run.
func adapted(t *testing.T, c gatewaytest.Site) (*gatewaytest.Server, []byte) {
	t.Helper()
	c.Upstream, c.Global = "127.0.0.1:9", c.Global+quiet
	s := c.Prepare(t)
	return s, gatewaytest.Adapt(t, c.Caddyfile(s))
}

// wantInvalid demands that the configuration is refused in these words.
func wantInvalid(t *testing.T, config []byte, want string) {
	t.Helper()
	err := validate(t, config)
	if err == nil {
		t.Fatalf("it is valid:\n%s", config)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("the error tells a secret: %v", err)
	}
}

// wantRefused demands that the site is refused in these words: while its Caddyfile
// is read, with the line, or else when it is loaded.
func wantRefused(t *testing.T, site gatewaytest.Site, want string) {
	t.Helper()
	site.Upstream, site.Global = "127.0.0.1:9", site.Global+quiet
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(site.Caddyfile(site.Prepare(t))), map[string]any{"filename": "Caddyfile"})
	if err == nil {
		wantInvalid(t, config, want)
		return
	}
	if _, text, _ := strings.Cut(err.Error(), "': "); !beginsWithLine.MatchString(text) || !strings.Contains(text, want) {
		t.Errorf("got  %v\nwant Caddyfile:<line>: %s", err, want)
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("the error tells a secret: %v", err)
	}
}

var beginsWithLine = regexp.MustCompile(`^Caddyfile:\d+: `)

const secretLine = "secret " + canary + "\n"

// auth is a site whose session_auth has that line.
func auth(line string) gatewaytest.Site {
	return gatewaytest.Site{Routes: "session_endpoints\nsession_auth {\n" + line + "\n}\nrespond OK"}
}

func TestErrorsOfAConfigurationSayWhatToDo(t *testing.T) {
	t.Setenv("SIDEGATE_TEST_EMPTY", "")
	t.Setenv("SIDEGATE_TEST_SHORT", canary[:20])
	t.Setenv("SIDEGATE_TEST_REDIS", "redis://u:"+canary+"@local host:6379")
	dir := t.TempDir()
	garbage, p384 := filepath.Join(dir, "garbage.pem"), filepath.Join(dir, "p384.pem")
	gatewaytest.WriteFile(t, garbage, canary)
	writeKey(t, p384, elliptic.P384())
	missing := filepath.Join(dir, "missing")

	redis := func(lines string) gatewaytest.Site {
		return gatewaytest.Site{Options: secretLine + "store redis redis://u:" + canary + "@127.0.0.1:1 {\n" + lines + "\n}"}
	}
	for _, c := range []struct {
		name string
		site gatewaytest.Site
		want string
	}{
		{"a shared store without a secret", gatewaytest.Site{Options: "store redis redis://127.0.0.1:1"}, "add `secret {env.SIDEGATE_SECRET}` to the sidegate options (make one with `openssl rand -base64 32`)"},
		{"a secret that is too short", gatewaytest.Site{Options: "secret {env.SIDEGATE_TEST_SHORT}"}, "secret 1 has 20 bytes, it needs at least 32: make one with `openssl rand -base64 32`"},
		{"a second secret that is too short", gatewaytest.Site{Options: secretLine + "secret short"}, "secret 2 has 5 bytes"},
		{"a secret that is there twice", gatewaytest.Site{Options: secretLine + secretLine}, "secret 2 is the same as an earlier one: put the new secret first, then the old"},
		{"a secret of a variable that is not set", gatewaytest.Site{Options: "secret {env.SIDEGATE_TEST_UNSET}"}, "secret 1: {env.SIDEGATE_TEST_UNSET} is missing or empty: set the variable"},
		{"a secret of a variable that is empty", gatewaytest.Site{Options: "secret {env.SIDEGATE_TEST_EMPTY}"}, "secret 1: {env.SIDEGATE_TEST_EMPTY} is missing or empty"},
		{"a secret of a file that is not there", gatewaytest.Site{Options: "secret {file." + missing + "}"}, "secret 1: {file." + missing + "}: there is no such file: make it: openssl rand -base64 48 > " + missing},
		{"a secret with braces in it", gatewaytest.Site{Options: "secret \"x{" + canary + "}\""}, "secret 1: it has braces that are neither {env.NAME} nor {file./path}"},
		{"a secret of blanks", gatewaytest.Site{Options: `secret "   "`}, "secret 1: it is empty"},

		{"a role that includes itself", gatewaytest.Site{Options: "role a {\nincludes b\n}\nrole b {\nincludes a\n}"}, "role a includes itself: a -> b -> a"},
		{"a role that is declared twice", gatewaytest.Site{Options: "role admin"}, "role admin is declared twice: put both into one"},
		{"a role without a name", gatewaytest.Site{Options: `role ""`}, "a declared role is not valid: name is empty"},

		{"a base path without a slash", gatewaytest.Site{Options: "base_path auth"}, `base_path "auth": give a plain path such as /auth`},
		{"a base path with a slash at its end", gatewaytest.Site{Options: "base_path /auth/"}, "without a slash at its end"},
		{"a base path that is the whole site", gatewaytest.Site{Options: "base_path /"}, "give a plain path such as /auth"},
		{"a base path with dots", gatewaytest.Site{Options: "base_path /a/../auth"}, "give a plain path such as /auth"},
		{"a base path that would have to be encoded", gatewaytest.Site{Options: `base_path "/my auth"`}, "give a plain path such as /auth"},
		{"a public URL without a scheme", gatewaytest.Site{Options: "public_url app.example.com"}, `public_url: give an origin such as https://app.example.com`},
		{"a public URL with a path", gatewaytest.Site{Options: "public_url https://app.example.com/auth"}, "give an origin such as https://app.example.com, without path"},
		{"a public URL with a password", gatewaytest.Site{Options: "public_url https://u:" + canary + "@app.example.com"}, "public_url: give an origin"},
		{"a return_to with a password", gatewaytest.Site{Options: "return_to https://u:" + canary + "@app.example.com"}, "return_to 1: give an origin"},
		{"a return_to with a wildcard", gatewaytest.Site{Options: "return_to https://a.example.com https://*.example.com"}, "return_to 2: give an origin"},
		{"a return_to that would write into a page's policy", gatewaytest.Site{Options: `return_to "https://a;script-src"`}, "give an origin"},
		{"a cors with a wildcard", gatewaytest.Site{Options: "cors https://a.example.com *"}, "cors 2: give an origin"},
		{"an account_param that would have to be escaped", gatewaytest.Site{Options: `account_param "a b"`}, `account_param "a b": a name begins with a letter`},

		{"a cookie name with blanks", gatewaytest.Site{Cookie: `name "a b"`}, `cookie name: what stands there is no name of a cookie: use letters, digits, - and _`},
		{"an insecure cookie with a prefix of secure ones", gatewaytest.Site{Cookie: "insecure\nname __Secure-a"}, "browsers refuse it without Secure; choose another name or leave `insecure` out"},
		{"an insecure cookie with a prefix in another case", gatewaytest.Site{Cookie: "insecure\nname __HOST-a"}, "browsers refuse it without Secure"},
		{"a host's cookie with a domain", gatewaytest.Site{Cookie: "domain example.com\nname __Host-a"}, "browsers refuse it with a domain; choose another name or leave `domain` out"},
		{"a cookie domain with a wildcard", gatewaytest.Site{Cookie: "domain *.example.com"}, `cookie domain: what stands there is no domain: give a host name such as example.com`},
		{"a cookie domain with a port", gatewaytest.Site{Cookie: "domain example.com:443"}, "give a host name such as example.com"},
		{"a same_site that would let every site in", gatewaytest.Site{Cookie: "same_site none"}, "same_site: what stands there is not known: there are lax, strict"},

		{"RS256 without a key", gatewaytest.Site{Options: "token {\nalgorithm RS256\n}"}, "token algorithm RS256 needs a signing_key: make one with `openssl genpkey"},
		{"an algorithm that signs nothing", gatewaytest.Site{Options: "token {\nalgorithm none\n}"}, "algorithm: what stands there is not known: there are ES256, EdDSA, RS256"},
		{"a signing key that is not there", gatewaytest.Site{Options: "token {\nsigning_key " + missing + ".pem\n}"}, "token signing_key: open " + missing + ".pem"},
		{"a signing key that is no key", gatewaytest.Site{Options: "token {\nsigning_key " + garbage + "\n}"}, "token signing key 1: not a PEM file with a private key"},
		{"a signing key of another curve", gatewaytest.Site{Options: "token {\nsigning_key " + p384 + "\n}"}, "token signing key 1 does not fit the algorithm: ES256 needs a P-256 key"},
		{"a token that lives too short a time", gatewaytest.Site{Options: "token {\nttl 30s\n}"}, "token ttl 30s is too short: give at least 1m0s"},

		{"a redis without an address", gatewaytest.Site{Options: secretLine + "store redis"}, "store redis: it has no address: give one such as redis://localhost:6379/0"},
		{"a redis of an unknown scheme", gatewaytest.Site{Options: secretLine + "store redis http://u:" + canary + "@127.0.0.1"}, "write redis://host:6379/0, rediss://host:6379/0 or unix:///run/redis.sock"},
		{"a redis whose address cannot be read", gatewaytest.Site{Options: secretLine + "store redis {env.SIDEGATE_TEST_REDIS}"}, "address of redis cannot be read"},
		{"a redis with options in its address", gatewaytest.Site{Options: secretLine + "store redis redis://127.0.0.1?pool_size=9"}, "write them into the store's block"},
		{"a redis database that is no number", gatewaytest.Site{Options: secretLine + "store redis redis://127.0.0.1/main"}, "database of redis must be a number"},
		{"a key prefix with braces", redis("key_prefix {acme}:"), "key_prefix must hold no braces: they decide the slot in Redis Cluster"},
		{"a redis password of a variable that is not set", redis("password {env.SIDEGATE_TEST_UNSET}"), "store redis: password: {env.SIDEGATE_TEST_UNSET} is missing or empty"},
		{"a redis password with braces in it", redis(`password "{` + canary + `}"`), "store redis: password: it has braces that are neither"},

		{"a preset that nobody knows", auth("headers graphana"), "headers: 'graphana' is not known: did you mean `grafana`? There are native, remote-user"},
		{"none beside another preset", auth("headers native none"), `identity headers "none" cannot be combined with others: name it alone, or leave it out`},
		{"a header name with a colon", auth("header X-User: x"), `header "X-User:": use a name of letters, digits and -`},
		{"a header that the proxy deletes", auth("header connection close"), "header connection: the proxy decides on it; use another name"},
		{"a header that ends at the proxy", auth("header Proxy-Authorization x"), "header Proxy-Authorization: the proxy decides on it; use another name"},
		{"a header that the proxy overwrites", auth("header Host app"), "header Host: the proxy decides on it"},
		{"a header with an empty value", auth(`header X-User ""`), "header X-User has no value: give one, or leave the line out"},
		{"a header with a line break", auth("header X-User \"a\nX-Admin: yes\""), "header X-User: its value holds a line break"},
		{"a public pattern that is no path", auth("public healthz"), `public "healthz": give an exact path such as /healthz, or a prefix such as /assets/*`},
		{"a public pattern with an asterisk in its middle", auth("public /*/health"), "give an exact path such as /healthz"},
		{"a public pattern that is encoded", auth("public /a%2Fb"), `public "/a%2Fb": it would never match`},
		{"a public pattern with an empty segment", auth("public /a//b/*"), `public "/a//b/*": it would never match`},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantRefused(t, c.site, c.want)
		})
	}
}

func writeKey(t *testing.T, path string, curve elliptic.Curve) {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	gatewaytest.WriteFile(t, path, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

func TestWhatIsMissingFromAConfigurationIsNamed(t *testing.T) {
	const start = "{\n\tadmin off\n\tauto_https off\n\t" + quiet + "\n"
	for _, c := range []struct{ name, text, want string }{
		{"session_auth without the sidegate options", start + "}\n:8080 {\n\tsession_auth\n}\n",
			"add a `sidegate { ... }` block with a login to the global options"},
		{"session_endpoints without the sidegate options", start + "}\n:8080 {\n\tsession_endpoints\n}\n",
			"add a `sidegate { ... }` block with a login to the global options"},
		{"the matcher without the sidegate options", start + "}\n:8080 {\n\t@in session\n\trespond @in OK\n}\n",
			"add a `sidegate { ... }` block with a login to the global options"},
		{"endpoints without a login", start + "\tsidegate {\n\t}\n}\n:8080 {\n\tsession_endpoints\n}\n",
			"nobody could sign in: add a login such as `login users users.yaml` to the sidegate options"},
		{"a users login whose file has no name", start + "\tsidegate {\n\t\tlogin users \"\"\n\t}\n}\n",
			"login users: name the file, such as `login users users.yaml`"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantInvalid(t, gatewaytest.Adapt(t, c.text), c.want)
		})
	}
	t.Run("a mistake in the options is not taken for options that are missing", func(t *testing.T) {
		_, config := adapted(t, gatewaytest.Site{Options: "secret {env.SIDEGATE_TEST_UNSET}"})
		if err := validate(t, config); err == nil || strings.Contains(err.Error(), "add a `sidegate") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAUsersFileWithAMistakeIsRefusedByItsLine(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"a hash that is none", "users:\n  - id: 1\n    email: ada@example.com\n    password: " + canary + "\n", "users.yaml: users file line 4: person 1: password is not a hash: make one with `caddy hash-password"},
		{"a field that nobody knows", "users:\n  - id: 1\n    email: ada@example.com\n    " + canary + ": x\n    disabled: true\n", "users file line 4: person 1: unknown field"},
		{"two people with one id", "users:\n  - { id: 1, email: a@example.com, disabled: true }\n  - { id: 1, email: b@example.com, disabled: true }\n", "users file line 3: person 2: id "},
		{"a file that is no YAML", "users: [\n", "users file line 1: not valid YAML"},
		{"an empty file", "", "users file is empty: it needs a list called users (`users: []` for nobody)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			gatewaytest.WriteFile(t, filepath.Join(dir, "users.yaml"), c.file)
			_, config := adapted(t, gatewaytest.Site{Dir: dir})
			wantInvalid(t, config, c.want)
		})
	}
	t.Run("a role that is nearly a declared one", func(t *testing.T) {
		dir := t.TempDir()
		gatewaytest.WriteFile(t, filepath.Join(dir, "users.yaml"), strings.Replace(gatewaytest.UsersFile, "roles: [admin]", "roles: [editr]", 1))
		_, config := adapted(t, gatewaytest.Site{Dir: dir})
		wantInvalid(t, config, "person 1: roles hold a slip: there is no role editr: did you mean `editor`?")
	})
	t.Run("a file that is not there", func(t *testing.T) {
		s, config := adapted(t, gatewaytest.Site{})
		if err := os.Remove(s.Users); err != nil {
			t.Fatal(err)
		}
		wantInvalid(t, config, "login users: reading users file: stat "+s.Users+": no such file or directory")
	})
}

// everything is a site that uses every option, so that JSON can be edited.
func everything(t *testing.T, redis string) gatewaytest.Site {
	key := filepath.Join(t.TempDir(), "signing.pem")
	writeKey(t, key, elliptic.P256())
	return gatewaytest.Site{
		Options: secretLine + `store redis ` + redis + ` {
			username sidegate
			password ` + canary + `
			key_prefix acme:
			dial_timeout 1s
			read_timeout 1s
			write_timeout 1s
			pool_size 3
		}
		lifetime 1h
		idle_timeout 0
		base_path /account/auth
		public_url https://app.example.com/
		return_to https://docs.example.com http://[::1]:8080
		token {
			issuer https://app.example.com
			ttl 1m
			algorithm ES256
			signing_key ` + key + `
		}
		cookie {
			same_site strict
		}`,
		Routes: `session_endpoints
		@admins session role admin
		session_auth @admins {
			public /healthz /assets/* /.well-known/* /*
			role admin
			permission users:write
			account_admin
			headers native remote-user oauth2-proxy authentik grafana jenkins kubernetes scope-orgid
			header X-User {http.auth.user.email}
			keep_header X-Forwarded-Prefix X-Goog-Iap-Jwt-Assertion
			assertion api
			no_redirect
			foreign_bearer
			handle_errors
		}
		respond OK`,
	}
}

func TestMistakesInJSONAreRefused(t *testing.T) {
	_, config := adapted(t, everything(t, "redis://127.0.0.1:1"))
	if err := validate(t, config); err != nil {
		t.Fatalf("before the mistakes: %v", err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"an unknown field of the app", `"base_path":`, `"base_url":`, `unknown field "base_url"`},
		{"an unknown field of the cookie", `"same_site":`, `"samesite_":`, `unknown field "samesite_"`},
		{"an unknown field of the token", `"algorithm":`, `"alg":`, `unknown field "alg"`},
		{"an unknown field of a role", `"includes":`, `"include":`, `unknown field "include"`},
		{"an unknown field of the store", `"pool_size":`, `"pool":`, `unknown field "pool"`},
		{"an unknown field of the login", `"method":"users"`, `"method":"users","path":"x"`, `unknown field "path"`},
		{"an unknown field of the endpoints", `"handler":"session_endpoints"`, `"handler":"session_endpoints","path":"x"`, `unknown field "path"`},
		{"an unknown field of session_auth", `"foreign_bearer":`, `"foreign":`, `unknown field "foreign"`},
		{"an unknown field of the matcher", `"session":{`, `"session":{"role":"admin",`, `unknown field "role"`},
		{"an unknown field of the assertion", `"audience":`, `"aud":`, `unknown field "aud"`},
		{"an unknown store", `"module":"redis"`, `"module":"postgres"`, "unknown module: sidegate.stores.postgres"},
		{"an unknown login", `"method":"users"`, `"method":"ldap"`, "unknown module: sidegate.logins.ldap"},
		{"a demand of session_auth that names nothing", `{"permissions":["users:write"]}]}]`, `{"permissions":[]}]}]`, "a requirement names no role and no permission: name at least one"},
		{"a demand beside optional, which keeps out the signed-in alone", `"foreign_bearer":true`, `"foreign_bearer":true,"optional":true`, "leave `optional` out and open paths by `public`"},
		{"a kept header that is ours", `"X-Goog-Iap-Jwt-Assertion"]`, `"x-webauth-user"]`, "keep_header x-webauth-user: the gateway itself tells"},
		{"a kept header that is a further one", `"X-Goog-Iap-Jwt-Assertion"]`, `"X-User"]`, "keep_header X-User: the gateway itself tells"},
		{"a kept header that nothing deletes", `"X-Goog-Iap-Jwt-Assertion"]`, `"X-Real-IP"]`, "no header of that name is deleted"},
		{"a kept header that is none", `"handler":"session_endpoints"`, `"handler":"session_endpoints","keep_header":["X Y"]`, "use a name of letters, digits and -"},
		{"a demand of session_auth with an empty name", `{"permissions":["users:write"]}]}]`, `{"permissions":[""]}]}]`, "a requirement names an empty role or permission"},
		{"a demand of the matcher that names nothing", `"session":{"require":[{"roles":["admin"]}]`, `"session":{"require":[{}]`, "a requirement names no role and no permission: name at least one"},
		{"a cache that is off and stale", `"idle_timeout":0`, `"cache":{"off":true,"stale":1}`, "cache off has no other options"},
		{"a cache of less than no time", `"idle_timeout":0`, `"cache":{"ttl":-1}`, "must not be negative"},
		{"a lifetime below zero", `"lifetime":3600000000000`, `"lifetime":-1`, "lifetime and idle_timeout must not be negative"},
		{"an idle timeout below zero", `"idle_timeout":0`, `"idle_timeout":-1`, "lifetime and idle_timeout must not be negative"},
		{"a limit of sessions below zero", `"idle_timeout":0`, `"max_sessions":-1`, "max_sessions must be a number from 1 to 10000"},
		{"a limit of too many sessions", `"idle_timeout":0`, `"max_sessions":10001`, "max_sessions must be a number from 1 to 10000"},
		{"a limit beyond which nobody knows what to do", `"idle_timeout":0`, `"beyond_max_sessions":"newest"`, "max_sessions: beyond it is oldest, which ends the longest idle, or refuse"},
		{"a read timeout below zero", `"read_timeout":1000000000`, `"read_timeout":-1`, "time-outs and pool size of redis must be positive"},
		{"two logins of one name", `"logins":[`, `"logins":[{"method":"users","file":"../deploy/demo/users.yaml"},`, `two logins are named "users": give each a name of its own`},
		{"a lifetime in seconds, which JSON has in nanoseconds", `"lifetime":3600000000000`, `"lifetime":3600`, "lifetime 3.6µs is too short: give at least 1s; in JSON a number is nanoseconds"},
		{"an idle timeout in seconds", `"idle_timeout":0`, `"idle_timeout":900`, "idle_timeout 900ns is too short: give at least 1s"},
		{"a cache in seconds", `"idle_timeout":0`, `"cache":{"ttl":10}`, "cache 10ns is too short: give at least 10ms"},
		{"something stale in seconds", `"idle_timeout":0`, `"cache":{"stale":300}`, "stale 300ns is too short"},
		{"a time-out of redis in milliseconds", `"read_timeout":1000000000`, `"read_timeout":300`, "read_timeout 300ns is too short: give at least 1ms"},
		{"a role that session_auth demands by a slip", `"require":[{"roles":["admin"]},{"permissions"`, `"require":[{"roles":["admni"]},{"permissions"`, "role: there is no role admni: did you mean `admin`?"},
		{"a role that the matcher demands by a slip", `"session":{"require":[{"roles":["admin"]}]`, `"session":{"require":[{"roles":["admn"]}]`, "matcher session: role: there is no role admn: did you mean `admin`?"},
		{"a role that another includes by a slip", `"includes":["editor"]`, `"includes":["editr"]`, "role admin: includes: there is no role editr: did you mean `editor`?"},
		{"a secret that is empty", `"secrets":["`, `"secrets":["","`, "secret 1: it is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Count(string(config), c.old) < 1 {
				t.Fatalf("there is no %s in\n%s", c.old, config)
			}
			wantInvalid(t, []byte(strings.Replace(string(config), c.old, c.new, 1)), c.want)
		})
	}
}
