package attacks_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	gorilla "github.com/gorilla/websocket"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// newSaying is an app whose websockets say one word. ended has each end of one.
func newSaying(t *testing.T) (upstream string, ended chan struct{}) {
	t.Helper()
	ended = make(chan struct{}, 10)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := new(gorilla.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			return // it was not asked for one
		}
		defer c.Close()
		if err := c.WriteMessage(gorilla.TextMessage, []byte("said")); err != nil {
			t.Error(err)
		}
		_, _, _ = c.ReadMessage() // until it ends
		ended <- struct{}{}
	}))
	t.Cleanup(up.Close)
	return strings.TrimPrefix(up.URL, "http://"), ended
}

// TestAWebsocketByAnExtendedConnectEndsWithItsSession: with a close frame, behind which
// nothing comes (RFC 6455, section 7.4.1), and so does the app's.
func TestAWebsocketByAnExtendedConnectEndsWithItsSession(t *testing.T) {
	upstream, ended := newSaying(t)
	s, clients := connectors(t, upstream, connectRoutes)
	for version, open := range clients {
		for _, path := range []string{"/live", "/public/live"} {
			t.Run(version+" "+path, func(t *testing.T) {
				c := s.Client(t)
				c.SignIn(gatewaytest.Ada)
				status, flow := open(t, "websocket", path, "cookie", c.Cookie, "sec-websocket-version", "13")
				if status != "200" {
					t.Fatalf("answered %s", status)
				}
				said := make([]byte, len("\x81\x04said"))
				if _, err := io.ReadFull(flow, said); err != nil || string(said) != "\x81\x04said" {
					t.Fatalf("got %q, %v", said, err)
				}
				c.Post("/auth/logout").Want(t, http.StatusNoContent)
				var rest bytes.Buffer
				_, _ = io.Copy(&rest, readsAlone{flow})
				if want := "\x88\x0f\x03\xf0session ended"; rest.String() != want {
					t.Errorf("it ended with %q; want %q", rest.String(), want)
				}
				<-ended
			})
		}
	}
}

// readsAlone has no other method.
type readsAlone struct{ io.Reader }
