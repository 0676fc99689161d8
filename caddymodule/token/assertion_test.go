package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore/storetest"
)

func someAssertion() token.Assertion {
	return token.Assertion{
		Audience: []string{"orders"}, UserID: 7, Email: "ada@example.com", SessionID: someKey(7).ID(),
		AccountID: "acme", AccountName: "Acme Ltd", AccountAdmin: true,
		Accounts: []string{"acme", "globex"}, Roles: []string{"admin"}, Permissions: []string{"orders:write"},
	}
}

func mustAssert(t testing.TB, r *token.Ring, a token.Assertion) string {
	t.Helper()
	raw, err := r.MintAssertion(a)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func payloadOf(t *testing.T, raw string) string {
	t.Helper()
	return string(unb64(t, strings.Split(raw, ".")[1]))
}

func TestAnAssertionSaysWhatWasMinted(t *testing.T) {
	r := newRing(t, token.Config{})
	want := someAssertion()
	got, err := r.VerifyAssertion(mustAssert(t, r, want), "orders")
	if err != nil || got.ID == "" {
		t.Fatal(got, err)
	}
	want.ID, want.IssuedAt, want.ExpiresAt = got.ID, start, start.Add(5*time.Minute)
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func TestTheAssertionOnTheWire(t *testing.T) {
	r := newRing(t, token.Config{})
	none := token.Assertion{Audience: []string{"orders"}, UserID: 7, Email: "ada@example.com", SessionID: "S", AccountAdmin: true}
	for _, c := range []struct {
		name, want string
		a          token.Assertion
	}{
		{"an account, with lists", `"account_id":"acme","account_name":"Acme Ltd","account_admin":true,` +
			`"accounts":["acme","globex"],"roles":["admin"],"permissions":["orders:write"]}`, someAssertion()},
		{"no account has no admin, and no list is null", `"accounts":[],"roles":[],"permissions":[]}`, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := mustAssert(t, r, c.a)
			if header := string(unb64(t, strings.Split(raw, ".")[0])); !strings.HasSuffix(header, `"typ":"identity+jwt"}`) {
				t.Errorf("header %s", header)
			}
			got := payloadOf(t, raw)
			wantStart := `{"iss":"sidegate","aud":"orders","sub":"7","email":"ada@example.com","sid":"` + c.a.SessionID + `","jti":"`
			wantEnd := fmt.Sprintf(`","iat":%d,"exp":%d,%s`, start.Unix(), start.Unix()+300, c.want)
			if !strings.HasPrefix(got, wantStart) || !strings.HasSuffix(got, wantEnd) {
				t.Errorf("got  %s\nwant %s...%s", got, wantStart, wantEnd)
			}
		})
	}
}

func TestMintAssertionRefuses(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(*token.Assertion)
	}{
		{"no audience", "configure one", func(a *token.Assertion) { a.Audience = nil }},
		{"the audience of session tokens", "configure another", func(a *token.Assertion) { a.Audience = []string{token.SessionAudience} }},
		{"the audience of session tokens among others", "configure another", func(a *token.Assertion) { a.Audience = []string{"orders", token.SessionAudience} }},
		{"an audience without a name", "configure one", func(a *token.Assertion) { a.Audience = []string{"orders", ""} }},
		{"no person", "not 1 to 2^53-1", func(a *token.Assertion) { a.UserID = 0 }},
		{"no email", "no email", func(a *token.Assertion) { a.Email = "" }},
		{"no session", "session id", func(a *token.Assertion) { a.SessionID = "" }},
		{"names that fill a header", "longer than 4096 bytes", func(a *token.Assertion) { a.AccountName = strings.Repeat("x", 4096) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := someAssertion()
			c.change(&a)
			raw, err := newRing(t, token.Config{}).MintAssertion(a)
			if err == nil || raw != "" || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %q, %v", raw, err)
			}
			if strings.Contains(err.Error(), "ada@") || strings.Contains(err.Error(), "acme") {
				t.Fatalf("the error holds personal data: %v", err)
			}
		})
	}
}

// An app that read a list that was cut short as the whole would decide wrongly.
func TestAnAssertionThatIsTooLongLeavesWholeListsOut(t *testing.T) {
	long := func(n int) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf("name-%04d", i)
		}
		return list
	}
	rsa := token.Config{Algorithm: "RS256", SigningKeys: [][]byte{pkcs8(t, rsaKey(t))}}
	for _, c := range []struct {
		name                         string
		config                       token.Config
		accounts, roles, permissions int
		want                         []string
	}{
		{"all lists fit", token.Config{}, 10, 10, 10, nil},
		{"permissions go first", token.Config{}, 10, 10, 1000, []string{"permissions"}},
		{"then roles", token.Config{}, 10, 1000, 1000, []string{"permissions", "roles"}},
		{"then accounts", token.Config{}, 1000, 10, 10, []string{"permissions", "roles", "accounts"}},
		{"a longer signature counts", rsa, 10, 10, 200, []string{"permissions"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, a := newRing(t, c.config), someAssertion()
			a.Accounts, a.Roles, a.Permissions = long(c.accounts), long(c.roles), long(c.permissions)
			raw := mustAssert(t, r, a)
			got, err := r.VerifyAssertion(raw, "orders")
			if err != nil || len(raw) > token.MaxAssertion || !slices.Equal(got.Truncated, c.want) {
				t.Fatalf("%d bytes without %v, %v; want %v", len(raw), got.Truncated, err, c.want)
			}
			for name, lists := range map[string][2][]string{
				"accounts": {a.Accounts, got.Accounts}, "roles": {a.Roles, got.Roles}, "permissions": {a.Permissions, got.Permissions},
			} {
				if out := slices.Contains(c.want, name); out && lists[1] != nil || !out && !slices.Equal(lists[0], lists[1]) {
					t.Errorf("%s: %d of %d", name, len(lists[1]), len(lists[0]))
				}
			}
		})
	}
}

