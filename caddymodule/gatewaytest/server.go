package gatewaytest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Server is a gateway under test, in this process or in one of its own.
type Server struct {
	URL   string // of the gateway, http://127.0.0.1:port
	Port  int
	Users string // path of the users file
	Dir   string // of its data

	// OtherVersion is that of another commit runs, whose answers are not held
	// to the OpenAPI document of this one.
	OtherVersion bool
}

// Address is its host and port.
func (s *Server) Address() string { return strings.TrimPrefix(s.URL, "http://") }

// Start runs the gateway in this process until the test ends. There is one at
// a time.
func Start(t testing.TB, c Site) *Server {
	t.Helper()
	return StartEdited(t, c, func(caddyfile string, _ int) string { return caddyfile })
}

// StartEdited is Start with a last change to the Caddyfile.
func StartEdited(t testing.TB, c Site, edit func(caddyfile string, port int) string) *Server {
	t.Helper()
	s := c.Prepare(t)
	Load(t, edit(c.Caddyfile(s), s.Port))
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	return s
}

// InProcess starts a gateway and returns its handler, which takes what no
// socket and no client would let through.
func InProcess(t testing.TB, c Site) (*Server, http.Handler) {
	t.Helper()
	c.Options += "\nstore memory"
	s := Start(t, c)
	app, err := caddy.ActiveContext().AppIfConfigured("http")
	if err != nil {
		t.Fatal(err)
	}
	return s, app.(*caddyhttp.App).Servers["srv0"]
}

// Load runs a Caddyfile in this process, in place of what runs there.
func Load(t testing.TB, text string) {
	t.Helper()
	if err := caddy.Load(Adapt(t, text), true); err != nil {
		t.Fatalf("loading: %v\n%s", err, text)
	}
}

// Adapt makes the JSON configuration of a Caddyfile.
func Adapt(t testing.TB, text string) []byte {
	t.Helper()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatalf("adapting: %v\n%s", err, text)
	}
	return config
}
