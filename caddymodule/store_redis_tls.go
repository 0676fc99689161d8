package caddymodule

import (
	"fmt"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/sessionstore/redis"
)

// RedisTLS makes the connection to Redis safe: TLS 1.2 at least. Placeholders
// {env.*} and {file.*} are resolved in all of it. The files are read when the
// configuration is loaded: reload after a certificate was renewed.
type RedisTLS struct {
	// CA is a PEM file of the certificates that Redis' must be signed by.
	// Default: what the system trusts.
	CA string `json:"ca,omitempty"`
	// Cert and Key are PEM files of the client's certificate and private key.
	Cert string `json:"cert,omitempty"`
	Key  string `json:"key,omitempty"`
	// ServerName is what Redis' certificate is made out to. Default: the host
	// of the address.
	ServerName string `json:"server_name,omitempty"`
}

// read resolves the names of the files and reads them.
func (t *RedisTLS) read() (files redis.TLS, err error) {
	if t.ServerName != "" {
		if files.ServerName, err = resolve(t.ServerName); err != nil {
			return redis.TLS{}, fmt.Errorf("server_name: %w", err)
		}
	}
	for _, f := range []struct {
		name, path string
		target     *[]byte
	}{
		{"ca", t.CA, &files.CA}, {"cert", t.Cert, &files.Cert}, {"key", t.Key, &files.Key},
	} {
		if f.path == "" {
			continue
		}
		if *f.target, err = readNamed(f.path); err != nil {
			return redis.TLS{}, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return files, nil
}

func (s *RedisStore) parseTLS(d *caddyfile.Dispenser) error {
	if s.TLS != nil {
		return directive.Err(d, "tls is given twice")
	}
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	s.TLS = new(RedisTLS)
	return directive.Block(d, "tls", map[string]directive.Option{
		"ca":          directive.File(&s.TLS.CA),
		"cert":        directive.File(&s.TLS.Cert),
		"key":         directive.File(&s.TLS.Key),
		"server_name": directive.Text(&s.TLS.ServerName),
	})
}
