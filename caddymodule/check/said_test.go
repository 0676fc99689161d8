package check_test

import (
	"errors"
	"testing"

	"example.com/sidegate/caddymodule/check"
)

func TestWhatAnErrorSaysWithoutThePathOfModules(t *testing.T) {
	for said, want := range map[string]string{
		"loading http app module: provision http: loading module 'session_auth': provision http.handlers.session_auth: so":                                               "so",
		"loading sidegate app module: provision sidegate: loading login module: provision sidegate.logins.users: so":                                                     "so",
		"provision http.handlers.session_auth: loading sidegate app module: provision sidegate: so":                                                                      "so",
		"loading http app module: provision http.matchers.session: so":                                                                                                   "so",
		"loading http app module: provision http.handlers.reverse_proxy: so":                                                                                             "loading http app module: provision http.handlers.reverse_proxy: so",
		"loading sidegate app module: provision sidegate: loading login module: position 0: loading module 'users': provision sidegate.logins.users: u.yaml: line 3: so": "u.yaml: line 3: so",
		"loading sidegate app module: provision sidegate: loading session store module: so":                                                                              "so",
		"provision sidegate: Caddyfile:7: loading login module: loading module 'users': provision sidegate.logins.users: so":                                             "Caddyfile:7: so",
		"provision sidegate: Caddyfile:7: so":                                                             "Caddyfile:7: so",
		"parsing caddyfile tokens for 'sidegate': Caddyfile:7: so":                                        "Caddyfile:7: so",
		"parsing caddyfile tokens for 'handle': parsing caddyfile tokens for 'session_auth': sub/a:7: so": "sub/a:7: so",
		"parsing caddyfile tokens for 'log': unrecognized subdirective: x, at Caddyfile:5":                "Caddyfile:5: unrecognized subdirective: x",
		"parsing caddyfile tokens for 'log': so, at a:5 import chain ['Caddyfile:9 (import a)']":          "a:5: so (imported: ['Caddyfile:9 (import a)'])",
		"parsing caddyfile tokens for 'log': so":                                                          "parsing caddyfile tokens for 'log': so",
		"Caddyfile:12: unrecognized directive: session_enpoints":                                          "Caddyfile:12: unrecognized directive: session_enpoints: did you mean `session_endpoints`?",
		"Caddyfile:1: unrecognized directive: sesion_auth\nDid you mean to define a second site?":         "Caddyfile:1: unrecognized directive: sesion_auth: did you mean `session_auth`?\nDid you mean to define a second site?",
		"unrecognized directive: session_aut - are you sure?, at Caddyfile:9":                             "Caddyfile:9: unrecognized directive: session_aut: did you mean `session_auth`? - are you sure?",
		"Caddyfile:12: unrecognized directive: colour":                                                    "Caddyfile:12: unrecognized directive: colour",
		"Caddyfile:2: unrecognized global option: sidgate":                                                "Caddyfile:2: unrecognized global option: sidgate: did you mean `sidegate`?",
		`loading sidegate app module: decoding module config: sidegate: json: unknown field "lifetme"`:    "sidegate: json: unknown field \"lifetme\": did you mean `lifetime`?",
		`x: decoding module config: http.handlers.session_auth: json: unknown field "requires"`:           "http.handlers.session_auth: json: unknown field \"requires\": did you mean `require`?",
		`x: decoding module config: sidegate.logins.oidc: json: unknown field "issuers"`:                  "sidegate.logins.oidc: json: unknown field \"issuers\": did you mean `issuer`?",
		`x: decoding module config: sidegate: json: unknown field "stale"`:                                "sidegate: json: unknown field \"stale\": it belongs into `cache`",
		`x: decoding module config: sidegate: json: unknown field "colour"`:                               `sidegate: json: unknown field "colour"`,
		"adapting config using caddyfile: Caddyfile:1: so":                                                "Caddyfile:1: so",
	} {
		if got := check.Said(errors.New(said)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
