package attacks_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// newOverwriting is an app whose every answer, byte for byte, is this one.
func newOverwriting(t testing.TB, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					fmt.Fprint(c, gatewaytest.CRLF(answer))
				}
			}()
		}
	}()
	return l.Addr().String()
}

// overwriting are the headers of an app that sets what is ours: to sign a person
// out or in as another, or to tell the browser's scripts who is signed in.
const overwriting = "Set-Cookie: sidegate=forged; Path=/\nSet-Cookie: kept=1\nSet-Cookie: SideGate=forged\nset-cookie: sidegate-attempt-0123=forged\n" +
	"Set-Cookie: =sidegate=forged\nSet-Cookie: sidegate\nSet-Cookie:  sidegate =forged\nSet-Cookie: sidegate2=kept; HttpOnly\n" +
	"X-Session-Email: forged\nx-session-expires-at: forged\nX_Session_Id: forged\nX-Sessions: kept\n"

// answered are the routes on which an app answers.
const answered = `
	handle /before/* {
		route {
			session_auth {
				public /before/auth/*
			}
			session_endpoints
			reverse_proxy {upstream}
		}
	}
	handle /alone/* {
		session_endpoints
		reverse_proxy {upstream}
	}
	handle /errors/* {
		session_endpoints
		session_auth
		error 502
	}
	handle {
		header /own/* Set-Cookie sidegate=of-the-operator
		header /own/* X-Session-Note of-the-operator
		session_endpoints
		session_auth {
			public /public/* /own/*
		}
		reverse_proxy {upstream}
	}
	handle_errors {
		session_auth {
			optional
		}
		reverse_proxy {upstream}
	}`

func TestWhatAnAppAnswersOverwritesNothingOfOurs(t *testing.T) {
	for name, answer := range map[string]string{
		"an answer":                  "HTTP/1.1 200 OK\nContent-Length: 2\nConnection: close\n" + overwriting + "\nok",
		"an answer without a length": "HTTP/1.1 200 OK\nConnection: close\n" + overwriting + "\nok",
		"a failure":                  "HTTP/1.1 500 Oops\nContent-Length: 2\nConnection: close\n" + overwriting + "\nok",
		"a redirect":                 "HTTP/1.1 302 Found\nLocation: /\nContent-Length: 0\nConnection: close\n" + overwriting + "\n",
		"no content":                 "HTTP/1.1 204 No Content\nConnection: close\n" + overwriting + "\n",
		"a hint and an answer": "HTTP/1.1 103 Early Hints\nLink: </a.css>\n" + overwriting + "\nHTTP/1.1 200 OK\nContent-Length: 2\nConnection: close\n" +
			overwriting + "\nok",
		"trailers": "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nConnection: close\nTrailer: X-Session-Email, Set-Cookie, X-Sum\n" + overwriting +
			"\n2\nok\n0\nX-Session-Email: forged\nSet-Cookie: sidegate=forged\nX-Sum: kept\n\n",
		"trailers that are not announced": "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nConnection: close\n" + overwriting +
			"\n2\nok\n0\nX-Session-Email: forged\nSet-Cookie: sidegate=forged\n\n",
		"another protocol": "HTTP/1.1 101 Switching Protocols\nConnection: upgrade\nUpgrade: websocket\n" + overwriting + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Upstream: newOverwriting(t, answer), Routes: answered})
			cookie := s.WithCookie(t, gatewaytest.Ada).Cookie
			for _, path := range []string{"/app", "/public/x", "/alone/x", "/before/x", "/errors/x"} {
				if strings.HasPrefix(path, "/errors") && strings.HasPrefix(name, "another") {
					continue // an error route has no connection to hand over
				}
				lines := "Cookie: " + cookie + "\nTE: trailers\nConnection: close\n"
				if strings.HasPrefix(name, "another") {
					lines = "Cookie: " + cookie + "\nConnection: upgrade\nUpgrade: websocket\n"
				}
				c := gatewaytest.Dial(t, s.Address())
				c.Send(t, gatewaytest.CRLF("GET "+path+" HTTP/1.1\nHost: 127.0.0.1\n"+lines+"\n"))
				raw := readAll(t, c)
				if strings.Contains(raw, "forged") || !strings.Contains(raw, "kept=1") || !strings.Contains(raw, "sidegate2=kept") ||
					!strings.Contains(raw, "X-Sessions: kept") {
					t.Errorf("%s is answered with\n%s", path, raw)
				}
			}
		})
	}
}

