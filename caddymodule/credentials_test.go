package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"
)

// Who has a credential can be whom it belongs to, so no app is handed one: not
// by mistake, and not by a client that presents it in a way of its own.

func TestOurCookieNeverReachesTheUpstream(t *testing.T) {
	s, up, cookies := guard(t)
	mine := cookies[ada]
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
				s.exchange(t, k.request("GET", cookies, c.lines, ""))
				a := up.one(t)
				if strings.Contains(a.raw, secret) {
					t.Errorf("the secret arrived:\n%s", a.raw)
				}
				if got := strings.Join(a.values("Cookie"), "\n"); got != c.arrives {
					t.Errorf("Cookie arrived as %q, want %q", got, c.arrives)
				}
			})
		}
	}
}

func TestOurTokenNeverReachesTheUpstream(t *testing.T) {
	s, up, cookies := guard(t)
	token := s.client(t).signIn(ada).Token
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
				s.exchange(t, k.request("GET", cookies, line+"\n", ""))
				for _, a := range up.take() {
					a.want(t, "Authorization")
				}
			})
		}
	}
}

func deadToken(t *testing.T, s *server) string {
	t.Helper()
	c := s.client(t)
	token := c.signIn(ada).Token
	c.post("/auth/logout").want(t, http.StatusNoContent)
	return token
}

func TestCredentialsOfTheAppArriveByteForByte(t *testing.T) {
	s, up, cookies := guard(t)
	for _, value := range []string{"Basic YWRhOnNlY3JldA==", "basic  YWRh", "Digest username=\"ada\", realm=\"x,y\"", "Negotiate YII=", "Token token=\"abc\""} {
		for _, k := range kinds {
			t.Run(value+" on "+k.name, func(t *testing.T) {
				s.exchange(t, k.request("GET", cookies, "Authorization: "+value+"\nX-Api-Key: key\n", ""))
				a := up.one(t)
				a.want(t, "Authorization", value)
				a.want(t, "X-Api-Key", "key")
			})
		}
	}
}
