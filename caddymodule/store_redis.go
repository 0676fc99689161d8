package caddymodule

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
)

func init() {
	caddy.RegisterModule(RedisStore{})
	// go-redis has one logger for the whole process, which writes to stderr.
	redis.LogTo(func(message string) { caddy.Log().Named("sidegate.redis").Debug(message) })
}

// RedisStore keeps sessions in Redis, so that any number of gateways know
// everybody who signed in at one of them. It needs a secret that they share.
type RedisStore struct {
	// URL is redis://host:6379/0, rediss://host:6379/0 for TLS, or
	// unix:///run/redis.sock?db=0. Required. Placeholders {env.*} and {file.*}
	// are resolved here and in Username and Password.
	URL string `json:"url,omitempty"`
	// Username and Password go before those in the URL.
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	// KeyPrefix begins every key. Default: sidegate:
	KeyPrefix string `json:"key_prefix,omitempty"`
	// DialTimeout, ReadTimeout and WriteTimeout bound one step each. Default: 300ms.
	DialTimeout  caddy.Duration `json:"dial_timeout,omitempty"`
	ReadTimeout  caddy.Duration `json:"read_timeout,omitempty"`
	WriteTimeout caddy.Duration `json:"write_timeout,omitempty"`
	// PoolSize bounds the connections. Default: 64.
	PoolSize int `json:"pool_size,omitempty"`

	config redis.Config
}

// keptClient is a Redis client, shared by all configurations that connect alike.
type keptClient struct{ goredis.UniversalClient }

// Destruct closes the connections after the last configuration that used them.
func (k keptClient) Destruct() error { return k.Close() }

// CaddyModule returns the Caddy module information.
func (RedisStore) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "sidegate.stores.redis",
		New: func() caddy.Module { return new(RedisStore) },
	}
}

// Provision reads the configuration. It touches no network.
func (s *RedisStore) Provision(caddy.Context) error {
	if err := s.configure(); err != nil {
		return fmt.Errorf("store redis: %w", err)
	}
	client, err := s.connect() // only to tell now what is wrong with it
	if err != nil {
		return err
	}
	return client.Close()
}

func (s *RedisStore) connect() (keptClient, error) {
	client, err := redis.Open(s.config)
	if err != nil {
		return keptClient{}, fmt.Errorf("store redis: %w", err)
	}
	return keptClient{client}, nil
}

func (s *RedisStore) configure() (err error) {
	if s.URL == "" {
		return errors.New("it has no address: give one such as redis://localhost:6379/0")
	}
	s.config = redis.Config{
		DialTimeout:  time.Duration(s.DialTimeout),
		ReadTimeout:  time.Duration(s.ReadTimeout),
		WriteTimeout: time.Duration(s.WriteTimeout),
		PoolSize:     s.PoolSize,
	}
	for name, field := range map[string]struct {
		configured string
		target     *string
	}{
		"url":      {s.URL, &s.config.URL},
		"username": {s.Username, &s.config.Username},
		"password": {s.Password, &s.config.Password},
	} {
		if field.configured == "" {
			continue
		}
		if *field.target, err = resolve(field.configured); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if strings.ContainsAny(s.KeyPrefix, "{}") {
		return errors.New("key_prefix must hold no braces: they decide the slot in Redis Cluster")
	}
	return nil
}

// connectionKey is the same for configurations that connect alike, and tells
// nothing of the password.
func (s *RedisStore) connectionKey() string {
	c := &s.config
	all, _ := json.Marshal([]any{c.URL, c.Username, c.Password, c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.PoolSize})
	sum := sha256.Sum256(all)
	return "sidegate.stores.redis:" + hex.EncodeToString(sum[:])
}

// Shared is true: every gateway with this Redis has the same sessions.
func (*RedisStore) Shared() bool { return true }

// Open returns the store. A Redis that is down now may come up later.
func (s *RedisStore) Open(sealer *sessionstore.Sealer, now func() time.Time) (sessionstore.Store, func() error, error) {
	client, release, err := pooled(s.connectionKey(), s.connect)
	if err != nil {
		return nil, nil, err
	}
	return redis.New(client.UniversalClient, sealer, redis.Options{KeyPrefix: s.KeyPrefix, Now: now}), release, nil
}

// UnmarshalCaddyfile reads the store. Syntax:
//
//	store redis <url> {
//		username <name>
//		password <password>
//		key_prefix <prefix>
//		dial_timeout <duration>
//		read_timeout <duration>
//		write_timeout <duration>
//		pool_size <connections>
//	}
func (s *RedisStore) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the store's kind
	if d.NextArg() {
		s.URL = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return parseBlock(d, "store redis", map[string]option{
		"username":      text(&s.Username),
		"password":      text(&s.Password),
		"key_prefix":    text(&s.KeyPrefix),
		"dial_timeout":  duration(&s.DialTimeout),
		"read_timeout":  duration(&s.ReadTimeout),
		"write_timeout": duration(&s.WriteTimeout),
		"pool_size":     s.parsePoolSize,
	})
}

func (s *RedisStore) parsePoolSize(d *caddyfile.Dispenser) error {
	var value string
	if s.PoolSize != 0 {
		return d.Err("pool_size is given twice")
	}
	if !d.Args(&value) || d.NextArg() {
		return d.ArgErr()
	}
	size, err := strconv.Atoi(value)
	if err != nil || size < 1 || size > 10_000 {
		return d.Errf("pool_size: '%s' is not a number of connections from 1 to 10000", value)
	}
	s.PoolSize = size
	return nil
}

// Interface guards
var (
	_ StoreModule           = (*RedisStore)(nil)
	_ caddy.Provisioner     = (*RedisStore)(nil)
	_ caddyfile.Unmarshaler = (*RedisStore)(nil)
)
