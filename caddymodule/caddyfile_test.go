package caddymodule_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddytest"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/gatewaytest"
)

// Each golden is a Caddyfile, a line of ten dashes, and the JSON that it
// becomes, or a part of the error that it is.
func TestCaddyfilesBecomeTheirGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, found := strings.Cut(string(raw), "----------\n")
			if !found {
				t.Fatal("there is no line of ten dashes")
			}
			want = strings.TrimSpace(want)
			if formatted := string(caddyfile.Format([]byte(input))); formatted != input {
				t.Errorf("caddy fmt would make it:\n%s", formatted)
			}
			if !strings.HasPrefix(want, "{") {
				wantAdaptError(t, input, want)
			} else if !caddytest.CompareAdapt(t, file, input, "caddyfile", want) {
				t.Error("it becomes something else")
			}
		})
	}
}

// Advice about a word in the wrong block is as good as the table that it is from.
func TestTheTableOfBlocksHasTheOptionsThatAreRead(t *testing.T) {
	var known []string
	for name, options := range directive.Blocks() {
		known = append(known, inBlock(name, options)...)
	}
	for _, found := range drift(audit(t, os.DirFS("."), optionWords), known) {
		t.Error(found)
	}
}

// wantAdaptError demands that the Caddyfile is refused in these words.
func wantAdaptError(t *testing.T, text, want string) {
	t.Helper()
	if want == "" {
		t.Fatal("no error is said to be expected")
	}
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err == nil {
		t.Fatalf("it was taken for\n%s", config)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// Where a line of a bad Caddyfile stands.
const (
	inOptions  = "{\n\tsidegate {\n\t\tlogin users u.yaml\n\t\tLINE\n\t}\n}\n:80 {\n\tsession_auth\n}\n"
	inCookie   = "{\n\tsidegate {\n\t\tcookie {\n\t\t\tLINE\n\t\t}\n\t}\n}\n"
	inToken    = "{\n\tsidegate {\n\t\ttoken {\n\t\t\tLINE\n\t\t}\n\t}\n}\n"
	inRole     = "{\n\tsidegate {\n\t\trole admin {\n\t\t\tLINE\n\t\t}\n\t}\n}\n"
	inRedis    = "{\n\tsidegate {\n\t\tstore redis redis://localhost {\n\t\t\tLINE\n\t\t}\n\t}\n}\n"
	inAuth     = ":80 {\n\tsession_auth {\n\t\tLINE\n\t}\n}\n"
	inSite     = ":80 {\n\tLINE\n}\n"
	inMatcher  = ":80 {\n\t@m session {\n\t\tLINE\n\t}\n\trespond @m OK\n}\n"
	wrongCount = "wrong argument count or unexpected line ending after"
	takesNone  = "takes no value: leave out what stands behind it"
)

func TestMistakesInCaddyfilesAreRefused(t *testing.T) {
	for _, c := range []struct{ name, where, line, want string }{
		{"an unknown option", inOptions, "idle 1h", "unrecognized sidegate subdirective 'idle'"},
		{"an unknown option of the cookie", inCookie, "secure", "unrecognized cookie subdirective 'secure'"},
		{"an unknown option of the token", inToken, "alg ES256", "unrecognized token subdirective 'alg'"},
		{"an unknown option of a role", inRole, "include editor", "unrecognized role subdirective 'include'"},
		{"an unknown option of redis", inRedis, "time_out 1s", "unrecognized store redis subdirective 'time_out'"},
		{"an unknown option of session_auth", inAuth, "roles admin", "unrecognized session_auth subdirective 'roles'"},
		{"an unknown demand of the matcher", inMatcher, "roles admin", "unrecognized session subdirective 'roles'"},
		{"an unknown demand on the matcher's line", inSite, "@m session admin", "session: what stands there is not known: there are role, permission, account_admin"},
		{"a block of session_endpoints", inSite, "session_endpoints {\n\t\tpath /x\n\t}", "unrecognized session_endpoints subdirective 'path'"},
		{"a block of the memory store", inOptions, "store memory {\n\t\t\tsize 1\n\t\t}", "unrecognized store memory subdirective 'size'"},
		{"a block of the embedded store", inOptions, "store embedded {\n\t\t\tpath x\n\t\t}", "unrecognized store embedded subdirective 'path'"},
		{"a block of the users login", inOptions, "login users u.yaml {\n\t\t\thash x\n\t\t}", "unrecognized login users subdirective 'hash'"},

		{"a store without a kind", inOptions, "store", "store needs a kind: embedded, memory or redis"},
		{"a store of an unknown kind", inOptions, "store postgres", "unknown store: this build has embedded, memory, redis"},
		{"a login without a method", inOptions, "login", "login needs a method, such as `login users users.yaml`"},
		{"a login of an unknown method", inOptions, "login ldap", "unknown login: this build has adopt, app, oidc, users"},
		{"a users login without its file", inOptions, "login users", "login users needs its file: login users users.yaml"},

		{"a store that is given twice", inOptions, "store memory\n\t\tstore memory", "store is given twice"},
		{"a cache that is given twice", inOptions, "cache off\n\t\tcache 10s", "cache is given twice"},
		{"a cache without its time", inOptions, "cache", "wrong argument count"},
		{"a cache of something else", inOptions, "cache on", "what stands there is not a duration such as 10s, nor off"},
		{"a cache of no time", inOptions, "cache 0", "'0' is not a duration such as 10s, nor off"},
		{"a cache of no sessions", inOptions, "cache 10s 0", "'0' is not a number of sessions"},
		{"a cache that is off, of a size", inOptions, "cache off 100", "cache off keeps no sessions: leave '100' out"},
		{"a stale that is given twice", inOptions, "stale 1m\n\t\tstale 2m", "stale is given twice"},
		{"a lifetime that is given twice", inOptions, "lifetime 1h\n\t\tlifetime 2h", "lifetime is given twice"},
		{"an idle timeout that is given twice", inOptions, "idle_timeout 0\n\t\tidle_timeout 2h", "idle_timeout is given twice"},
		{"a limit of sessions that is given twice", inOptions, "max_sessions 1\n\t\tmax_sessions 2 refuse", "max_sessions is given twice"},
		{"a base path that is given twice", inOptions, "base_path /a\n\t\tbase_path /b", "base_path is given twice"},
		{"a public URL that is given twice", inOptions, "public_url https://a\n\t\tpublic_url https://b", "public_url is given twice"},
		{"a cookie name in each of two cookie blocks", inOptions, "cookie {\n\t\t\tname a\n\t\t}\n\t\tcookie {\n\t\t\tname b\n\t\t}", "name is given twice"},
		{"a flag of the cookie that is given twice", inCookie, "insecure\n\t\t\tinsecure", "insecure is given twice"},
		{"a token's life that is given twice", inToken, "ttl 5m\n\t\t\tttl 6m", "ttl is given twice"},
		{"a pool size that is given twice", inRedis, "pool_size 1\n\t\t\tpool_size 2", "pool_size is given twice"},
		{"a password that is given twice", inRedis, "password a\n\t\t\tpassword b", "password is given twice"},
		{"a flag of session_auth that is given twice", inAuth, "optional\n\t\toptional", "optional is given twice"},
		{"an assertion that is given twice", inAuth, "assertion a\n\t\tassertion b", "assertion is given twice"},
		{"a header that is given twice, in two spellings", inAuth, "header X-User a\n\t\theader x-user b", "header x-user is given twice"},

		{"a secret without a value", inOptions, "secret", wrongCount},
		{"a base path without a value", inOptions, "base_path", wrongCount},
		{"a lifetime without a value", inOptions, "lifetime", wrongCount},
		{"a limit of sessions without a number", inOptions, "max_sessions", wrongCount},
		{"return_to without an origin", inOptions, "return_to", wrongCount},
		{"a role without a name", inOptions, "role", wrongCount},
		{"a role that includes nothing", inRole, "includes", wrongCount},
		{"a cookie without a name", inCookie, "name", wrongCount},
		{"a signing key without a file", inToken, "signing_key", wrongCount},
		{"a pool size without a number", inRedis, "pool_size", wrongCount},
		{"public without a path", inAuth, "public", wrongCount},
		{"a demand of no role", inAuth, "role", wrongCount},
		{"a demand of no permission", inAuth, "permission", wrongCount},
		{"headers without a preset", inAuth, "headers", wrongCount},
		{"a header without a value", inAuth, "header X-User", wrongCount},
		{"a matcher's demand of no role", inMatcher, "role", wrongCount},
		{"a matcher's demand of no role, on its line", inSite, "@m session role account_admin", "names no role and no permission"},

		{"a word behind sidegate", "{\n\tsidegate LINE {\n\t}\n}\n", "on", wrongCount},
		{"a word behind cookie", inOptions, "cookie secure", wrongCount},
		{"a word behind token", inOptions, "token ES256", wrongCount},
		{"a second base path", inOptions, "base_path /a /b", wrongCount},
		{"a second lifetime", inOptions, "lifetime 1h 2h", wrongCount},
		{"a third word of a limit of sessions", inOptions, "max_sessions 5 oldest refuse", wrongCount},
		{"a second name of a role", inOptions, "role a b", wrongCount},
		{"a word behind a flag of the cookie", inCookie, "insecure true", takesNone},
		{"a second address of redis", inOptions, "store redis redis://a redis://b", wrongCount},
		{"a second file of the embedded store", inOptions, "store embedded a b", wrongCount},
		{"a word behind the memory store", inOptions, "store memory big", wrongCount},
		{"a second users file", inOptions, "login users a b", wrongCount},
		{"a second pool size", inRedis, "pool_size 1 2", wrongCount},
		{"a word behind a flag of session_auth", inAuth, "optional yes", takesNone},
		{"a third word of a header", inAuth, "header X-User a b", wrongCount},
		{"a second audience", inAuth, "assertion a b", wrongCount},
		{"a word behind account_admin", inAuth, "account_admin acme", takesNone},
		{"a word behind session_endpoints", inSite, "session_endpoints /a /b", wrongCount},
		{"a word behind session_auth", inSite, "session_auth /a /b", wrongCount},

		{"a lifetime that is no duration", inOptions, "lifetime soon", "lifetime: what stands there is not a duration such as 30s, 15m or 12h"},
		{"a lifetime without a unit", inOptions, "lifetime 60", "lifetime: '60' is not a duration"},
		{"a lifetime below zero", inOptions, "lifetime -1h", "lifetime: '-1h' is not a duration"},
		{"a lifetime of zero", inOptions, "lifetime 0", "lifetime must be more than 0"},
		{"an idle timeout that is no duration", inOptions, "idle_timeout never", "idle_timeout: what stands there is not a duration such as 30s, 15m or 12h; 0 turns it off"},
		{"a stale that is no duration", inOptions, "stale off", "stale: what stands there is not a duration such as 30s, 15m or 12h; 0 turns it off"},
		{"a limit of sessions that is no number", inOptions, "max_sessions few", "max_sessions: what stands there is not a number of sessions from 1 to 10000"},
		{"a limit of no sessions", inOptions, "max_sessions 0", "max_sessions: '0' is not a number of sessions from 1 to 10000"},
		{"a limit of too many sessions", inOptions, "max_sessions 10001", "max_sessions: '10001' is not a number of sessions from 1 to 10000"},
		{"a limit beyond which nobody knows what to do", inOptions, "max_sessions 5 newest", "max_sessions: what stands there is not known: there are oldest, refuse"},
		{"a token's life that is no duration", inToken, "ttl long", "ttl: what stands there is not a duration"},
		{"a read timeout of zero", inRedis, "read_timeout 0", "read_timeout must be more than 0"},
		{"a pool size that is no number", inRedis, "pool_size many", "pool_size: what stands there is not a number of connections from 1 to 10000"},
		{"a pool size of zero", inRedis, "pool_size 0", "pool_size: '0' is not a number of connections"},
		{"a pool size beyond reason", inRedis, "pool_size 10001", "pool_size: '10001' is not a number of connections"},

		{"an empty base path", inOptions, `base_path ""`, "base_path is empty"},
		{"an empty secret", inOptions, `secret ""`, "secret has an empty argument"},
		{"an empty origin", inOptions, `return_to https://a ""`, "return_to has an empty argument"},
		{"an empty file of the embedded store", inOptions, `store embedded ""`, "embedded has an empty argument"},
		{"an empty cookie name", inCookie, `name ""`, "name is empty"},
		{"an empty signing key", inToken, `signing_key ""`, "signing_key has an empty argument"},
		{"an empty permission of a role", inRole, `permissions ""`, "permissions has an empty argument"},
		{"an empty password", inRedis, `password ""`, "password is empty"},
		{"an empty public path", inAuth, `public ""`, "public has an empty argument"},
		{"an empty role", inAuth, `role admin ""`, "role has an empty argument"},
		{"an empty audience", inAuth, `assertion ""`, "assertion has an empty argument"},
		{"an empty role on the matcher's line", inSite, `@m session role ""`, "names an empty role or permission"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantAdaptError(t, strings.Replace(c.where, "LINE", c.line, 1), c.want)
		})
	}
}

// A password in a Caddyfile with a mistake must not end up in a terminal or a log.
func TestMistakesDoNotTellSecrets(t *testing.T) {
	const canary, own = "canary-of-a-secret", "Canary+Of/A+Secret="
	for _, line := range []string{
		"secret " + canary + "\n\t\tsecret",
		"store redis redis://u:" + canary + "@localhost more",
		"store redis redis://localhost {\n\t\t\tpassword " + canary + "\n\t\t\tpassword " + canary + "\n\t\t}",
		"store redis redis://localhost {\n\t\t\tpassword first " + canary + "\n\t\t}",
		"login oidc sso {\n\t\t\tclient_secret first " + canary + "\n\t\t}",
		"secret\n\t\t" + own,
		own,
		own + " {\n\t\t\tx\n\t\t}",
		"secret {\n\t\t\t" + own + "\n\t\t}",
		"cookie " + own,
		"cookie {\n\t\t\tinsecure " + own + "\n\t\t}",
		"cookie {\n\t\t\tsame_site " + own + "\n\t\t}",
		"token {\n\t\t\tsigning_key\n\t\t\t" + own + "\n\t\t}",
		"store " + own,
		"store memory " + own,
		"store redis redis://localhost {\n\t\t\tpassword\n\t\t\t" + own + "\n\t\t}",
		"store redis redis://localhost {\n\t\t\tpool_size " + own + "\n\t\t}",
		"login " + own,
		"login users u.yaml " + own,
		"login oidc sso {\n\t\t\tclient_secret\n\t\t\t" + own + "\n\t\t}",
		"login oidc sso {\n\t\t\tclient_key a b " + own + "\n\t\t}",
		"login oidc sso {\n\t\t\tmap {\n\t\t\t\t" + own + "\n\t\t\t}\n\t\t}",
		"login app legacy http://a {\n\t\t\tbody json {\n\t\t\t\t" + own + "\n\t\t\t}\n\t\t}",
		"directory http crm http://a {\n\t\t\tbasic_auth\n\t\t\t" + own + "\n\t\t}",
		"cache " + own,
		"lifetime " + own,
		"max_sessions 5 " + own,
		"role admin " + own,
		"ambiguous_paths " + own,
	} {
		_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(strings.Replace(inOptions, "LINE", line, 1)), nil)
		if err == nil {
			t.Errorf("taken: %s", line)
		} else if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), own) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

// The way of a request is fixed, however the site lists it: what strips comes
// before what decides, and both before basic_auth and the proxy.
func TestASiteThatIsListedUpsideDown(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: "reverse_proxy {upstream}\nsession_auth\nsession_endpoints"})
	c := s.Client(t)
	t.Run("is closed to people who are not signed in", func(t *testing.T) {
		c.Get("/orders").Want(t, 401)
		if up.Count() != 0 {
			t.Error("the app got the request")
		}
	})
	t.Run("signs people in and tells the app who they are", func(t *testing.T) {
		c.SignIn(gatewaytest.Ada)
		c.Get("/orders", "X-Session-Email", "mallory@example.com").Want(t, 200)
		if got := up.Last().Header.Values("X-Session-Email"); !slices.Equal(got, []string{gatewaytest.Ada}) {
			t.Errorf("the app was told %q", got)
		}
	})
}
