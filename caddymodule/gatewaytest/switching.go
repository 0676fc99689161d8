package gatewaytest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// NewSwitching runs an upstream that switches protocols, sends who it was told
// the caller is, and then echoes every byte. It returns its host and port.
func NewSwitching(t testing.TB) string {
	t.Helper()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			http.Error(w, "no upgrade arrived", http.StatusBadRequest)
			return
		}
		c, in, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n%s|%s|%s\n",
			r.Header.Get("X-Session-Email"), r.Header.Get("Cookie"), r.Header.Get("Sec-Websocket-Key"))
		_, _ = io.Copy(c, in) // until the client has had enough
	}))
	t.Cleanup(up.Close)
	return strings.TrimPrefix(up.URL, "http://")
}
