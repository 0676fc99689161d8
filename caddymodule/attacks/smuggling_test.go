package attacks_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// hidden is a request in the body of another: whoever loses count of the body's
// bytes takes it for one that was made.
const hidden = "GET /public/smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Session-Email: forged\r\n\r\n"

// RFC 9112 section 9.3: who answers before reading a body reads it or closes.
func TestAnEarlyRefusalEndsTheConnection(t *testing.T) {
	s, up, cookies := guard(t)
	long := strings.Repeat("x", 65<<10)
	longer := strings.Repeat("x", 300<<10) // net/http would not read it
	for name, c := range map[string]struct {
		head   string
		status int
	}{
		"no session":             {"POST /app HTTP/1.1", http.StatusUnauthorized},
		"no session, navigating": {"POST /app HTTP/1.1\nSec-Fetch-Mode: navigate", http.StatusSeeOther},
		"a bad token":            {"POST /optional/x HTTP/1.1\nAuthorization: Bearer x", http.StatusUnauthorized},
		"no such endpoint":       {"POST /auth/nothing HTTP/1.1", http.StatusNotFound},
		"no such method":         {"PATCH /auth/session HTTP/1.1", http.StatusMethodNotAllowed},
		"from another site":      {"POST /auth/login HTTP/1.1\nSec-Fetch-Site: cross-site", http.StatusForbidden},
		"a tunnel":               {"CONNECT /public/x HTTP/1.1", http.StatusMethodNotAllowed},
		"a wrong content type":   {"POST /auth/login HTTP/1.1\nContent-Type: text/plain", http.StatusUnsupportedMediaType},
		"nobody to change": {"PUT /auth/session/primary-account HTTP/1.1\nContent-Type: application/json",
			http.StatusUnauthorized},
	} {
		for framing, body := range map[string]string{
			"with a length":           fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(hidden), hidden),
			"in chunks":               fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden),
			"with a body that lasts":  fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(hidden)+1000, hidden),
			"with a long body":        fmt.Sprintf("Content-Length: %d\r\n\r\n%s%s%s", len(longer)+len(hidden), longer, hidden, hidden),
			"with many chunks":        fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%s0\r\n\r\n%s", strings.Repeat(fmt.Sprintf("%x\r\n%s\r\n", len(hidden), hidden), 5000), hidden),
			"with a body of any size": fmt.Sprintf("Content-Length: %d\r\n\r\n%s%s", len(long)+len(hidden), long, hidden),
		} {
			t.Run(name+" "+framing, func(t *testing.T) {
				conn := gatewaytest.Dial(t, s.Address())
				method, _, _ := strings.Cut(c.head, " ")
				conn.Send(t, gatewaytest.CRLF(c.head+"\nHost: 127.0.0.1\n")+body)
				status := c.status
				if long := strings.HasSuffix(framing, "size") || strings.Contains(framing, "long body"); long && strings.Contains(c.head, "/auth/") && status != http.StatusNotFound &&
					status != http.StatusMethodNotAllowed && status != http.StatusForbidden {
					status = http.StatusRequestEntityTooLarge
				}
				a := conn.Receive(t, method)
				a.Want(t, status)
				if !a.Close {
					t.Error("the answer does not say that the connection ends")
				}
				// Whoever has sent less than they announced sends the rest now.
				conn.Send(t, strings.Repeat(hidden, 20))
				conn.WantClosed(t)
				up.None(t)
			})
		}
	}
	t.Run("a role that is missing, with error routes", func(t *testing.T) {
		conn := gatewaytest.Dial(t, s.Address())
		conn.Send(t, gatewaytest.CRLF("POST /denied/x HTTP/1.1\nHost: 127.0.0.1\nCookie: "+cookies[gatewaytest.Ada])+
			fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(hidden), hidden))
		if a := conn.Receive(t, "POST"); !a.Close {
			t.Error("the answer does not say that the connection ends")
		}
		conn.WantClosed(t)
		if a := up.One(t); !strings.HasPrefix(a.Raw, "POST /denied/x ") {
			t.Errorf("arrived:\n%s", a.Raw)
		}
	})
}

