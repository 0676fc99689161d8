package faults_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/unread"
)

// megabyte is a million bytes: 30 of them are below what is read, 100 above.
const megabyte = 1_000_000

// TestARefusedUploadHasItsAnswer: whoever still sends when they are refused is
// told why, by any client, rather than that the connection was reset.
func TestARefusedUploadHasItsAnswer(t *testing.T) {
	t.Parallel()
	up := gatewaytest.NewRecorder(t)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Upstream: up.Address()})
	files := uploads(t, 1, 30, 100)
	for client, upload := range uploaders(p.URL, "") {
		for size, file := range files {
			t.Run(fmt.Sprintf("%s, %d MB", client, size), func(t *testing.T) {
				for range roundsOf(size) {
					upload(t, file, "/app", "").want(t, size, http.StatusUnauthorized)
				}
			})
		}
	}
	if n := up.Count(); n > 0 {
		t.Errorf("the app has got %d", n)
	}
}

// Over HTTP/2 curl fails with the answer's status in its hands, where the stream is
// reset before it has read the rest.
func TestARefusedUploadOverTLSHasItsAnswer(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.StartSecure(t, gatewaytest.Site{Upstream: up.Address()})
	root := filepath.Join(s.Dir, "storage", "pki", "authorities", "local", "root.crt")
	_, port, _ := strings.Cut(s.Address, ":")
	clients := uploaders("https://"+gatewaytest.SecureHost+":"+port, root)
	for size, file := range uploads(t, 1, 5, 30, 100) {
		for _, client := range []string{"curl", "curl over HTTP/2", "node over HTTP/2"} {
			t.Run(fmt.Sprintf("%s, %d MB", client, size), func(t *testing.T) {
				for range roundsOf(size) {
					clients[client](t, file, "/app", "").want(t, size, http.StatusUnauthorized)
				}
			})
		}
	}
	if n := up.Count(); n > 0 {
		t.Errorf("the app has got %d", n)
	}
}

// roundsOf is how often an upload of so many megabytes is tried.
func roundsOf(size int) int {
	if size > 30 {
		return 2
	}
	return 8
}

func TestEveryEarlyAnswerReachesWhoStillSends(t *testing.T) {
	t.Parallel()
	const refusals = `
		encode
		handle /denied/* {
			session_auth {
				role nobody
			}
			reverse_proxy {upstream}
		}
		handle /error/* {
			session_auth {
				handle_errors
			}
			reverse_proxy {upstream}
		}
		handle {
			session_endpoints
			session_auth
			reverse_proxy {upstream}
		}`
	const routes = refusals + "\nhandle_errors {\nrespond \"sorry: {err.status_code}\"\n}"
	up := gatewaytest.NewRecorder(t)
	file := uploads(t, 30)[30]
	for name, site := range map[string]gatewaytest.Site{
		"":                                 {Routes: routes, Options: "role nobody"},
		", where no error routes are":      {Routes: refusals, Options: "role nobody"},
		", where the paths are looked at":  {Routes: "@a path /app/*\nsession_auth @a\n" + routes, Options: "role nobody"},
		", where it is written in the log": {Routes: "log\n" + routes, Options: "role nobody"},
	} {
		site.Upstream = up.Address()
		p := gatewaytest.StartProcess(t, site)
		cookie := p.WithCookie(t, gatewaytest.Ada).Cookie
		for asked, c := range map[string]struct {
			path, header string
			status       int
		}{
			"no session":             {"/app", "", 401},
			"no session, navigating": {"/app", "Sec-Fetch-Mode: navigate\r\n", 303},
			"a bad token":            {"/app", "Authorization: Bearer x\r\n", 401},
			"a role that is missing": {"/denied/x", "Cookie: " + cookie + "\r\n", 403},
			"the same, in a browser": {"/denied/x", "Accept-Encoding: gzip\r\nSec-Fetch-Mode: navigate\r\nCookie: " + cookie + "\r\n", 403},
			"error routes":           {"/error/x", "", 401},
			"an endpoint":            {"/auth/login", "Content-Type: application/json\r\n", 413},
			"an endpoint, in chunks": {"/auth/login", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", 413},
			"no such endpoint":       {"/auth/nothing", "", 404},
			"another site's page":    {"/auth/logout", "Sec-Fetch-Site: cross-site\r\n", 403},
			"early data":             {"/app", "Early-Data: 1\r\n", 425},
		} {
			t.Run(asked+name, func(t *testing.T) {
				bySocket(t, p.Address(), file, c.path, c.header).want(t, 30, c.status)
			})
		}
	}
	if n := up.Count(); n > 0 {
		t.Errorf("the app has got %d", n)
	}
}

// What is compressed has no length, and so no end before that of the body.
func TestAnEarlyAnswerIsWholeWhereAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "role nobody", Routes: `route {
			encode
			session_endpoints
			session_auth {
				role nobody
			}
			reverse_proxy {upstream}
		}`})
	cookie := p.WithCookie(t, gatewaytest.Ada).Cookie
	conn := gatewaytest.Dial(t, p.Address())
	conn.Send(t, fmt.Sprintf("POST /app HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: %s\r\nSec-Fetch-Mode: navigate\r\nAccept-Encoding: gzip\r\n"+
		"Content-Type: %s\r\nContent-Length: %d\r\n\r\nthe first of it", cookie, gatewaytest.AsForm, megabyte))
	a := conn.Receive(t, "POST").Want(t, http.StatusForbidden)
	if a.ContentLength < 512 || a.Header.Get("Content-Encoding") != "" {
		t.Errorf("it is %d long, and in %q", a.ContentLength, a.Header.Get("Content-Encoding"))
	}
}

// A person who is signed in is told that sessions cannot be looked up.
func TestAnUploadWhileRedisIsAwayIsAnswered503(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	o.redis.Kill()
	file := uploads(t, 10)[10]
	for client, upload := range uploaders(o.gateway.URL, "") {
		t.Run(client, func(t *testing.T) {
			for range 8 {
				upload(t, file, "/app", "Cookie: "+o.cookie).want(t, 10, http.StatusServiceUnavailable)
			}
		})
	}
}

// A server that shuts down does not wait for who still sends: ten seconds are
// not up.
func TestAShutdownWaitsForNoRefusedUpload(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Global: "grace_period 9s"}) // after which Caddy says that somebody was left
	var open []*gatewaytest.Socket
	for range 8 {
		conn := gatewaytest.Dial(t, p.Address())
		conn.Send(t, fmt.Sprintf("POST /app HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\nthe first of it", unread.Bytes))
		conn.Receive(t, "POST").Want(t, http.StatusUnauthorized)
		open = append(open, conn)
	}
	p.Terminate()
	if strings.Contains(p.Log.String(), "graceful shutdown") {
		t.Error("the server waited until its patience ended")
	}
	for _, conn := range open {
		conn.WantClosed(t)
	}
}
