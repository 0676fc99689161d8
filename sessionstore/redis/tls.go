package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"
)

// TLS is what a connection to Redis is made safe with, as files hold it.
type TLS struct {
	// CA holds the certificates, in PEM, that the server's must be signed by.
	// Empty means those that the system trusts.
	CA []byte
	// Cert and Key are the client's certificate and private key, in PEM, both
	// or neither: a server with tls-auth-clients asks for them.
	Cert, Key []byte
	// ServerName is what the server's certificate must be made out to. Empty
	// means the host that is connected to.
	ServerName string
}

// Config is the configuration for Config.TLS: TLS 1.2 at least. Its errors hold
// nothing of the key.
func (t TLS) Config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if len(t.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(t.CA) {
			return nil, errors.New("tls: ca holds no certificate: give it a file in PEM")
		}
	}
	if (len(t.Cert) == 0) != (len(t.Key) == 0) {
		return nil, errors.New("tls: cert and key belong together: give both, or neither")
	}
	if len(t.Cert) > 0 {
		pair, err := tls.X509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("tls: cert and key cannot be used, see that both are PEM and of one pair: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// tlsConfig completes a copy of what is configured; nil means no TLS. The name
// of the server is left to each connection: there may be many hosts.
func tlsConfig(configured *tls.Config, opts *goredis.Options) *tls.Config {
	if configured == nil {
		configured = opts.TLSConfig
	}
	if configured == nil {
		return nil
	}
	config := configured.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	return config
}
