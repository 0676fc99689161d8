package users_test

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"

	"example.com/sidegate/caddymodule/login/users"
	"example.com/sidegate/caddymodule/profile"
)

// FuzzParse checks that no file panics, that no error repeats the secret that
// every file holds somewhere, and that what is read keeps every rule: the
// sessions that are built of it are valid, and its hashes can be compared.
func FuzzParse(f *testing.F) {
	const secret = "Tr0ub4dor"
	for _, seed := range []string{
		demo, adaAlone, adaAndGrace, broken, "", "users: []", "---\nusers: []\n---\n", "users:\n- *SECRET", "\tSECRET",
		list("id: 1, email: a@example.com, password: SECRET"), list("id: 1, email: a@example.com, password:SECRET"),
		list("id: 1, email: a@example.com, password: &SECRET x"), list("id: 1, email: SECRET, disabled: SECRET"),
		list(person(1, "a@example.com", "accounts: [{accountId: SECRET}], primaryAccount: SECRET, roles: [SECRET]")),
		list("id: 1, email: a@example.com, password: '" + adaBcrypt + "', createdAt: 2026-05-01T12:00:00Z"),
		"users: !SECRET [\"\\SECRET\"]", "%SECRET\n---\n", "<<: {users: []}", "? [SECRET]\n: SECRET",
	} {
		f.Add(seed)
	}
	roles, err := profile.NewRoles(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		people, err := users.Parse([]byte(strings.ReplaceAll(text, "SECRET", secret)))
		if err != nil {
			if strings.Contains(err.Error(), secret) || people != nil {
				t.Fatalf("people %v, error %v", people, err)
			}
			if !strings.HasPrefix(err.Error(), "users file ") {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		ids, emails := make(map[int64]bool), make(map[string]bool)
		for e := range people.All() {
			p := e.Person()
			session, err := roles.Build(*p)
			if err != nil {
				t.Fatalf("no session can be built: %v", err)
			}
			if session.Email != p.Email || p.Subject != p.Email || ids[p.ID] || emails[p.Email] {
				t.Fatalf("not normalised, or twice: %+v", p)
			}
			ids[p.ID], emails[p.Email] = true, true
			checkHash(t, e)
		}
	})
}

func checkHash(t *testing.T, e *users.Entry) {
	t.Helper()
	encoded := e.Encoded()
	switch {
	case encoded == "" && (e.Disabled || e.HasNoPassword()):
	case strings.HasPrefix(encoded, "$2"):
		if len(encoded) != 60 || encoded[4:6] < "04" || encoded[4:6] > "16" {
			t.Fatalf("bcrypt hash out of bounds: %s", encoded)
		}
	default:
		_, key, err := caddyauth.DecodeHash([]byte(encoded))
		if err != nil || len(key) < 16 {
			t.Fatalf("argon2id hash that cannot be compared: %s: %v", encoded, err)
		}
	}
}
