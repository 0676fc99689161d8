package gatewaytest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Reload gives the running process the site as it is now, and waits until the
// configuration before takes no more connections and has ended those that were
// idle: a POST that was sent on one of them would be lost. Caddy does nothing
// when the site is as it was, and then this fails.
func (p *Process) Reload() {
	p.t.Helper()
	idle := p.idleConnection()
	if status, body := p.TryReload(p.Site.Caddyfile(p.Server)); status != http.StatusOK {
		p.t.Fatalf("reloading: %d %s", status, body)
	}
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		p.t.Fatalf("the configuration before has not ended its idle connections: %v", err)
	}
	NoRedirects.CloseIdleConnections()
}

// idleConnection is a connection that has had its answer. A server that shuts
// down closes its listeners first, and then such connections.
func (p *Process) idleConnection() net.Conn {
	p.t.Helper()
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", p.Port), Patience)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(Patience))
	fmt.Fprintf(conn, "GET /auth/.well-known/jwks.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return conn
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
