package redis_test

import (
	"crypto/tls"
	"os"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// files reads what a client of that server needs.
func files(t *testing.T, srv *redistest.Server) redis.TLS {
	t.Helper()
	read := func(file string) []byte {
		text, err := os.ReadFile(file)
		must(t, err)
		return text
	}
	f := srv.Files()
	return redis.TLS{CA: read(f.CA), Cert: read(f.Cert), Key: read(f.Key)}
}

func tlsOf(t *testing.T, srv *redistest.Server, serverName string) *tls.Config {
	t.Helper()
	f := files(t, srv)
	f.ServerName = serverName
	config, err := f.Config()
	must(t, err)
	return config
}

func TestTLSToARealServer(t *testing.T) {
	srv := redistest.Start(t, redistest.TLS())
	ping := func(t *testing.T, cfg redis.Config) error {
		cfg.URL = srv.URL()
		return ping(t, redis.New(open(t, cfg), sealer(t, "a secret"), redis.Options{Timeout: patience}))
	}
	t.Run("a certificate made out to the configured name is taken", func(t *testing.T) {
		must(t, ping(t, redis.Config{TLS: tlsOf(t, srv, "redis.example.com")}))
	})
	t.Run("a certificate made out to somebody else is refused", func(t *testing.T) {
		cannotTell(t, ping(t, redis.Config{TLS: tlsOf(t, srv, "mallory.example.com")}))
	})
	t.Run("a certificate of an authority that is not trusted is refused", func(t *testing.T) {
		cannotTell(t, ping(t, redis.Config{}))
	})
	t.Run("a server that asks for a certificate is not reached without one", func(t *testing.T) {
		config := tlsOf(t, srv, "")
		config.Certificates = nil
		cannotTell(t, ping(t, redis.Config{TLS: config}))
	})
}

func TestTLSRefusesWithoutRepeatingTheKey(t *testing.T) {
	srv := redistest.Start(t, redistest.TLS())
	good, other := files(t, srv), files(t, redistest.Start(t, redistest.TLS()))
	for name, test := range map[string]struct {
		files redis.TLS
		want  string
	}{
		"an authority that is no certificate":     {redis.TLS{CA: []byte("hunter2")}, "ca holds no certificate"},
		"a certificate without its key":           {redis.TLS{Cert: good.Cert}, "give both, or neither"},
		"a key without its certificate":           {redis.TLS{Key: good.Key}, "give both, or neither"},
		"a key of another certificate":            {redis.TLS{Cert: good.Cert, Key: other.Key}, "of one pair"},
		"a key that is none":                      {redis.TLS{Cert: good.Cert, Key: []byte("hunter2")}, "PEM"},
		"a certificate and a key the wrong way":   {redis.TLS{Cert: good.Key, Key: good.Cert}, "of one pair"},
		"an authority that is the key of another": {redis.TLS{CA: other.Key}, "ca holds no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := test.files.Config()
			if err == nil || config != nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("the error is %v; want %q", err, test.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error %q repeats what it was given", err)
			}
		})
	}
	t.Run("no files at all trust what the system trusts, from TLS 1.2 on", func(t *testing.T) {
		config, err := redis.TLS{}.Config()
		if err != nil || config.RootCAs != nil || config.MinVersion != tls.VersionTLS12 || config.InsecureSkipVerify {
			t.Errorf("TLS is %+v, %v", config, err)
		}
	})
}
