package loopback_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/deploy/providertest/loopback"
)

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })

func get(t *testing.T, s *loopback.Server) (string, error) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CertificatePEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(s.URL())
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestDownAndUp(t *testing.T) {
	t.Parallel()
	for name, listen := range map[string]func(string) (*loopback.Server, error){
		"http": loopback.Listen, "https": loopback.ListenTLS,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := listen("")
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.Up(); err == nil {
				t.Error("it came up without a handler")
			}
			s.Serve(hello)
			if !strings.HasPrefix(s.URL(), name+"://127.0.0.1:") || !strings.HasSuffix(s.URL(), s.Address()) {
				t.Errorf("the URL is %s", s.URL())
			}
			for range 2 {
				if body, err := get(t, s); err != nil || body != "hello" {
					t.Fatalf("%q %v", body, err)
				}
				if err := s.Up(); err == nil {
					t.Error("it came up twice")
				}
				s.Down()
				if _, err := get(t, s); err == nil || !strings.Contains(err.Error(), "refused") {
					t.Fatalf("down: %v", err)
				}
				if err := s.Up(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "localhost:0", "127.0.0.1"} {
		if s, err := loopback.Listen(address); err == nil {
			s.Close()
			t.Errorf("it listens on %q", address)
		}
	}
	for url, want := range map[string]bool{
		"http://127.0.0.1:80/x": true, "https://[::1]/": true, "http://localhost/": false,
		"http://sso.example.com/": false, "http://127.0.0.1.example.com/": false, "http://127.0.0.1@evil.example.com/": false, ":": false, "": false,
	} {
		if err := loopback.Check(url); (err == nil) != want {
			t.Errorf("%q: %v", url, err)
		}
	}
}
