package oidc_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login/oidc"
)

// One member that is not as it should be is no reason to throw a sound key away,
// and one that makes it another key is told.
func TestAKeyIsReadAsItIsMeant(t *testing.T) {
	point := must(ecKey().PublicKey.Bytes())[1:]
	standard := func(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
	for _, c := range []struct {
		name  string
		kid   string // of the token
		key   object
		told  string
		fails string
	}{
		{"a name that is a number", "1", object{"kid": 1}, "", ""},
		{"a name that is another number", "ec", object{"kid": 1}, "", `not in the provider's key set, kid "ec"`},
		{"a name that is a list", "ec", object{"kid": []string{"ec"}}, "key 1 has the kid a list, which is not looked at", ""},
		{"an empty name", "ec", object{"kid": ""}, "", ""},
		{"an algorithm that is a number", "ec", object{"alg": 5}, "key 1 has the alg the number 5, which is not looked at", ""},
		{"an algorithm that is true", "ec", object{"alg": true}, "key 1 has the alg true, which is not looked at", ""},
		{"another algorithm", "ec", object{"alg": "ES384"}, "", `the provider's key of that name, kid "ec", is for "ES384" alone`},
		{"an algorithm in small letters", "ec", object{"alg": "es256"}, "", ""},
		{"operations without verify", "ec", object{"use": absent, "key_ops": []string{"encrypt"}}, "key 1 has key_ops without verify, so it is left out", "no key for signatures"},
		{"an operation that is verify", "ec", object{"use": absent, "key_ops": "verify"}, "", ""},
		{"operations with verify", "ec", object{"use": absent, "key_ops": []string{"wrapKey", "verify"}}, "", ""},
		{"no operation at all", "ec", object{"use": absent, "key_ops": []string{}}, "key 1 has key_ops without verify", "no key for signatures"},
		{"operations beside a use, which counts", "ec", object{"key_ops": []string{"sign"}}, "", ""},
		{"a use in a list", "ec", object{"use": []string{"sig"}}, "", ""},
		{"uses of both kinds", "ec", object{"use": []string{"enc", "sig"}}, "", ""},
		{"a use in capitals", "ec", object{"use": "SIG"}, "", ""},
		{"a use that is a number", "ec", object{"use": 5}, "key 1 has a use that is the number 5, which is not looked at", ""},
		{"a use that there is not", "ec", object{"use": "signature"}, `key 1 has the use "signature", which is not sig, so it is left out`, "no key for signatures"},
		{"the use of encryption", "ec", object{"use": "enc"}, "", "no key for signatures: of its 1, 1 are left out for they are for encryption"},
		{"the use of encryption in a list", "ec", object{"use": []string{"ENC"}}, "", "no key for signatures"},
		{"numbers in base64 with its padding", "ec", object{"x": standard(point[:32]), "y": standard(point[32:])}, "", ""},
		{"numbers that are none", "ec", object{"x": "?"}, "key 1 is of a kind that is not known here, or malformed", "no key for signatures"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.header = object{"kid": c.kid}
			key := object{"kty": "EC", "crv": "P-256", "x": b64.EncodeToString(point[:32]), "y": b64.EncodeToString(point[32:]), "kid": "ec", "use": "sig"}
			p.on("/keys", func(w http.ResponseWriter, _ *http.Request) {
				reply(w, 200, object{"keys": []any{with(key, c.key)}})
			})
			var told []string
			_, err := p.signIn(t, p.login(t, func(config *oidc.Config) {
				config.Notice = func(err error) { told = append(told, err.Error()) }
			}), nil)
			if all := strings.Join(told, "\n"); !strings.Contains(all, c.told) || c.told == "" && all != "" {
				t.Errorf("it is told %q, want %q", all, c.told)
			}
			if c.fails == "" {
				wantErr(t, err, nil, "")
				return
			}
			wantErr(t, err, oidc.ErrProvider, c.fails)
		})
	}
}

// The modulus of an RSA key nearly always has letters of the other alphabet in it.
func TestAnRSAKeyInTheAlphabetOfBase64(t *testing.T) {
	p := newProvider(t)
	p.alg, p.key, p.header = "RS256", rsaKey(), object{"kid": "rsa"}
	n := base64.StdEncoding.EncodeToString(rsaKey().N.Bytes())
	if !strings.ContainsAny(n, "+/") {
		n = strings.TrimRight(n, "=")
	}
	set := must(json.Marshal(object{"keys": []any{object{"kty": "RSA", "kid": "rsa", "n": n, "e": "AQAB=="}}}))
	p.on("/keys", says(200, string(set)))
	p.mustSignIn(t, p.login(t, nil))
}
