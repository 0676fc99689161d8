package attacks_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestOurCookieNeverReachesTheUpstream(t *testing.T) {
	s, up, cookies := guard(t)
	mine := cookies[gatewaytest.Ada]
	_, secret, _ := strings.Cut(mine, "=")
	for name, c := range map[string]struct{ lines, arrives string }{
		"alone":                             {"Cookie: " + mine + "\n", ""},
		"first":                             {"Cookie: " + mine + "; theme=dark\n", "theme=dark"},
		"last":                              {"Cookie: theme=dark; " + mine + "\n", "theme=dark"},
		"between others, byte for byte":     {"Cookie: a=\"x y\"; " + mine + ";b=1,2 ;  c; =d; e=%00\n", "a=\"x y\";b=1,2 ;  c; =d; e=%00"},
		"in a lower-case header":            {"cookie: " + mine + "; theme=dark\n", "theme=dark"},
		"twice in a line":                   {"Cookie: " + mine + "; theme=dark; " + mine + "\n", "theme=dark"},
		"in two lines":                      {"Cookie: " + mine + "\nCookie: theme=dark\n", "theme=dark"},
		"under a name in upper case":        {"Cookie: SIDEGATE=" + secret + "; theme=dark\n", "theme=dark"},
		"with spaces around":                {"Cookie:  sidegate = " + secret + " ;theme=dark\n", "theme=dark"},
		"quoted":                            {"Cookie: sidegate=\"" + secret + "\"; theme=dark\n", "theme=dark"},
		"beside a name that begins like it": {"Cookie: sidegatex=1; xsidegate=2; " + mine + "\n", "sidegatex=1; xsidegate=2"},
	} {
		for _, k := range kinds {
			if k.signedIn {
				continue // the cookie comes with lines
			}
			t.Run(name+" on "+k.name, func(t *testing.T) {
				s.Exchange(t, k.request("GET", cookies, c.lines, ""))
				a := up.One(t)
				if strings.Contains(a.Raw, secret) {
					t.Errorf("the secret arrived:\n%s", a.Raw)
				}
				if got := strings.Join(a.Values("Cookie"), "\n"); got != c.arrives {
					t.Errorf("Cookie arrived as %q, want %q", got, c.arrives)
				}
			})
		}
	}
}

func TestOurTokenNeverReachesTheUpstream(t *testing.T) {
	s, up, cookies := guard(t)
	token := s.Client(t).SignIn(gatewaytest.Ada).Token
	dead := deadToken(t, s)
	for name, line := range map[string]string{
		"as it should be":                   "Authorization: Bearer " + token,
		"in lower case":                     "authorization: bearer " + token,
		"in upper case":                     "AUTHORIZATION: BEARER " + token,
		"after many spaces":                 "Authorization:   Bearer    " + token + "  ",
		"after a tab":                       "Authorization: Bearer\t" + token,
		"of a session that has ended":       "Authorization: Bearer " + dead,
		"with a signature that was altered": "Authorization: Bearer " + token[:len(token)-4] + "AAAA",
		"beside Basic":                      "Authorization: Bearer " + token + "\nAuthorization: Basic YTpi",
		"behind Basic":                      "Authorization: Basic YTpi\nAuthorization: Bearer " + token,
	} {
		for _, k := range kinds {
			if k.signedIn {
				continue
			}
			t.Run(name+" on "+k.name, func(t *testing.T) {
				s.Exchange(t, k.request("GET", cookies, line+"\n", ""))
				for _, a := range up.Take() {
					a.Want(t, "Authorization")
				}
			})
		}
	}
}

func deadToken(t *testing.T, s *gatewaytest.Server) string {
	t.Helper()
	c := s.Client(t)
	token := c.SignIn(gatewaytest.Ada).Token
	c.Post("/auth/logout").Want(t, http.StatusNoContent)
	return token
}

func TestCredentialsOfTheAppArriveByteForByte(t *testing.T) {
	s, up, cookies := guard(t)
	for _, value := range []string{"Basic YWRhOnNlY3JldA==", "basic  YWRh", "Digest username=\"ada\", realm=\"x,y\"", "Negotiate YII=", "Token token=\"abc\""} {
		for _, k := range kinds {
			t.Run(value+" on "+k.name, func(t *testing.T) {
				s.Exchange(t, k.request("GET", cookies, "Authorization: "+value+"\nX-Api-Key: key\n", ""))
				a := up.One(t)
				a.Want(t, "Authorization", value)
				a.Want(t, "X-Api-Key", "key")
			})
		}
	}
}
