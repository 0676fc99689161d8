package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Files are the files that a client of a server with TLS needs, all in PEM.
type Files struct{ CA, Cert, Key string }

// authority is a certificate authority made for one server, or for one group.
type authority struct {
	t      testing.TB
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	ca     string
	server Files
	caller Files
}

// TLS makes the server speak TLS only, and demand a certificate of its clients.
// Its own is made out to 127.0.0.1 and redis.example.com. All servers of a group
// that is started with it, sentinels too, have one authority and speak TLS among
// themselves.
func TLS() Option {
	var shared *authority
	return func(s *Server) {
		if shared == nil {
			shared = newAuthority(s.t, s.dir)
		}
		s.tls = shared
	}
}

// scheme begins the URL of a server.
func (a *authority) scheme() string {
	if a == nil {
		return "redis"
	}
	return "rediss"
}

// Files are what a client needs to be let in by a server with TLS, and by every
// other of its group.
func (s *Server) Files() Files { return s.tls.caller }

func newAuthority(t testing.TB, dir string) *authority {
	t.Helper()
	a := &authority{t: t, ca: filepath.Join(dir, "ca.pem")}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = newKey(t)
	writePEM(t, a.ca, "CERTIFICATE", a.sign(a.cert, a.key))
	a.server = a.issue(dir, "server", 2)
	a.caller = a.issue(dir, "client", 3)
	return a
}

// issue makes a key and its certificate, for both ends of a connection: Redis
// shows its own when it is a client of its primary.
func (a *authority) issue(dir, name string, serial int64) Files {
	a.t.Helper()
	key := newKey(a.t)
	der := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"redis.example.com"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, key)
	f := Files{a.ca, filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")}
	writePEM(a.t, f.Cert, "CERTIFICATE", der)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatalf("writing a test key: %v", err)
	}
	writePEM(a.t, f.Key, "PRIVATE KEY", private)
	return f
}

func (a *authority) sign(template *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatalf("signing a test certificate: %v", err)
	}
	return der
}

// arguments make a server speak TLS on that port, and towards other servers.
func (a *authority) arguments(port int) []string {
	return []string{
		"--port", "0", "--tls-port", fmt.Sprint(port), "--tls-ca-cert-file", a.ca,
		"--tls-cert-file", a.server.Cert, "--tls-key-file", a.server.Key, "--tls-auth-clients", "yes",
		// A sentinel reaches all others by the setting that is for replicas.
		"--tls-replication", "yes", "--tls-cluster", "yes",
	}
}

// client is what the test's own clients use; nil without TLS.
func (a *authority) client() *tls.Config {
	if a == nil {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(a.caller.Cert, a.caller.Key)
	if err != nil {
		a.t.Errorf("reading a test certificate: %v", err)
	}
	ca, err := os.ReadFile(a.ca)
	if err != nil {
		a.t.Errorf("reading a test certificate: %v", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("making a test key: %v", err)
	}
	return key
}

func writePEM(t testing.TB, file, kind string, der []byte) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatalf("writing a test certificate: %v", err)
	}
}