// RFC 9112 section 6.3: one message, one length. What two servers could count
// in two ways is refused, or goes on with one length.
func TestABodyIsCountedInOneWay(t *testing.T) {
	s, up, cookies := guard(t)
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden)
	for name, c := range map[string]struct{ framing, body string }{
		"a length beside chunks":      {fmt.Sprintf("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n%s", chunked), hidden},
		"chunks beside a length":      {fmt.Sprintf("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n%s", chunked), hidden},
		"two lengths":                 {"Content-Length: 4\r\nContent-Length: 90\r\n\r\nbody" + hidden, ""},
		"a list of lengths":           {"Content-Length: 4, 90\r\n\r\nbody" + hidden, ""},
		"a length with a sign":        {"Content-Length: +4\r\n\r\nbody" + hidden, ""},
		"a negative length":           {"Content-Length: -4\r\n\r\nbody" + hidden, ""},
		"chunks and more":             {"Transfer-Encoding: chunked, identity\r\n\r\n" + chunked, ""},
		"chunks twice":                {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked, ""},
		"a coding nobody knows":       {"Transfer-Encoding: xchunked\r\n\r\n" + chunked, ""},
		"a coding behind a tab":       {"Transfer-Encoding:\x0bchunked\r\n\r\n" + chunked, ""},
		"a chunk length out of order": {"Transfer-Encoding: chunked\r\n\r\n0x4\r\nbody\r\n0\r\n\r\n", ""},
		"a space before the colon":    {"Transfer-Encoding : chunked\r\n\r\n" + chunked, ""},
		"chunks in HTTP/1.0":          {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn := gatewaytest.Dial(t, s.Address())
			version := "1.1"
			if c.framing == "" {
				version, c.framing = "1.0", "Transfer-Encoding: chunked\r\n\r\n"+chunked
			}
			conn.Send(t, "POST /app HTTP/"+version+"\r\nHost: 127.0.0.1\r\nConnection: close\r\nCookie: "+cookies[gatewaytest.Ada]+"\r\n"+c.framing)
			rest, err := io.ReadAll(conn.In)
			if err != nil && !gatewaytest.IsReset(err) {
				t.Fatal(err)
			}
			if n := strings.Count(string(rest), "HTTP/1."); n != 1 {
				t.Errorf("%d answers to one request:\n%s", n, rest)
			}
			for _, a := range up.Take() {
				if !strings.HasPrefix(a.Raw, "POST /app ") {
					t.Errorf("a request of its own arrived:\n%s", a.Raw)
				}
				if a.Body != c.body {
					t.Errorf("the body arrived as %q, want %q", a.Body, c.body)
				}
				if len(a.Values("Content-Length"))+len(a.Values("Transfer-Encoding")) != 1 {
					t.Errorf("arrived with two lengths, or none:\n%s", a.Raw)
				}
			}
		})
	}
}

func TestLinesOutOfOrderHideNoHeader(t *testing.T) {
	s, up, cookies := guard(t)
	for name, line := range map[string]string{
		"a folded line":                   "X-A: b\r\n X-Session-Email: forged\r\n",
		"a folded line after a tab":       "X-A: b\r\n\tX-Session-Email: forged\r\n",
		"a folded first line":             " X-Session-Email: forged\r\n",
		"a line feed alone":               "X-A: b\nX-Session-Email: forged\r\n",
		"a carriage return alone":         "X-A: b\rX-Session-Email: forged\r\n",
		"NUL in a value":                  "X-A: b\x00\r\nX-Session-Email: forged\r\n",
		"NUL in a name":                   "X-Session-Email\x00: forged\r\n",
		"NUL before a name":               "\x00X-Session-Email: forged\r\n",
		"a space before the colon":        "X-Session-Email : forged\r\n",
		"no colon":                        "X-Session-Email\r\n",
		"no name":                         ": forged\r\n",
		"a name with a letter of Unicode": "X-\u017fession-Email: forged\r\n",
		"a name with a vertical tab":      "X-Session-Email\x0b: forged\r\n",
	} {
		for _, k := range []kind{kinds[0], kinds[6], kinds[10]} {
			t.Run(name+" on "+k.name, func(t *testing.T) {
				conn := gatewaytest.Dial(t, s.Address())
				text := gatewaytest.CRLF(k.request("GET", cookies, "", ""))
				conn.Send(t, strings.TrimSuffix(text, "\r\n")+line+"\r\n")
				if a := conn.Receive(t, "GET"); a.StatusCode >= 500 {
					t.Errorf("answered %s", a.Status)
				}
				for _, a := range up.Take() {
					// A folded line belongs to the value before it.
					a.Want(t, "X-Session-Email", emailOn(k)...)
					if n := strings.Count(strings.ToLower(a.Raw), "\nx-session-email"); n != len(emailOn(k)) {
						t.Errorf("%d lines arrived that begin like the header:\n%s", n, a.Raw)
					}
				}
			})
		}
	}
}