func TestTheSizeOfAnAssertionIsForeseenExactly(t *testing.T) {
	for _, c := range []token.Config{
		{}, {Algorithm: "EdDSA"}, {Algorithm: "RS256", SigningKeys: [][]byte{pkcs8(t, rsaKey(t))}},
	} {
		r, a := newRing(t, c), someAssertion()
		mint := func(n int) (string, error) {
			a.AccountName = strings.Repeat("x", n)
			return r.MintAssertion(a)
		}
		tooLong := sort.Search(token.MaxAssertion, func(n int) bool { _, err := mint(n); return err != nil })
		raw, err := mint(tooLong - 1)
		if err != nil {
			t.Fatal(err)
		}
		longest := len(raw)
		if longest < token.MaxAssertion-3 || longest > token.MaxAssertion {
			t.Errorf("%s: the longest has %d bytes", c.Algorithm, longest)
		}
	}
}

func TestVerifyAssertionRefuses(t *testing.T) {
	f := newForger(t)
	header := strings.Replace(f.header(), "session+jwt", "identity+jwt", 1)
	good := payloadOf(t, mustAssert(t, f.ring, someAssertion()))
	for _, c := range []struct{ name, old, new, reason string }{
		{"another app's", `"orders"`, `"billing"`, "aud is not the one"},
		{"one for several other apps", `"orders"`, `["billing","wiki"]`, "aud is not the one"},
		{"one for nobody", `"orders"`, `[]`, "aud is not the one"},
		{"an audience that is no text", `"orders"`, `{"orders":1}`, "aud is missing, or of the wrong type"},
		{"one of another issuer", `"sidegate"`, `"other"`, "iss is not ours"},
		{"one without an email", `"email":"ada@example.com",`, ``, "email is missing"},
		{"one without a session", `"sid":`, `"not":`, "sid is missing"},
		{"one without exp", `"exp":`, `"not":`, "exp is missing"},
		{"roles that are no list", `["admin"]`, `"admin"`, "roles is of the wrong type"},
		{"an admin flag that is a string", `true`, `"true"`, "account_admin is of the wrong type"},
		{"two lists of roles", `"roles":["admin"]`, `"roles":[],"roles":["admin"]`, "a member is there twice"},
		{"roles in another case", `"roles":["admin"]`, `"roles":[],"Roles":["admin"]`, "roles is there in another case"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(good, c.old) {
				t.Fatal("there is nothing to replace")
			}
			raw := f.sign(header, strings.Replace(good, c.old, c.new, 1))
			got, err := f.ring.VerifyAssertion(raw, "orders")
			mustRefuse(t, raw, err, c.reason)
			if !reflect.DeepEqual(got, token.Assertion{}) {
				t.Fatalf("a refused assertion is handed out: %+v", got)
			}
		})
	}
	if _, err := f.ring.VerifyAssertion(f.sign(header, good), "orders"); err != nil {
		t.Fatalf("the refusals above prove nothing: %v", err)
	}
}

func TestAnAssertionLivesFiveMinutes(t *testing.T) {
	c := storetest.ClockAt(start)
	r := newRing(t, token.Config{Now: c.Now})
	raw := mustAssert(t, r, someAssertion())
	c.Advance(5*time.Minute - time.Second)
	if _, err := r.VerifyAssertion(raw, "orders"); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Second)
	if _, err := r.VerifyAssertion(raw, "orders"); !errors.Is(err, token.ErrExpired) {
		t.Fatalf("got %v", err)
	}
}

func TestMintAssertionLeavesTheCallersListsAlone(t *testing.T) {
	a := someAssertion()
	a.Permissions = make([]string, 5000)
	before, _ := json.Marshal(a)
	mustAssert(t, newRing(t, token.Config{}), a)
	if after, _ := json.Marshal(a); string(after) != string(before) {
		t.Fatal("the caller's assertion changed")
	}
}

// RFC 7519 section 4.1.3: one audience is a text, several are a list.
func TestAnAssertionIsForEachOfItsAudience(t *testing.T) {
	ring := newRing(t, token.Config{Now: func() time.Time { return start }})
	a := someAssertion()
	for want, audience := range map[string][]string{
		`"aud":"orders"`:               {"orders"},
		`"aud":["a.example","orders"]`: {"a.example", "orders"},
	} {
		a.Audience = audience
		raw := mustAssert(t, ring, a)
		if payload := string(unb64(t, strings.Split(raw, ".")[1])); !strings.Contains(payload, want) {
			t.Errorf("the payload is %s", payload)
		}
		for _, name := range audience {
			if got, err := ring.VerifyAssertion(raw, name); err != nil || !slices.Equal(got.Audience, audience) {
				t.Errorf("for %s: %+v, %v", name, got, err)
			}
		}
		_, err := ring.VerifyAssertion(raw, "wiki")
		mustRefuse(t, raw, err, "aud is not the one")
	}
}
