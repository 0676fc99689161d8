package caddymodule_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// in is the client in a subtest. What the subtest does to its cookie stays
// there.
func (c *client) in(t testing.TB) *client {
	own := *c
	own.t = t
	return &own
}

// browser signs in as the login page does and keeps the cookie alone.
func (s *server) browser(t testing.TB, email string) *client {
	t.Helper()
	c := s.client(t)
	c.signInByForm(email, password, "/").want(t, http.StatusSeeOther)
	return c
}

// program signs in by JSON and keeps the token alone.
func (s *server) program(t testing.TB, email string) *client {
	t.Helper()
	c := s.client(t)
	c.bearer = c.signIn(email).Token
	c.cookie = ""
	return c
}

// wantHeader checks an answer's header; an empty want means absent.
func (a answer) wantHeader(t testing.TB, name, want string) {
	t.Helper()
	if got := strings.Join(a.Header.Values(name), " | "); got != want {
		t.Errorf("%s %s: header %s is %q, want %q", a.Request.Method, a.Request.URL.Path, name, got, want)
	}
}

// wantError checks that the answer is an Error of the contract.
func (a answer) wantError(t testing.TB, status int, code string) {
	t.Helper()
	var e struct {
		Error, Message string
		Status         int
	}
	a.want(t, status).decode(t, &e)
	if e.Error != code || e.Status != status || e.Message == "" {
		t.Errorf("got %s, want the error %s", a.body, code)
	}
}

// soon waits for what the gateway does behind the requests.
func soon(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(30 * time.Second); !holds(); {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// claimsOf reads a token without a look at its signature.
func claimsOf(t testing.TB, raw string) jwt.RegisteredClaims {
	t.Helper()
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(raw, &claims); err != nil {
		t.Fatalf("not a token: %v", err)
	}
	return claims
}

// getExactly sends a GET with the target spelt as it is, which net/http's
// client would tidy up, and returns the status.
func (s *server) getExactly(t testing.TB, target string, header ...string) int {
	t.Helper()
	host := strings.TrimPrefix(s.url, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n"
	for i := 0; i < len(header); i += 2 {
		request += header[i] + ": " + header[i+1] + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
