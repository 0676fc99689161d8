package attacks_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// sites is a gateway of several sites: one and two at ports of their own, the
// names of a block together, a wildcard, and an API.
type sites struct {
	*gatewaytest.Server
	one, two, api int // ports
}

func startSites(t *testing.T, c gatewaytest.Site) *sites {
	t.Helper()
	s := &sites{two: gatewaytest.FreePort(t), api: gatewaytest.FreePort(t)}
	s.Server = gatewaytest.StartEdited(t, c, func(text string, one int) string {
		s.one = one
		block := func(hosts ...string) string {
			return strings.Join(hosts, ", ") + " {\nbind 127.0.0.1\nsession_endpoints\nsession_auth\nrespond {http.auth.user.email}\n}\n"
		}
		text = strings.ReplaceAll(text, "{two}", fmt.Sprint(s.two))
		text = strings.ReplaceAll(text, "{api}", fmt.Sprint(s.api))
		return text + block(fmt.Sprintf("http://127.0.0.1:%d", s.two)) +
			block(fmt.Sprintf("http://a.example:%d", one), fmt.Sprintf("http://www.a.example:%d", one)) +
			block(fmt.Sprintf("http://alone.example:%d", one)) +
			block(fmt.Sprintf("http://*.people.example:%d", one), fmt.Sprintf("http://people.example:%d", one)) +
			block(fmt.Sprintf("http://:%d", s.api))
	})
	return s
}

// ask sends a request to a port, which is told that host.
func (s *sites) ask(t *testing.T, port int, host, path string, header ...string) gatewaytest.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return s.Client(t).Send(req)
}

// read is the token that a script of the site reads there, with the cookie.
func (s *sites) read(t *testing.T, port int, host, cookie string) string {
	t.Helper()
	return s.ask(t, port, host, "/auth/session", "Cookie", cookie).Want(t, http.StatusOK).Session(t).Token
}

// refused checks that a token is not good there, and that its owner is told why.
func (s *sites) refused(t *testing.T, a gatewaytest.Answer, description string) {
	t.Helper()
	a.WantError(t, http.StatusUnauthorized, "unauthorized")
	a.WantHeader(t, "Www-Authenticate", `Bearer error="invalid_token", error_description="`+description+`"`)
}

// What a script reads at one site opens no other.
func TestATokenIsGoodAtTheSiteWhereItWasRead(t *testing.T) {
	s := startSites(t, gatewaytest.Site{Options: "token {\naudience http://127.0.0.1:{api}\n}"})
	cookie := s.WithCookie(t, gatewaytest.Ada).Cookie
	at := func(host string, port int) string { return fmt.Sprintf("%s:%d", host, port) }
	type place struct {
		port int
		host string
	}
	one, two := place{s.one, at("127.0.0.1", s.one)}, place{s.two, at("127.0.0.1", s.two)}
	a, www, alone := place{s.one, at("a.example", s.one)}, place{s.one, at("www.a.example", s.one)}, place{s.one, at("alone.example", s.one)}
	ada, bob, people := place{s.one, at("ada.people.example", s.one)}, place{s.one, at("bob.people.example", s.one)}, place{s.one, at("people.example", s.one)}
	api := place{s.api, at("127.0.0.1", s.api)}
	for _, c := range []struct {
		name     string
		from, to place
		good     bool
	}{
		{"where it was read", one, one, true},
		{"where it was read, in other letters", a, place{s.one, at("A.Example", s.one)}, true},
		{"another port", one, two, false},
		{"the other port's", two, one, false},
		{"another port, by a program that gives the first one's name", one, place{s.two, one.host}, false},
		{"another host", a, one, false},
		{"another host of the same server", a, alone, false},
		{"the other name of the block", a, www, true},
		{"the first name of the block", www, a, true},
		{"the other name of the block, at another port", a, place{s.one, "www.a.example:1"}, false},
		{"another host that a wildcard covers", ada, bob, false},
		{"the same host that a wildcard covers", ada, ada, true},
		{"the name beside a wildcard", ada, people, false},
		{"an API that is in the audience", one, api, true},
		{"an API that is in the audience, from another host", ada, api, true},
		{"and what is read at the API stays there", api, one, false},
		{"a host of nobody, where no name is given", one, place{s.api, at("other.example", s.api)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			token := s.read(t, c.from.port, c.from.host, cookie)
			for _, path := range []string{"/app", "/auth/session", "/app"} { // the second time it is known
				got := s.ask(t, c.to.port, c.to.host, path, "Authorization", "Bearer "+token)
				if c.good {
					got.Want(t, http.StatusOK)
				} else {
					s.refused(t, got, "The token is of another site")
				}
			}
			if c.good && s.ask(t, c.to.port, c.to.host, "/auth/session", "Authorization", "Bearer "+token).Session(t).Token != token {
				t.Error("who comes with a token gets another")
			}
			s.ask(t, c.from.port, c.from.host, "/app", "Authorization", "Bearer "+token).Want(t, http.StatusOK)
		})
	}
	t.Run("a cookie is good at all of them", func(t *testing.T) {
		for _, p := range []place{one, two, a, www, alone, ada, api} {
			s.ask(t, p.port, p.host, "/app", "Cookie", cookie).Want(t, http.StatusOK)
		}
	})
	t.Run("a bad token is told as ever", func(t *testing.T) {
		s.ask(t, one.port, one.host, "/app", "Authorization", "Bearer x").Want(t, http.StatusUnauthorized).
			WantHeader(t, "Www-Authenticate", `Bearer error="invalid_token"`)
	})
}

