package gatewaytest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// SecureHost is the site that speaks TLS, and so HTTP/2.
const SecureHost = "app.example.com"

// Secure is a guarded site over TLS beside the plain one of a server.
type Secure struct {
	*Server
	Address string
	Roots   *x509.CertPool
}

// StartSecure starts the site over TLS with the routes of the plain one. Its
// certificate is of a CA that lies in the storage of the test.
func StartSecure(t testing.TB, c Site) *Secure {
	t.Helper()
	return StartSecureBy(t, c, FreePort(t), "h1 h2")
}

// StartSecureBy is StartSecure with the port of the site and the protocols that
// it speaks.
func StartSecureBy(t testing.TB, c Site, port int, protocols string) *Secure {
	t.Helper()
	s := StartEdited(t, c, func(text string, plain int) string { return secured(text, plain, port, protocols) })
	return awaitSecure(t, s, port)
}

// StartSecureProcess is StartSecureBy in a process of its own, with more in its
// environment.
func StartSecureProcess(t testing.TB, c Site, port int, protocols string, env ...string) *Secure {
	t.Helper()
	p := NewProcess(t, c)
	file := p.ConfigFile()
	WriteFile(t, file, secured(p.Site.Caddyfile(p.Server), p.Port, port, protocols))
	cmd := CaddyCommand(context.Background(), p.Dir, "run", "--adapter", "caddyfile", "--config", file)
	cmd.Env = append(cmd.Env, env...)
	p.Run(cmd)
	return awaitSecure(t, p.Server, port)
}

// secured adds the site over TLS to a Caddyfile.
func secured(text string, plain, port int, protocols string) string {
	text = strings.Replace(text, "auto_https off",
		"auto_https disable_redirects\nskip_install_trust\nlocal_certs\nservers {\nprotocols "+protocols+"\n}", 1)
	_, routes, _ := strings.Cut(text, fmt.Sprintf("http://127.0.0.1:%d {", plain))
	return text + fmt.Sprintf("https://%s:%d {\ntls internal\n%s", SecureHost, port, routes)
}

func awaitSecure(t testing.TB, s *Server, port int) *Secure {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", port)
	roots := x509.NewCertPool()
	Await(t, "the local CA has given a certificate", func() bool {
		root, err := os.ReadFile(filepath.Join(s.Dir, "storage", "pki", "authorities", "local", "root.crt"))
		if err != nil || !roots.AppendCertsFromPEM(root) {
			return false
		}
		c, err := tls.Dial("tcp", address, &tls.Config{ServerName: SecureHost, RootCAs: roots})
		if err == nil {
			err = c.Close()
		}
		return err == nil
	})
	return &Secure{s, address, roots}
}
