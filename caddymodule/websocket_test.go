package caddymodule_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

const upgrade = "Connection: keep-alive, Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"

func TestWebsockets(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: gatewaytest.NewSwitching(t)})
	c := s.Client(t)
	token := c.SignIn(gatewaytest.Ada).Token
	const get = "GET /live HTTP/1.1\nHost: 127.0.0.1\n"

	for name, credential := range map[string]string{
		"by cookie":                      "Cookie: theme=dark; " + c.Cookie + "\n",
		"by token":                       "Cookie: theme=dark\nAuthorization: Bearer " + token + "\n",
		"with headers that it made up":   "Cookie: theme=dark; " + c.Cookie + "\nX-Session-Email: forged\nx_session_email: forged\n",
		"with names in Connection":       "Cookie: theme=dark; " + c.Cookie + "\nConnection: X-Session-Email\n",
		"that says it is something else": "Cookie: theme=dark; " + c.Cookie + "\nSec-Fetch-Mode: websocket\n",
	} {
		t.Run("bytes flow both ways for a caller "+name, func(t *testing.T) {
			conn := gatewaytest.Dial(t, s.Address())
			conn.Send(t, gatewaytest.CRLF(get+upgrade+credential+"\n"))
			resp, err := http.ReadResponse(conn.In, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("answered %s", resp.Status)
			}
			wantLine(t, conn.In, gatewaytest.Ada+"|theme=dark|dGhlIHNhbXBsZSBub25jZQ==")
			for _, said := range []string{"one", "\x81\x05hello", "three"} {
				conn.Send(t, said+"\n")
				wantLine(t, conn.In, said)
			}
		})
	}
	for name, lines := range map[string]string{
		"a caller without a session":         "",
		"a caller with a bad cookie":         "Cookie: sidegate=x\n",
		"a caller with a bad token":          "Authorization: Bearer x\nCookie: " + c.Cookie + "\n",
		"a caller who claims to be somebody": "X-Session-Email: forged\n",
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			conn := gatewaytest.Dial(t, s.Address())
			conn.Send(t, gatewaytest.CRLF(get+upgrade+lines+"\n"))
			conn.Receive(t, "GET").Want(t, http.StatusUnauthorized)
		})
	}
}

func wantLine(t testing.TB, in *bufio.Reader, want string) {
	t.Helper()
	got, err := in.ReadString('\n')
	if err != nil || strings.TrimSuffix(got, "\n") != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

// TestEventsArriveAsTheyAreSent: the upstream sends the next event only after
// the client has said that it got the one before, so a gateway that gathers
// them up never comes to the end.
func TestEventsArriveAsTheyAreSent(t *testing.T) {
	got := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %s %d\n\n", r.Header.Get("X-Session-Email"), i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			select {
			case <-got:
			case <-r.Context().Done():
				return
			}
		}
	}))
	t.Cleanup(up.Close)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: strings.TrimPrefix(up.URL, "http://")})
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
	conn := gatewaytest.Dial(t, s.Address())
	conn.Send(t, gatewaytest.CRLF("GET /events HTTP/1.1\nHost: 127.0.0.1\nAccept: text/event-stream\nCookie: "+c.Cookie+"\n\n"))
	resp, err := http.ReadResponse(conn.In, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := bufio.NewReader(resp.Body)
	for i := range 3 {
		wantLine(t, events, fmt.Sprintf("data: %s %d", gatewaytest.Ada, i))
		wantLine(t, events, "")
		got <- struct{}{}
	}
}
