package caddymodule_test

import (
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// Where a line of a bad login or directory stands.
const (
	inOIDC      = "{\n\tsidegate {\n\t\tlogin oidc sso {\n\t\t\tLINE\n\t\t}\n\t}\n}\n"
	inApp       = "{\n\tsidegate {\n\t\tlogin app legacy http://legacy/login {\n\t\t\tLINE\n\t\t}\n\t}\n}\n"
	inBody      = "{\n\tsidegate {\n\t\tlogin app legacy http://legacy/login {\n\t\t\tbody json {\n\t\t\t\tLINE\n\t\t\t}\n\t\t}\n\t}\n}\n"
	inDirectory = "{\n\tsidegate {\n\t\tdirectory http crm http://crm/by?e={identity.email} {\n\t\t\tLINE\n\t\t}\n\t}\n}\n"
	inMap       = "{\n\tsidegate {\n\t\tlogin oidc sso {\n\t\t\tmap {\n\t\t\t\tLINE\n\t\t\t}\n\t\t}\n\t}\n}\n"
)

func TestMistakesInSourcesAreRefused(t *testing.T) {
	for _, c := range []struct{ name, where, line, want string }{
		{"a login oidc without a name", inOptions, "login oidc", "login oidc needs a name, which becomes a part of its addresses: login oidc keycloak { ... }"},
		{"a second name of a login oidc", inOptions, "login oidc a b", wrongCount},
		{"an unknown option of login oidc", inOIDC, "secret x", "unrecognized login oidc subdirective 'secret'"},
		{"an issuer twice", inOIDC, "issuer https://a\n\t\t\tissuer https://b", "issuer is given twice"},
		{"an issuer without a value", inOIDC, "issuer", wrongCount},
		{"an empty client_id", inOIDC, `client_id ""`, "client_id is empty"},
		{"two client secrets", inOIDC, "client_secret a b", wrongCount},
		{"a client_key without a file", inOIDC, "client_key", wrongCount},
		{"a client_key twice", inOIDC, "client_key a\n\t\t\tclient_key b", "client_key is given twice"},
		{"a client_key with an empty key id", inOIDC, `client_key a ""`, "client_key has an empty argument"},
		{"a third word of client_key", inOIDC, "client_key a b c", wrongCount},
		{"scopes without one", inOIDC, "scopes", wrongCount},
		{"an auth_param without a value", inOIDC, "auth_param prompt", "auth_param needs a name and a value: auth_param prompt consent"},
		{"an auth_param with two values", inOIDC, "auth_param prompt a b", "auth_param needs a name and a value: auth_param prompt consent"},
		{"acr_values without one", inOIDC, "acr_values", wrongCount},
		{"a max_age that is no duration", inOIDC, "max_age soon", "max_age: what stands there is not a duration"},
		{"a max_age twice", inOIDC, "max_age 0\n\t\t\tmax_age 1h", "max_age is given twice"},
		{"a word behind trust_unverified_email", inOIDC, "trust_unverified_email yes", takesNone},
		{"a ca without a file", inOIDC, "ca", wrongCount},

		{"a login app without a name", inOptions, "login app", "login app needs a name and the address of the app's login API: login app legacy http://legacy:8000/api/login"},
		{"a login app without an address", inOptions, "login app legacy", "login app needs a name and the address of the app's login API"},
		{"a second address of a login app", inOptions, "login app legacy http://a http://b", wrongCount},
		{"an unknown option of login app", inApp, "fields x", "unrecognized login app subdirective 'fields'"},
		{"a body without a kind", inApp, "body", "body needs json or form, and may have a block of fields"},
		{"a body of two kinds", inApp, "body json form", "body needs json or form, and may have a block of fields"},
		{"a body twice", inApp, "body json\n\t\t\tbody form", "body is given twice"},
		{"a field without a value", inBody, "user", "body: 'user' needs one value, such as {login.username}"},
		{"a field with two values", inBody, "user a b", "body: 'user' needs one value, such as {login.username}"},
		{"a header of an app without a value", inApp, "header X-Key", "header needs a name and a value: header X-Api-Key {env.CRM_KEY}"},
		{"a time-out of no time", inApp, "timeout 0", "timeout must be more than 0"},
		{"a success that cannot be read", inApp, "success `login.status ==`", "login.status =="},
		{"a success that is no yes or no", inApp, "success login.status+1", "login.status+1"},
		{"a success twice", inApp, "success true\n\t\t\tsuccess true", "success is given twice"},
		{"keep_cookies twice", inApp, "keep_cookies\n\t\t\tkeep_cookies SID", "keep_cookies is given twice: put the names on one line"},
		{"a logout without an address", inApp, "logout", wrongCount},
		{"two addresses of a logout", inApp, "logout http://a http://b", wrongCount},

		{"a directory without a source", inOptions, "directory", "directory needs a source, such as `directory http crm http://users.internal/by-email?e={identity.email}`"},
		{"a directory of an unknown source", inOptions, "directory ldap x", "unknown directory: this build has http"},
		{"a directory http without a name", inOptions, "directory http", "directory http needs a name and an address: directory http crm http://users.internal/by-email?e={identity.email}"},
		{"a directory http without an address", inOptions, "directory http crm", "directory http needs a name and an address"},
		{"a second address of a directory http", inOptions, "directory http crm http://a http://b", wrongCount},
		{"an unknown option of directory http", inDirectory, "cache 1m", "unrecognized directory http subdirective 'cache'"},
		{"a directory that is required and optional", inDirectory, "required\n\t\t\toptional", "required and optional exclude one another: leave one of them out"},
		{"retries that are no number", inDirectory, "retries some", "retries: what stands there is not a number from 0 to 10"},
		{"retries beyond reason", inDirectory, "retries 11", "retries: '11' is not a number from 0 to 10"},
		{"retries twice", inDirectory, "retries 0\n\t\t\tretries 1", "retries is given twice"},
		{"retries without a number", inDirectory, "retries", wrongCount},
		{"a basic_auth without a password", inDirectory, "basic_auth u", "basic_auth needs a user and a password: basic_auth sidegate {env.CRM_PASSWORD}"},
		{"a basic_auth twice", inDirectory, "basic_auth u p\n\t\t\tbasic_auth u p", "basic_auth is given twice"},
		{"a header of a directory with two values", inDirectory, "header X-Key a b", "header needs a name and a value"},

		{"a map with a word behind it", inOIDC, "map x {\n\t\t\t}", wrongCount},
		{"a rule without an expression", inMap, "roles", "map: 'roles' needs an expression, such as email `token.email`"},
		{"a rule in several words", inMap, "roles token.a + token.b", "map: put the expression of 'roles' in backticks"},
		{"a field twice", inMap, "name token.a\n\t\t\t\tname token.b", "map: 'name' is given twice"},
		{"a field twice, in two blocks", inOIDC, "map {\n\t\t\t\tname token.a\n\t\t\t}\n\t\t\tmap {\n\t\t\t\tname token.b\n\t\t\t}", "map: 'name' is given twice"},
		{"a field that nobody knows", inMap, "role token.a", "map: 'role' is not known: did you mean `roles`?"},
		{"an expression that cannot be read", inMap, "name `token.`", "Caddyfile:5"},
		{"an expression of another type", inMap, "roles `7`", "Caddyfile:5"},
		{"a variable that is not there", inMap, "name login.body.name", "Caddyfile:5"},
		{"an app's token of another source", inMap, "upstream_token token.jwt", "upstream_token"},
		{"a require without an expression", inOIDC, "require", "require needs an expression, such as require `'staff' in token.groups` \"Staff only\""},
		{"a require in several words", inOIDC, "require token.a == true", "require: put the expression in backticks and the message in quotes"},
		{"a require that is no yes or no", inOIDC, "require `'yes'`", "Caddyfile:4"},

		{"a login_order without a name", inOptions, "login_order", wrongCount},
		{"a same_people without a login", inOptions, "same_people", wrongCount},
		{"a same_people with something else in its block", inOptions, "same_people users {\n\t\t\tlogins sso\n\t\t}", "unrecognized same_people subdirective 'logins'"},
		{"a same_people with a former login that has no name", inOptions, "same_people users {\n\t\t\tformer\n\t\t}", wrongCount},
		{"a refresh_every without a time", inOptions, "refresh_every", wrongCount},
		{"a refresh_every twice", inOptions, "refresh_every 1m\n\t\trefresh_every 2m", "refresh_every is given twice"},
		{"an upstream_token without a login", inAuth, "upstream_token", wrongCount},
		{"an upstream_token twice", inAuth, "upstream_token a\n\t\tupstream_token b", "upstream_token is given twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantAdaptError(t, strings.Replace(c.where, "LINE", c.line, 1), c.want)
		})
	}
}