func emailOn(k kind) []string {
	if k.injected {
		return []string{gatewaytest.Ada}
	}
	return nil
}

// CVE-2025-30204, CVE-2025-58186: what comes in is bounded before it is parsed.
func TestHugeHeadersAreRefusedWithoutHarm(t *testing.T) {
	s, up, cookies := guard(t)
	for name, lines := range map[string]string{
		"a header of two megabytes":           "X-A: " + strings.Repeat("a", 2<<20) + "\n",
		"a header of a hundred kilobytes":     "X-A: " + strings.Repeat("a", 100<<10) + "\n",
		"a token of twelve kilobytes":         "Authorization: Bearer " + strings.Repeat("a", 12<<10) + "\n",
		"a token of twelve kilobytes of dots": "Authorization: Bearer " + strings.Repeat(".", 12<<10) + "\n",
		"a cookie of twelve kilobytes":        "Cookie: sidegate=" + strings.Repeat("a", 12<<10) + "\n",
		"two thousand cookies, none ours":     "Cookie: " + strings.Repeat("a=b; ", 2_000) + "\n",
		"our cookie a thousand times":         "Cookie: " + strings.Repeat("sidegate=a; ", 1_000) + "\n",
		"Connection with five thousand names": "Connection: " + strings.Repeat("a,", 5_000) + "\n",
		"five hundred accounts to act for":    strings.Repeat("X-Account-Id: acme\n", 500),
		"five hundred forged headers":         strings.Repeat("X-Session-Email: forged\n", 500),
	} {
		t.Run(name, func(t *testing.T) {
			a := s.Exchange(t, "GET /app HTTP/1.1\nHost: 127.0.0.1\n"+lines+"\n")
			if a.StatusCode < 400 || a.StatusCode > 499 {
				t.Errorf("answered %s", a.Status)
			}
			up.None(t)
		})
	}
	t.Run("and afterwards everybody is served", func(t *testing.T) {
		s.Exchange(t, kinds[0].request("GET", cookies, "", "")).Want(t, http.StatusOK)
		kinds[0].wantTrue(t, up.One(t))
	})
}

func TestABodyIsAskedForOnlyWhenItIsWanted(t *testing.T) {
	s, up, cookies := guard(t)
	const expecting = "Expect: 100-continue\nContent-Length: 4\n"
	t.Run("a caller without a session is refused before the body is sent", func(t *testing.T) {
		conn := gatewaytest.Dial(t, s.Address())
		conn.Send(t, gatewaytest.CRLF("POST /app HTTP/1.1\nHost: 127.0.0.1\n"+expecting+"\n"))
		conn.Receive(t, "POST").Want(t, http.StatusUnauthorized)
		conn.Send(t, hidden)
		conn.WantClosed(t)
		up.None(t)
	})
	t.Run("a caller with a session is asked to go on", func(t *testing.T) {
		conn := gatewaytest.Dial(t, s.Address())
		conn.Send(t, gatewaytest.CRLF(kinds[0].request("POST", cookies, expecting, "")))
		conn.Receive(t, "POST").Want(t, http.StatusContinue)
		conn.Send(t, "body")
		conn.Receive(t, "POST").Want(t, http.StatusOK)
		a := up.One(t)
		if kinds[0].wantTrue(t, a); a.Body != "body" {
			t.Errorf("the body arrived as %q", a.Body)
		}
	})
}