// Who has the password may go anywhere with what they got for it.
func TestTheTokenOfAProgramIsGoodAtEverySite(t *testing.T) {
	s := startSites(t, gatewaytest.Site{})
	token := s.WithToken(t, gatewaytest.Ada).Bearer
	for port, host := range map[int]string{s.one: "alone.example", s.two: "127.0.0.1", s.api: "whatever"} {
		s.ask(t, port, fmt.Sprintf("%s:%d", host, port), "/app", "Authorization", "Bearer "+token).Want(t, http.StatusOK)
	}
}

// What browsers see is one site, whatever Host says behind a proxy.
func TestWithAPublicURLTheGatewayIsOneSite(t *testing.T) {
	s := startSites(t, gatewaytest.Site{Options: "public_url https://app.example.com"})
	cookie := s.WithCookie(t, gatewaytest.Ada).Cookie
	token := s.read(t, s.one, fmt.Sprintf("127.0.0.1:%d", s.one), cookie)
	s.ask(t, s.two, fmt.Sprintf("127.0.0.1:%d", s.two), "/app", "Authorization", "Bearer "+token).Want(t, http.StatusOK)
}

func TestATokenOfAnotherSiteIsTold(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "log.json")
	s := startSites(t, gatewaytest.Site{Dir: dir, Global: "log default {\noutput file " + file + "\nformat json\n}"})
	token := s.read(t, s.one, "a.example", s.WithCookie(t, gatewaytest.Ada).Cookie)
	for range 3 {
		s.ask(t, s.two, fmt.Sprintf("127.0.0.1:%d", s.two), "/app", "Authorization", "Bearer "+token).Want(t, http.StatusUnauthorized)
	}
	gatewaytest.Await(t, "the log tells of it", func() bool {
		read, _ := os.ReadFile(file) // it may not be there yet
		text := string(read)
		return strings.Contains(text, `"token_of":"http://a.example","site":"http://127.0.0.1:`) && strings.Contains(text, "token { audience") && !strings.Contains(text, token)
	})
}

// Where the front end needs no token no script can read one, and one that was
// read before opens nothing.
func TestTokensThatAreOff(t *testing.T) {
	dir := t.TempDir()
	before := gatewaytest.Site{Dir: dir, Upstream: gatewaytest.NewRecorder(t).Address(), Options: "store embedded " + filepath.Join(dir, "sessions.db")}
	s := gatewaytest.Start(t, before)
	tokens := []string{s.WithCookie(t, gatewaytest.Ada).Get("/auth/session").Session(t).Token, s.WithToken(t, gatewaytest.Ada).Bearer}
	after := before
	after.Options += "\ntoken {\noff\n}"
	s.Replace(t, after)
	c := s.Client(t)
	for name, a := range map[string]gatewaytest.Answer{
		"a sign-in by JSON": c.TrySignIn(gatewaytest.Ada, gatewaytest.Password),
		"the session":       c.Get("/auth/session"),
		"a refresh":         c.Post("/auth/refresh"),
	} {
		if got := a.Want(t, http.StatusOK).Session(t); got.Token != "" || strings.Contains(a.Body, "eyJ") {
			t.Errorf("%s holds a token: %s", name, a.Body)
		}
	}
	c.Get("/app").Want(t, http.StatusOK)
	for _, token := range tokens {
		got := s.With(t, "", token).Get("/app")
		got.WantError(t, http.StatusUnauthorized, "unauthorized")
		got.WantHeader(t, "Www-Authenticate", `Bearer error="invalid_token", error_description="Tokens are not taken here"`)
		s.With(t, "", token).Post("/auth/logout").Want(t, http.StatusNoContent) // its session can still be ended by it
	}
	s.Replace(t, before)
	for _, token := range tokens {
		s.With(t, "", token).Get("/app").Want(t, http.StatusUnauthorized)
	}
}