// least are the options that a login oidc needs, with one line more.
func least(line string) gatewaytest.Site {
	return gatewaytest.Site{Options: "login oidc sso {\nissuer https://sso.example.com\nclient_id c\n" + line + "\n}"}
}

func TestErrorsOfSourcesSayWhatToDo(t *testing.T) {
	garbage, people := filepath.Join(t.TempDir(), "garbage.pem"), filepath.Join(t.TempDir(), "people.yaml")
	gatewaytest.WriteFile(t, people, gatewaytest.UsersFile)
	gatewaytest.WriteFile(t, garbage, canary)
	app := func(address, lines string) gatewaytest.Site {
		return gatewaytest.Site{Options: "login app legacy " + address + " {\n" + lines + "\n}"}
	}
	crm := func(address, lines string) gatewaytest.Site {
		return gatewaytest.Site{Options: "directory http crm " + address + " {\n" + lines + "\n}"}
	}
	beside := func(s gatewaytest.Site, address string) gatewaytest.Site {
		s.Options += "\ndirectory http crm " + address
		return s
	}
	const byStatus = "success `login.status == 200`\n"
	const legacyAPI, byEmail, byID = "http://127.0.0.1:1/login", "http://127.0.0.1:1/by?e={identity.email}", "http://127.0.0.1:1/by?i={identity.id}"
	for _, c := range []struct {
		name string
		site gatewaytest.Site
		want string
	}{
		{"a provider without an issuer", gatewaytest.Site{Options: "login oidc sso {\nclient_id c\n}"}, "login oidc sso: issuer is required, and missing"},
		{"a provider with neither", gatewaytest.Site{Options: "login oidc sso {\nlabel x\n}"}, "login oidc sso: issuer and client_id are required, and missing"},
		{"an issuer of many tenants", gatewaytest.Site{Options: "login oidc sso {\nclient_id c\nissuer https://login.microsoftonline.com/{tenantid}/v2.0\n}"}, "issuer has a placeholder in it, such as {tenantid}, which stands for many issuers"},
		{"an issuer of many tenants, encoded", gatewaytest.Site{Options: "login oidc sso {\nclient_id c\nissuer https://login.microsoftonline.com/%7Btenantid%7D/v2.0\n}"}, "issuer has a placeholder in it, such as {tenantid}, which stands for many issuers"},
		{"an issuer with a blank", gatewaytest.Site{Options: "login oidc sso {\nclient_id c\nissuer \"https://sso.example.com \"\n}"}, "issuer begins or ends with a blank"},
		{"a provider without a client_id", gatewaytest.Site{Options: "login oidc sso {\nissuer https://sso.example.com\n}"}, "login oidc sso: client_id is required, and missing"},
		{"a provider with a name that cannot stand in an address", gatewaytest.Site{Options: "login oidc a/b"}, `login oidc "a/b": use letters, digits, - and _ for the name`},
		{"a provider with a name beyond ASCII", gatewaytest.Site{Options: "login oidc büro"}, "use letters, digits, - and _ for the name"},
		{"a provider without a name", gatewaytest.Site{Options: `login oidc ""`}, "needs a name of 1 to 64 characters"},
		{"a provider with a long name", gatewaytest.Site{Options: "login oidc " + strings.Repeat("n", 65)}, "needs a name of 1 to 64 characters"},
		{"an issuer of a variable that is not set", gatewaytest.Site{Options: "login oidc sso {\nissuer {env.SIDEGATE_TEST_UNSET}\nclient_id c\n}"}, "issuer: {env.SIDEGATE_TEST_UNSET} is missing or empty"},
		{"a client_id of a variable that is not set", gatewaytest.Site{Options: "login oidc sso {\nissuer https://sso.example.com\nclient_id {env.SIDEGATE_TEST_UNSET}\n}"}, "client_id: {env.SIDEGATE_TEST_UNSET} is missing or empty"},
		{"a client_secret of a variable that is not set", least("client_secret {env.SIDEGATE_TEST_UNSET}"), "client_secret: {env.SIDEGATE_TEST_UNSET} is missing or empty"},
		{"an issuer without TLS", gatewaytest.Site{Options: "login oidc sso {\nissuer http://sso.example.com\nclient_id c\n}"}, "issuer is not https: plain http is for loopback hosts only"},
		{"an issuer with a query", gatewaytest.Site{Options: "login oidc sso {\nissuer https://sso.example.com?x=1\nclient_id c\n}"}, "issuer has a query"},
		{"a client authentication that nobody knows", least("client_secret " + canary + "\nclient_auth mtls"), `client_auth: what stands there is not known: there are client_secret_basic`},
		{"a client authentication that needs a secret", least("client_auth client_secret_post"), "client_secret_post needs a client_secret"},
		{"a client authentication that needs a key", least("client_auth private_key_jwt"), "login oidc sso: "},
		{"none for a client with a secret", least("client_secret " + canary + "\nclient_auth none"), "none is for clients without a client_secret: leave one of them out"},
		{"a client_key that is not there", least("client_key /nonexistent/key.pem"), "client_key: "},
		{"a client_key that is no key", least("client_key " + garbage), "client_key: not a PEM file with a private key"},
		{"a ca that is not there", least("ca /nonexistent/ca.pem"), "ca: "},
		{"a ca that holds no certificate", least("ca " + garbage), "ca: the file holds no PEM certificate"},
		{"a parameter that is the protocol's own", least("auth_param redirect_uri https://evil.example.com"), "auth_param: redirect_uri is the protocol's own and cannot be set"},
		{"a parameter that has an option", least("auth_param max_age 10"), "auth_param: max_age has an option of its own"},
		{"a scope with a space", least(`scopes "a b"`), `scopes: "a b" is empty or holds a space`},

		{"an app whose address is empty", app(`""`, ""), "give the address of the app's login API: login app legacy http://legacy:8000/api/login"},
		{"an app whose address is none", app("legacy", ""), "URL is not of the form http://host/path or https://host/path"},
		{"an app whose address has a password", app("http://u:"+canary+"@legacy/", ""), "URL has credentials in it"},
		{"an app whose address is not set", app("{env.SIDEGATE_TEST_UNSET}", byStatus), "address: {env.SIDEGATE_TEST_UNSET} is missing or empty"},
		{"a logout that is no address", app(legacyAPI, "logout /logout"), "login legacy: logout: "},
		{"a name that no cookie has", app(legacyAPI, `keep_cookies "a b"`), `login app legacy: keep_cookies "a b": that is no name of a cookie`},
		{"more names of cookies than a session keeps", app(legacyAPI, "keep_cookies"+strings.Repeat(" a", 51)), "login app legacy: keep_cookies names 51 cookies: 50 at most"},
		{"a star for names of cookies", app(legacyAPI, "keep_cookies *"), "login app legacy: keep_cookies *: names are whole ones; without any, all cookies with HttpOnly are kept: keep_cookies"},
		{"the gateway's own cookie", app(legacyAPI, "success `login.status == 200`\nkeep_cookies SideGate"), "login app legacy: keep_cookies SideGate: that is the gateway's own cookie, which no app sets: leave it out"},
		{"an app with a bad name", gatewaytest.Site{Options: "login app a.b http://a/"}, `login app "a.b": use letters, digits, - and _ for the name`},
		{"an app with a body of another kind", app(legacyAPI, "body xml"), `body: what stands there is not known: there are json, form`},
		{"an app that is not sent the password", app(legacyAPI, "body json {\nuser {login.username}\n}"), "body has no field with {login.password}"},
		{"an app with a placeholder that nobody knows", app(legacyAPI, "body json {\nuser {login.user}\npass {login.password}\n}"), "body field user "},
		{"an app with a field twice", app(legacyAPI, "body json {\nuser {login.username}\nuser {login.password}\n}"), "body field user is given twice"},
		{"an app with a header that is not set", app(legacyAPI, byStatus+"header X-Key {env.SIDEGATE_TEST_UNSET}"), "header X-Key: {env.SIDEGATE_TEST_UNSET} is missing or empty"},
		{"an app with a header that cannot be sent", app(legacyAPI, "header X-Key \"a\nb\""), `header "X-Key": its name or its value cannot stand in a request`},
		{"an app with a bad ca", app(legacyAPI, byStatus+"ca "+garbage), "login app legacy: ca: the file holds no PEM certificate"},

		{"a directory whose address is empty", crm(`""`, ""), "give its address: directory http crm http://users.internal/by-email?e={identity.email}"},
		{"a directory with a placeholder for its host", crm("http://{identity.email}/", ""), "URL has a placeholder in its scheme or host"},
		{"a directory with a placeholder that nobody knows", crm("http://crm/{identity.mail}", ""), "URL has a placeholder that is not known: known are {identity.email}"},
		{"a directory whose address names a variable that is not set", crm("http://crm/{env.SIDEGATE_TEST_UNSET}", ""), "address: {env.SIDEGATE_TEST_UNSET} is missing or empty"},
		{"an app with a field of a variable that is not set", app(legacyAPI, byStatus+"body json {\nuser {login.username}\npass {login.password}\nkey {env.SIDEGATE_TEST_UNSET}\n}"), "body key: {env.SIDEGATE_TEST_UNSET} is missing or empty"},
		{"a directory with a bad name", gatewaytest.Site{Options: "directory http a.b http://a/"}, `directory http "a.b": use letters, digits, - and _ for the name`},
		{"a directory with a password that is not set", crm(byEmail, "basic_auth u {env.SIDEGATE_TEST_UNSET}"), "basic_auth: {env.SIDEGATE_TEST_UNSET} is missing or empty"},
		{"a directory with a user that is not set", crm(byEmail, "basic_auth {env.SIDEGATE_TEST_UNSET} p"), "basic_auth: {env.SIDEGATE_TEST_UNSET} is missing or empty"},
		{"a directory with two kinds of credentials", crm(byEmail, "basic_auth u "+canary+"\nheader Authorization x"), "has both basic credentials and an Authorization header: keep one of them"},
		{"a directory with a header that is not set", crm(byEmail, "header X-Key {env.SIDEGATE_TEST_UNSET}"), "header X-Key: {env.SIDEGATE_TEST_UNSET} is missing or empty"},
		{"a directory with a bad ca", crm(byEmail, "ca "+garbage), "directory crm: ca: the file holds no PEM certificate"},
		{"a directory that is asked by what people type", beside(app(legacyAPI, "success `login.status == 200`"), byEmail), "directory crm is asked by {identity.email}, which at login legacy is what people type"},
		{"a directory that is asked by a subject, which an app's mapping does not fill", beside(app(legacyAPI, "map {\nemail `login.body.mail`\n}"), "http://127.0.0.1:1/{identity.subject}"), "directory crm is asked by {identity.subject}"},
		{"a directory that decides by what people type", beside(app(legacyAPI, "success `login.status == 200`"), byID+" {\nmap {\nroles `identity.email in directory.crm.admins ? ['admin'] : []`\n}\n}"), "directory crm decides by identity.email, which at login legacy is what people type"},
		{"a directory that demands what people type", beside(app(legacyAPI, "success `login.status == 200`"), byID+" {\nrequire `identity.email == 'root@example.com'`\n}"), "directory crm decides by identity.email"},
		{"a directory that decides by a subject", beside(app(legacyAPI, "map {\nemail `login.body.mail`\n}"), byID+" {\nmap {\nroles `identity.subject == 'root' ? ['admin'] : []`\n}\n}"), "directory crm decides by identity.subject"},
		{"a directory that is asked by an address made of what people type", beside(app(legacyAPI, "success `login.status == 200`\nmap {\nemail `identity.subject`\n}"), byEmail), "directory crm is asked by {identity.email}, which at login legacy is what people type"},
		{"a directory that is asked by an address that may be what people type", beside(app(legacyAPI, "success `login.body.ok`\nmap {\nemail `login.body.?mail.orValue(identity.subject)`\n}"), byEmail), "directory crm is asked by {identity.email}"},
		{"an app whose address is what people type, made small", app(legacyAPI, "success `login.status == 200`\nmap {\nemail `identity.email.lowerAscii()`\n}"), "would decide by what people type"},
		{"an app whose address is made of what people type by another field", app(legacyAPI, "email_domains example.com\nsuccess `login.status == 200`\nmap {\nname `identity.subject`\nemail `identity.name`\n}"), "would decide by what people type"},
		{"an app whose typed names are to be of a domain", app(legacyAPI, "email_domains example.com\nsuccess `login.status == 200`"), "would decide by what people type"},
		{"an app whose typed names decide of a role", app(legacyAPI, "success `login.status == 200`\nmap {\nroles `identity.email == 'root@example.com' ? ['admin'] : []`\n}"), "would decide by what people type"},
		{"a domain that is none", app(legacyAPI, "trust_typed_email\nemail_domains ada@example.com\nsuccess `login.status == 200`"), `login legacy: email_domains: "ada@example.com" is no domain such as example.com`},
		{"a domain of the users file that is none", gatewaytest.Site{Bare: true, Options: "login users " + people + " {\nemail_domains *\n}"}, `login users: email_domains: "*" is no domain`},
		{"two directories of one name", gatewaytest.Site{Options: "directory http crm http://a/\ndirectory http crm http://b/"}, `two directories are named "crm": give each a name of its own`},

		{"two logins of one name", gatewaytest.Site{Options: "login app legacy http://a/ {\nsuccess `login.status == 200`\n}\nlogin app legacy http://b/ {\nsuccess `login.status == 200`\n}"}, `two logins are named "legacy": give each a name of its own`},
		{"a provider named as the users file's login", gatewaytest.Site{Options: "login oidc users {\nissuer https://sso.example.com\nclient_id c\n}"}, `two logins are named "users"`},
		{"a login_order of a login that is not there", gatewaytest.Site{Options: "login_order users sso"}, `login_order names what is no login: there are users`},
		{"a login_order that names one twice", gatewaytest.Site{Options: "login_order users users"}, `login_order names "users" twice`},
		{"a same_people of one login", gatewaytest.Site{Options: "same_people users"}, "same_people needs two logins or more, or one and a former one: same_people sso legacy"},
		{"a same_people of a login that is not there", gatewaytest.Site{Options: "same_people users sso"}, `same_people names what is no login: there are users; one that there was goes into`},
		{"a same_people that names one twice", gatewaytest.Site{Options: "same_people users users"}, `same_people names "users" twice`},
		{"two same_people that name one", gatewaytest.Site{Options: "same_people users {\nformer staff\n}\nsame_people users {\nformer people\n}"}, `same_people names "users" twice`},
		{"a same_people whose former login is there", gatewaytest.Site{Options: "login app legacy http://a/ {\nsuccess `login.status == 200`\n}\nsame_people users {\nformer legacy\n}"}, `same_people: "legacy" is a login of now`},
		{"a refresh_every that is too short", gatewaytest.Site{Options: "refresh_every 999ms"}, "refresh_every 999ms: 1s at least, for each refresh asks every source"},
		{"the credentials of a login that is not there", auth("upstream_token legacy"), "upstream_token legacy: there is no `login app legacy` or `login oidc legacy` in the sidegate options"},
		{"the credentials of a login that gives out none", auth("upstream_token users"), "upstream_token users: `login users` gives out no tokens: name a `login app` or a `login oidc`"},
		{"the credentials of a login that is nearly there", gatewaytest.Site{Options: "login oidc keycloak {\nissuer https://sso.example.com\nclient_id c\n}", Auth: "upstream_token keyclaok"}, "upstream_token keyclaok: did you mean `keycloak`?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantRefused(t, c.site, c.want)
		})
	}
}

