package token

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

const maxPEM = 64 * 1024 // bytes of a signing key file

// ParsePrivateKey reads a file with one PEM private key (PKCS#8, SEC 1 or
// PKCS#1), at most 64 KiB and without a passphrase. Its errors leave out
// what the parser says, so that nothing of the file is ever printed.
func ParsePrivateKey(file []byte) (crypto.Signer, error) {
	if len(file) > maxPEM {
		return nil, fmt.Errorf("file is larger than %d bytes", maxPEM)
	}
	block, rest := pem.Decode(file)
	if block != nil && block.Type == "EC PARAMETERS" { // openssl ecparam writes it first
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, errors.New("not a PEM file with a private key")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("file holds more than one key: give each its own file")
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("private key has a passphrase: take it off with `openssl pkey -in <file> -out signing.pem`")
	}
	key, err := parseBlock(block)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("private key cannot sign")
	}
	return signer, nil
}

func parseBlock(block *pem.Block) (key any, err error) {
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, errors.New("PEM block is not a private key: it must say PRIVATE KEY")
	}
	if err != nil {
		return nil, errors.New("private key cannot be read: the file is damaged or its kind is not supported")
	}
	return key, nil
}
