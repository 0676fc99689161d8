package apps_test

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestPyJWTVerifiesTheAssertion(t *testing.T) { verifies(t, python, "verify.py") }

// verifies holds a program to what it says of assertions, of each algorithm that
// needs no key of one's own.
func verifies(t *testing.T, program ...string) {
	for _, algorithm := range []string{"ES256", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) { verifiesOf(t, algorithm, program) })
	}
}

func verifiesOf(t *testing.T, algorithm string, program []string) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{
		Upstream: up.Address(), Options: "secret \"a secret of sixteen bytes, or more\"\ntoken {\nalgorithm " + algorithm + "\n}",
		Routes: `session_endpoints
			handle /other {
				session_auth {
					assertion other.example.com
				}
				reverse_proxy {upstream}
			}
			handle {
				session_auth {
					assertion host
				}
				reverse_proxy {upstream}
			}`,
	})
	c := s.WithToken(t, gatewaytest.Ada)
	assertion := func(path string) string {
		c.Get(path).Want(t, http.StatusOK)
		return up.Last().Header.Get("X-Session-Assertion")
	}
	good, other := assertion("/"), assertion("/other")
	header, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	otherBody := strings.Split(other, ".")[1]
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	without := httptest.NewServer(http.NotFoundHandler())
	defer without.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	defer page.Close()
	for _, c := range []struct{ name, origin, assertion, want string }{
		{"the app's own is taken", s.URL, good, gatewaytest.Ada},
		{"one for another app is refused", s.URL, other, "refused: "},
		{"a session token, which the same key has signed, is refused", s.URL, c.Bearer, "refused: "},
		{"another body under the signature is refused", s.URL, header + "." + otherBody + "." + signature, "refused: "},
		{"none at all is refused", s.URL, header + "." + body + ".", "refused: "},
		{"keys that nobody answers for are no refusal", gone.URL, good, "cannot tell: "},
		{"keys that are not there are no refusal", without.URL, good, "cannot tell: "},
		{"no keys in what is answered are no refusal", page.URL, good, "cannot tell: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := slices.Concat(program[1:], []string{c.origin + "/auth/.well-known/jwks.json", "sidegate", "127.0.0.1", c.assertion})
			cmd := exec.CommandContext(t.Context(), program[0], args...) // #nosec G204 -- of this test
			cmd.Env = append(cmd.Environ(), "NO_PROXY=*", "no_proxy=*")
			printed, err := cmd.CombinedOutput()
			if err != nil || !strings.HasPrefix(string(printed), c.want) {
				t.Errorf("%v, and it printed\n%s", err, printed)
			}
		})
	}
}
