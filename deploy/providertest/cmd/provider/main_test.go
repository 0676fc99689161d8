package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key.pem")
	private, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-address", "127.0.0.1:0", "-algorithm", "ES256", "-key", key}, write)
		write.Close()
	}()
	issuer, bye, clients, people := "", "", 0, 0
	for lines := bufio.NewScanner(read); people < 3 && lines.Scan(); {
		switch words := strings.Fields(lines.Text()); words[0] {
		case "issuer":
			issuer = words[1]
		case "client":
			clients++
		case "after":
			bye = words[2]
		case "person":
			people++
		}
	}
	if clients != 3 {
		t.Errorf("%d clients", clients)
	}
	if bye != "http://127.0.0.1:8080/auth/logout" { // as the README has it registered
		t.Errorf("a sign-out goes back to %q", bye)
	}
	resp, err := http.Get(issuer + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("discovery answers %s", resp.Status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRunRefuses(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(notPEM, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"an address that others reach": {"-address", "0.0.0.0:0"},
		"a key file that is not there": {"-key", notPEM + "x"},
		"a key file that is none":      {"-key", notPEM},
		"an algorithm that it has not": {"-address", "127.0.0.1:0", "-algorithm", "HS256"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := run(t.Context(), args, io.Discard); err == nil {
				t.Error("it ran")
			}
		})
	}
}
