package refusal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

func TestSignInsAreNamedByTheirEnd(t *testing.T) {
	for _, c := range []struct {
		name, want string
		why        *refusal.Refusal
	}{
		{"one that succeeded", "signed_in", nil},
		{"wrong credentials", "refused", refusal.Credentials},
		{"a person whose entry is not sound", "refused", refusal.Profile},
		{"a person whom the configuration refuses, in its own words", "refused", refusal.Rule.Saying("Staff only")},
		{"somebody who cancelled at the provider", "refused", refusal.Denied},
		{"a body that cannot be read", "refused", refusal.Malformed},
		{"too many attempts", "throttled", refusal.Attempts.After(time.Minute)},
		{"too much to do", "busy", refusal.Busy},
		{"a store that cannot tell", "failed", refusal.Unavailable},
		{"a store that cannot tell, on a route with another status", "failed", refusal.Unavailable.WithStatus(500)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := refusal.ResultOf(c.why); got != c.want || !slices.Contains(refusal.Results, got) {
				t.Errorf("it is %s; want %s", got, c.want)
			}
		})
	}
}

func TestWhatTheLoginPageSays(t *testing.T) {
	for _, c := range []struct {
		name string
		why  *refusal.Refusal
		want web.Failure
	}{
		{"to wrong credentials", refusal.Credentials, web.Wrong},
		{"to a body that cannot be read", refusal.Malformed, web.Wrong},
		{"to too many attempts", refusal.Attempts, web.Throttled},
		{"to too much to do", refusal.Busy, web.Busy},
		{"to a store that cannot tell", refusal.Unavailable, web.Unavailable},
		{"to whom the configuration refuses", refusal.Rule, web.Refused},
		{"to an entry that is not sound", refusal.Profile, web.Incomplete},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.why.Page != c.want {
				t.Errorf("failure %d; want %d", c.why.Page, c.want)
			}
		})
	}
}

// Those of the table are shared by all requests.
func TestARefusalOfTheTableNeverChanges(t *testing.T) {
	before := *refusal.Unavailable
	refusal.Unavailable.WithStatus(500).Message = "changed"
	refusal.Unavailable.Saying("other").Status = 1
	refusal.Unavailable.After(time.Hour).Code = "changed"
	if *refusal.Unavailable != before {
		t.Errorf("it is now %+v", refusal.Unavailable)
	}
	if refusal.Rule.Saying("").Message != refusal.Rule.Message {
		t.Error("an empty message takes the place of the fixed one")
	}
}

// RFC 9110 section 15.5.2: a 401 has a challenge. RFC 6750 section 3.1: without
// an error code when nothing was presented.
func TestEvery401NamesAChallenge(t *testing.T) {
	for name, why := range map[string]*refusal.Refusal{
		"nothing was presented": refusal.Anonymous, "the session has ended": refusal.Gone,
		"the token is bad": refusal.Token, "the password is wrong": refusal.Credentials,
	} {
		w := httptest.NewRecorder()
		why.WriteJSON(w)
		challenge := w.Header().Get("WWW-Authenticate")
		if w.Code != http.StatusUnauthorized || !strings.HasPrefix(challenge, "Bearer") {
			t.Errorf("%s: %d, %q", name, w.Code, challenge)
		}
		if strings.Contains(challenge, "error") != (why == refusal.Token) {
			t.Errorf("%s: the challenge is %q", name, challenge)
		}
	}
}

// A refusal is written as a whole in its table, and nowhere else.
func TestRefusalsStandInTheTableAlone(t *testing.T) {
	for _, folder := range []string{"../endpoint", "../caller", ".."} {
		packages, err := parser.ParseDir(token.NewFileSet(), folder, nil, 0) //nolint:staticcheck // build tags do not matter here
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packages {
			ast.Inspect(p, func(n ast.Node) bool {
				literal, ok := n.(*ast.CompositeLit)
				if !ok {
					return true
				}
				if named, ok := literal.Type.(*ast.SelectorExpr); ok && named.Sel.Name == "Refusal" {
					t.Errorf("%s writes a refusal of its own", folder)
				}
				return true
			})
		}
	}
}
