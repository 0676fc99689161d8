package gatewaytest

import (
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
)

// Reload gives the running process the site as it is now, and waits until the
// configuration before is out of the way. Caddy does nothing when the site is
// as it was, and then this fails.
func (p *Process) Reload() {
	p.t.Helper()
	p.replaced(p.t, func() {
		if status, body := p.TryReload(p.Site.Caddyfile(p.Server)); status != http.StatusOK {
			p.t.Fatalf("reloading: %d %s", status, body)
		}
	})
}

// Replace runs another site in place of this one, in this process, with its
// port and its folder, and waits until the one before is out of the way.
func (s *Server) Replace(t testing.TB, c Site) {
	t.Helper()
	c.Dir = s.Dir
	c.Prepare(t)
	s.replaced(t, func() { Load(t, c.Caddyfile(s)) })
}

// replaced waits until the configuration before takes no more connections and
// has ended those that were idle: a connection that it still took would be
// reset, and a POST that was sent on an idle one lost.
func (s *Server) replaced(t testing.TB, reload func()) {
	t.Helper()
	idle := s.idleConnection(t)
	reload()
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("the configuration before has not ended its idle connections: %v", err)
	}
	NoRedirects.CloseIdleConnections()
}

// idleConnection is a connection that has had its answer. A server that shuts
// down closes its listeners first, and then such connections.
func (s *Server) idleConnection(t testing.TB) net.Conn {
	t.Helper()
	socket := Dial(t, s.Address())
	socket.Send(t, "GET /auth/.well-known/jwks.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	socket.Receive(t, http.MethodGet)
	return socket
}

// TryReload gives the running process a Caddyfile through the admin API.
func (p *Process) TryReload(text string) (status int, body string) {
	p.t.Helper()
	a := p.admin().Do(http.MethodPost, "/load", text, "Content-Type", "text/caddyfile")
	return a.StatusCode, a.Body
}

// admin asks Caddy's admin endpoint.
func (p *Process) admin() *Client {
	return &Client{T: p.t, Server: &Server{URL: "http://" + p.Site.Admin}}
}
