package caddymodule

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"example.com/sidegate/caddymodule/token"
)

// readNamed reads the file of that name. An empty one is an error, for what is
// not configured means something else.
func readNamed(configured string) ([]byte, error) {
	path, err := resolve(configured)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err == nil && len(text) == 0 {
		err = fmt.Errorf("%s is empty: it should hold PEM", path)
	}
	return text, err
}

// readPrivateKey reads a PEM file; its errors hold nothing of the key.
func readPrivateKey(file string) (crypto.Signer, error) {
	pem, err := readNamed(file)
	if err != nil {
		return nil, err
	}
	return token.ParsePrivateKey(pem)
}

// readAuthorities reads a PEM file with certificates; none gives nil, which
// means the system's.
func readAuthorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := readNamed(file)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("ca: the file holds no PEM certificate")
	}
	return pool, nil
}
