package attacks_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// Each byte that comes puts the server's own deadline off: somebody who sends
// one now and then holds connection and gateway for as long as they like, and
// what they ask for is decided by a configuration that is long gone.
func TestABodyThatIsHeldBackIsNotWaitedForWithoutEnd(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	address := strings.TrimPrefix(p.URL, "http://")
	var holding sync.WaitGroup
	for i := range 200 {
		holding.Go(func() {
			status, err := holdBack(address, "POST /auth/login HTTP/1.1\r\nContent-Type: application/json\r\n", heldLength)
			if err != nil || status != http.StatusRequestTimeout {
				t.Errorf("request %d: %d, %v; want it to be answered with 408 and the connection to end", i, status, err)
			}
		})
	}
	holding.Wait()
	p.Client(t).SignIn(gatewaytest.Ada)
}

// How a body is announced of which nothing but a byte now and then comes.
const (
	heldLength = "Content-Length: 4000\r\n\r\n{"
	heldChunks = "Transfer-Encoding: chunked\r\n\r\nfa0\r\n{"
)

// Also a route that reads no body waits for one: the server reads it before it
// sends an answer, or before it ends the connection.
func TestNoRouteWaitsForABodyWithoutEnd(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "why"})
	address := strings.TrimPrefix(p.URL, "http://")
	const (
		form     = "Content-Type: application/x-www-form-urlencoded\r\n"
		json     = "Content-Type: application/json\r\n"
		navigate = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n"
	)
	var holding sync.WaitGroup
	defer holding.Wait()
	signedIn := func() string { return "Cookie: " + p.WithCookie(t, gatewaytest.Ada).Cookie + "\r\n" }
	for _, c := range []struct {
		route, header string
		status        int
	}{
		{"GET /auth/session", signedIn(), http.StatusRequestTimeout},
		{"GET /auth/session", "", http.StatusRequestTimeout},
		{"GET /auth/.well-known/jwks.json", "", http.StatusRequestTimeout},
		{"GET /auth/session/swagger.yaml", "", http.StatusRequestTimeout},
		{"GET /auth/client.js", "", http.StatusRequestTimeout},
		{"GET /auth/login", "", http.StatusRequestTimeout},
		{"GET /auth/logout", "", http.StatusRequestTimeout},
		{"GET /auth/sessions", signedIn(), http.StatusRequestTimeout},
		{"GET /auth/why?path=/x", signedIn(), http.StatusRequestTimeout},
		{"DELETE /auth/sessions", signedIn(), http.StatusRequestTimeout},
		{"DELETE /auth/sessions/x", signedIn(), http.StatusRequestTimeout},
		{"POST /auth/refresh", signedIn(), http.StatusRequestTimeout},
		{"POST /auth/refresh", "", http.StatusRequestTimeout},
		{"POST /auth/login", form, http.StatusRequestTimeout},
		{"POST /auth/logout", signedIn() + form, http.StatusRequestTimeout},
		{"POST /auth/logout", signedIn() + json, http.StatusNoContent},
		{"POST /auth/logout", signedIn() + navigate, http.StatusSeeOther},
		{"POST /auth/start-over", form, http.StatusRequestTimeout},
		{"POST /auth/start-over", json, http.StatusNoContent},
		{"PUT /auth/session/primary-account", signedIn() + json, http.StatusRequestTimeout},
		{"PUT /auth/session/primary-account", json, http.StatusUnauthorized},
		{"POST /auth/login", "", http.StatusUnsupportedMediaType},
		{"POST /auth/nothing", "", http.StatusNotFound},
		{"POST /auth/session", "", http.StatusMethodNotAllowed},
		{"POST /auth/login", "Sec-Fetch-Site: cross-site\r\n", http.StatusForbidden},
		{"POST /app", "", http.StatusUnauthorized},
	} {
		for name, framing := range map[string]string{"of a length": heldLength, "in chunks": heldChunks} {
			holding.Go(func() {
				status, err := holdBack(address, c.route+" HTTP/1.1\r\n"+c.header, framing)
				if err != nil || status != c.status {
					t.Errorf("%s with %q and a body %s: %d, %v; want %d and the connection to end", c.route, c.header, name, status, err, c.status)
				}
			})
		}
	}
}

// A request to sign out takes no body: that one is held back keeps nobody in.
func TestASignOutWhoseBodyIsHeldBackIsCarriedOut(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	c := p.WithCookie(t, gatewaytest.Ada)
	status, err := holdBack(p.Address(), "POST /auth/logout HTTP/1.1\r\nCookie: "+c.Cookie+"\r\n", heldLength)
	if err != nil || status != http.StatusNoContent {
		t.Errorf("%d, %v", status, err)
	}
	p.WantDead(t, c.Cookie, "")
}

// Over HTTP/2 a stream is all that is held back.
func TestABodyThatIsHeldBackOverHTTP2IsNotWaitedForEither(t *testing.T) {
	t.Parallel()
	s := gatewaytest.StartSecure(t, gatewaytest.Site{})
	var holding sync.WaitGroup
	for route, want := range map[string]string{
		"GET /auth/session": "408", "POST /auth/refresh": "408", "POST /auth/logout": "204", "GET /auth/nothing": "404",
		"POST /auth/session": "405", "POST /auth/login": "415",
	} {
		method, path, _ := strings.Cut(route, " ")
		c := openStream(t, s)
		holding.Go(func() {
			err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head(method, path), EndHeaders: true})
			if err != nil {
				t.Errorf("%s: %v", route, err)
				return
			}
			if got := c.status(t, 1); got != want {
				t.Errorf("%s is %s; want %s", route, got, want)
			}
		})
	}
	holding.Wait()
}

// holdBack sends a request whose body comes byte by byte, until it is answered
// and the connection ends.
func holdBack(address, head, framing string) (status int, err error) {
	conn, err := net.DialTimeout("tcp", address, gatewaytest.Patience)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(gatewaytest.Patience))
	fmt.Fprintf(conn, "%sHost: %s\r\n%s", head, address, framing)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(500 * time.Millisecond):
				if _, err := conn.Write([]byte(" ")); err != nil {
					return
				}
			}
		}
	}()
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return resp.StatusCode, err
	}
	if _, err = in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return resp.StatusCode, errors.New("the connection goes on")
	}
	return resp.StatusCode, nil // closed, or reset for what came too late
}
