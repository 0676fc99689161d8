package faults_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// quietStream is an app that begins an event stream and then says nothing. ended
// has each end of one.
func quietStream(t *testing.T) (upstream string, ended chan string) {
	ended = make(chan string, 1000)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: begun\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		ended <- r.URL.Path
	}))
	t.Cleanup(up.Close)
	return strings.TrimPrefix(up.URL, "http://"), ended
}

// streamRoutes lead to the app on various ways.
var streamRoutes = map[string]string{
	"on the plain way": "session_endpoints\nsession_auth\nreverse_proxy {upstream}",
	"by an error route": "session_endpoints\nsession_auth\nerror 503\nhandle_errors {\nreverse_proxy {upstream} {\n" +
		"rewrite /error\n}\n}",
	"by an error route with a session_auth of its own": "session_endpoints\nsession_auth\nerror 503\n" +
		"handle_errors {\nsession_auth\nreverse_proxy {upstream}\n}",
	"through two session_auths": "session_endpoints\nsession_auth\n@all path /*\nsession_auth @all {\npath /nowhere\n}\nreverse_proxy {upstream}",
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	for name, routes := range streamRoutes {
		t.Run(name, func(t *testing.T) { streamEndsWithItsSession(t, routes) })
	}
}

func streamEndsWithItsSession(t *testing.T, routes string) {
	upstream, ended := quietStream(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: upstream, Routes: routes})
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
	conn := gatewaytest.Dial(t, s.Address())
	conn.Send(t, gatewaytest.CRLF("GET /events HTTP/1.1\nHost: 127.0.0.1\nAccept: text/event-stream\nCookie: "+c.Cookie+"\n\n"))
	resp, err := http.ReadResponse(conn.In, nil)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(resp.Body)
	if line, err := in.ReadString('\n'); line != "data: begun\n" {
		t.Fatal(line, err)
	}
	c.Post("/auth/logout").Want(t, http.StatusNoContent)
	if _, err := io.Copy(io.Discard, in); err == nil {
		t.Error("what was cut off ends as if it were whole")
	}
	<-ended
}