// readAll reads until the server ends the connection, as the app does here.
func readAll(t testing.TB, c *gatewaytest.Socket) string {
	t.Helper()
	var all strings.Builder
	if _, err := c.In.WriteTo(&all); err != nil && !gatewaytest.IsReset(err) {
		t.Fatal(err)
	}
	return all.String()
}

func TestWhatWeSetOurselvesIsInTheAnswer(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: answered,
		Upstream: newOverwriting(t, "HTTP/1.1 200 OK\nContent-Length: 2\nConnection: close\n"+overwriting+"\nok")})
	t.Run("by an operator's own header", func(t *testing.T) {
		a := s.Client(t).Get("/own/x")
		if got := a.Header.Values("Set-Cookie"); !slices.Equal(got, []string{"sidegate=of-the-operator", "kept=1", "sidegate2=kept; HttpOnly"}) {
			t.Errorf("Set-Cookie: %q", got)
		}
		a.WantHeader(t, "X-Session-Note", "of-the-operator")
	})
	t.Run("by the endpoints", func(t *testing.T) {
		c := s.WithCookie(t, gatewaytest.Ada)
		if c.Get("/auth/session").Header.Get("X-Session-Expires-At") == "" {
			t.Error("X-Session-Expires-At is missing")
		}
	})
	for _, path := range []string{"/app", "/before/x"} {
		t.Run("by a refusal that clears the cookie, at "+path, func(t *testing.T) {
			gone := s.WithCookie(t, gatewaytest.Ada)
			dead := gone.Cookie
			gone.Post("/auth/logout").Want(t, http.StatusNoContent)
			a := s.Client(t).Get(path, "Cookie", dead).Want(t, http.StatusUnauthorized)
			if got := a.Header.Get("Set-Cookie"); !strings.HasPrefix(got, "sidegate=;") {
				t.Errorf("Set-Cookie: %q", got)
			}
		})
	}
}

func TestEndpointsBehindASessionAuthAnswerInFull(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: "route {\nsession_auth {\npublic /auth/*\n}\nsession_endpoints\nreverse_proxy {upstream}\n}"})
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
	if c.Cookie == "" || c.Get("/auth/session").Want(t, http.StatusOK).Header.Get("X-Session-Expires-At") == "" {
		t.Error("something of ours is missing")
	}
	c.Get("/app").Want(t, http.StatusOK)
}

// A refusal of ours may lead to an app, whose answer is no more ours than any.
func TestWhatAnswersForARefusalOverwritesNothing(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{
		Upstream: newOverwriting(t, "HTTP/1.1 200 OK\nContent-Length: 2\n"+overwriting+"\nok"),
		Routes:   "session_endpoints\nsession_auth {\nhandle_errors\n}\nrespond in\nhandle_errors {\nreverse_proxy {upstream}\n}",
	})
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
	cookie := c.Cookie
	c.Post("/auth/logout").Want(t, http.StatusNoContent)
	for name, header := range map[string]string{"to nobody": "", "to whose session is gone": "Cookie: " + cookie + "\n"} {
		t.Run(name, func(t *testing.T) {
			a := s.Exchange(t, "GET /x HTTP/1.1\nHost: 127.0.0.1\n"+header+"\n")
			if a.Header.Get("X-Session-Email") != "" || a.Header.Get("X-Session-Expires-At") != "" {
				t.Errorf("told of a session: %v", a.Header)
			}
			for _, line := range a.Header.Values("Set-Cookie") {
				if strings.Contains(line, "forged") {
					t.Errorf("the app sets %s", line)
				}
			}
			cleared := slices.ContainsFunc(a.Header.Values("Set-Cookie"), func(line string) bool { return strings.HasPrefix(line, "sidegate=;") })
			if !slices.Contains(a.Header.Values("Set-Cookie"), "kept=1") || cleared != (header != "") {
				t.Errorf("set are %q", a.Header.Values("Set-Cookie"))
			}
		})
	}
}