// allSources is a site with every kind of source, at an address.
func allSources(t *testing.T, address string) gatewaytest.Site {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	gatewaytest.WriteFile(t, ca, certificate(t))
	return gatewaytest.Site{
		Options: "login oidc sso {\nissuer http://" + address + "\nclient_id c\nclient_secret " + canary + "\nca " + ca +
			"\nmap {\nroles `token.?groups.orValue([])`\n}\nrequire `token.sub != ''` \"No\"\n}\n" +
			"login app legacy http://" + address + "/login {\nsuccess `login.status == 200`\ntrust_typed_email\nca " + ca + "\nmap {\nid login.body.id\n}\n}\n" +
			"directory http crm http://" + address + "/by?e={identity.email} {\nbasic_auth u " + canary + "\nretries 0\nca " + ca + "\n}\n" +
			"login_order legacy sso\nrefresh_every 15m\nsame_people legacy sso users {\nformer staff https://sso.example.com\n}",
		Routes: "session_endpoints\nsession_auth {\nupstream_token legacy\n}\nrespond OK",
	}
}

// caddy validate runs in build pipelines, far from any provider.
func TestValidatingAsksNoSource(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan int)
	go func() {
		n := 0
		for {
			conn, err := listener.Accept()
			if err != nil {
				called <- n
				return
			}
			n++
			conn.Close()
		}
	}()
	s, config := adapted(t, allSources(t, listener.Addr().String()))
	if err := validate(t, config); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, s.Dir, "users.yaml")
	listener.Close()
	if n := <-called; n != 0 {
		t.Errorf("sources were called %d times", n)
	}
	t.Run("not even one at a closed port", func(t *testing.T) {
		_, config := adapted(t, allSources(t, "127.0.0.1:1"))
		if err := validate(t, config); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("by the command", func(t *testing.T) {
		site := allSources(t, "127.0.0.1:1")
		s := site.Prepare(t)
		file := filepath.Join(s.Dir, "Caddyfile")
		gatewaytest.WriteFile(t, file, site.Caddyfile(s))
		if said, code := gatewaytest.RunCaddy(t, s.Dir, "validate", "--adapter", "caddyfile", "--config", file); code != 0 {
			t.Errorf("it ended with %d:\n%s", code, said)
		}
	})
}

func TestSourcesInJSON(t *testing.T) {
	_, config := adapted(t, allSources(t, "127.0.0.1:1"))
	for _, c := range []struct{ name, old, new, want string }{
		{"an unknown field of a provider", `"client_id":`, `"client":`, `unknown field "client"`},
		{"an unknown field of an app", `"success":`, `"succeeds":`, `unknown field "succeeds"`},
		{"an unknown field of a directory", `"retries":`, `"retry":`, `unknown field "retry"`},
		{"an unknown field of same_people", `"former":`, `"once":`, `unknown field "once"`},
		{"a same_people without logins", `"logins":["legacy","sso","users"],"former":`, `"former":`, "same_people needs two logins or more"},
		{"an unknown source", `"source":"http"`, `"source":"ldap"`, "unknown module: sidegate.directories.ldap"},
		{"an app without an address", `"url":"http://127.0.0.1:1/login"`, `"url":""`, "login app legacy: give the address of the app's login API"},
		{"an app without a name", `"name":"legacy"`, `"name":""`, "login app needs a name of 1 to 64 characters"},
		{"a directory without a name", `"name":"crm"`, `"name":""`, "directory http needs a name of 1 to 64 characters"},
		{"an expression that cannot be read", `"expr":"token.?groups.orValue([])","field":"roles"`, `"expr":"token.","field":"roles"`, "map roles"},
		{"an expression over what is not there", `"expr":"login.body.id","field":"id"`, `"expr":"token.id","field":"id"`, "map id"},
		{"a field that nobody knows", `"expr":"login.body.id","field":"id"`, `"expr":"login.body.id","field":"ids"`, `there is no field "ids" to map`},
		{"a demand that cannot be read", `"expr":"token.sub != ''"`, `"expr":"token.sub !="`, "require"},
		{"a success that cannot be read", `"success":"login.status == 200"`, `"success":"login.status =="`, "success: "},
		{"retries beyond reason", `"retries":0`, `"retries":11`, "retries"},
		{"a max_age below zero", `"client_id":`, `"max_age":-1,"client_id":`, "max_age is negative"},
		{"a refresh_every below zero", `"refresh_every":900000000000`, `"refresh_every":-1`, "refresh_every"},
		{"a time-out below zero", `"retries":0`, `"retries":0,"timeout":-1`, "timeout"},
		{"a time-out of an app below zero", `"success":`, `"timeout":-1,"success":`, "timeout"},
	} {
		t.Run(c.name+" is refused", func(t *testing.T) {
			text := string(config)
			if !strings.Contains(text, c.old) {
				if c.old = strings.ReplaceAll(c.old, "'", `\u0027`); !strings.Contains(text, c.old) {
					t.Fatalf("there is no %s in\n%s", c.old, config)
				}
			}
			wantInvalid(t, []byte(strings.Replace(text, c.old, c.new, 1)), c.want)
		})
	}
	t.Run("by hand, without anything that is not needed", func(t *testing.T) {
		byHand := map[string]any{"apps": map[string]any{"sidegate": map[string]any{
			"store": map[string]any{"module": "memory"},
			"logins": []any{
				map[string]any{"method": "oidc", "name": "sso", "issuer": "https://sso.example.com", "client_id": "c"},
				map[string]any{"method": "app", "name": "legacy", "url": "http://127.0.0.1:1/", "success": "login.status == 200"},
			},
			"directories": []any{map[string]any{"source": "http", "name": "crm", "url": "http://127.0.0.1:1/"}},
		}}}
		text, err := json.Marshal(byHand)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, text); err != nil {
			t.Error(err)
		}
	})
}

// certificate is a PEM certificate of nobody in particular.
func certificate(t testing.TB) string {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}
