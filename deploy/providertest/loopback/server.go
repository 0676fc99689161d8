// Package loopback serves HTTP on a port of 127.0.0.1 that can be shut, so
// that connections are refused, and opened again.
package loopback

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Server is a port of loopback with its URL, before and after it is served.
type Server struct {
	address     string
	certificate *tls.Certificate // nil without TLS

	mu       sync.Mutex
	handler  http.Handler
	server   *http.Server // nil while it is down
	listener net.Listener // until the handler is known
}

// Listen takes the port: host:port of loopback, or empty for a free one.
// Clients may connect from now on and are answered once Serve was called.
func Listen(address string) (*Server, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%q is not host:port of loopback: this server signs anybody in", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return &Server{address: l.Addr().String(), listener: l}, nil
}

// ListenTLS is Listen with a certificate of its own; see CertificatePEM.
func ListenTLS(address string) (*Server, error) {
	certificate, err := selfSigned(time.Now())
	if err != nil {
		return nil, err
	}
	s, err := Listen(address)
	if err == nil {
		s.certificate = certificate
	}
	return s, err
}

// Serve answers with the handler until Close.
func (s *Server) Serve(handler http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = handler
	s.serve(s.listener)
	s.listener = nil
}

func (s *Server) serve(l net.Listener) {
	s.server = &http.Server{Handler: s.handler, ReadHeaderTimeout: time.Minute}
	if s.certificate != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*s.certificate}, MinVersion: tls.VersionTLS12})
	}
	go func(server *http.Server) { _ = server.Serve(l) }(s.server) // it ends when it is shut
}

// Address is host:port.
func (s *Server) Address() string { return s.address }

// URL is the origin, without a slash at its end.
func (s *Server) URL() string {
	if s.certificate != nil {
		return "https://" + s.address
	}
	return "http://" + s.address
}

// Down shuts the port: connections are cut, and further ones refused.
func (s *Server) Down() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		_ = s.server.Close() // what it was serving is cut off on purpose
		s.server = nil
	}
	if s.listener != nil {
		_ = s.listener.Close()
		s.listener = nil
	}
}

// Up opens the port again after Down. It fails when another process has taken
// the port meanwhile.
func (s *Server) Up() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil || s.handler == nil {
		return errors.New("only a server that was served and is down can come up")
	}
	l, err := net.Listen("tcp", s.address)
	if err == nil {
		s.serve(l)
	}
	return err
}

// Close ends the server.
func (s *Server) Close() { s.Down() }

// Check refuses an URL that leaves this machine.
func Check(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("not an URL")
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%s is not loopback", u.Host)
	}
	return nil
}
