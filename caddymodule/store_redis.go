package caddymodule

import (
	"cmp"
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

	"example.com/sidegate/caddymodule/directive"
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
	// unix:///run/redis.sock?db=0. With Sentinel or Cluster several addresses
	// may be given, separated by commas. Required. Placeholders {env.*} and
	// {file.*} are resolved here, in Username and Password, and in TLS.
	URL string `json:"url,omitempty"`
	// Username and Password go before those in the URL. With Sentinel those in
	// the URL are the sentinels' own, and Redis' too unless given here.
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	// KeyPrefix begins every key. Default: sidegate:
	KeyPrefix string `json:"key_prefix,omitempty"`
	// Sentinel is the name of the primary that Redis Sentinel watches; the URL
	// has the sentinels' addresses, of port 26379 unless it says otherwise.
	Sentinel string `json:"sentinel,omitempty"`
	// Cluster says that the URL has addresses of nodes of Redis Cluster.
	Cluster bool `json:"cluster,omitempty"`
	// TLS is used when it is there, and with rediss:// in any case.
	TLS *RedisTLS `json:"tls,omitempty"`
	// DialTimeout, ReadTimeout and WriteTimeout bound one step each. Default: 300ms.
	DialTimeout  caddy.Duration `json:"dial_timeout,omitempty"`
	ReadTimeout  caddy.Duration `json:"read_timeout,omitempty"`
	WriteTimeout caddy.Duration `json:"write_timeout,omitempty"`
	// Timeout bounds what is asked as a whole, retries and waiting for a
	// connection included. Default: 500ms.
	Timeout caddy.Duration `json:"timeout,omitempty"`
	// PoolSize bounds the connections. Default: 64.
	PoolSize int `json:"pool_size,omitempty"`
	// Wait makes a sign-out wait for replicas. Default: it does not.
	Wait *RedisWait `json:"wait,omitempty"`

	config redis.Config
	files  redis.TLS // what TLS names, as read
}

// RedisWait has a sign-out confirmed by replicas of Redis, without which a
// failover may undo it. One that is not confirmed is answered with 503: ask
// again.
type RedisWait struct {
	// Replicas is how many must confirm it, at least 1.
	Replicas int `json:"replicas,omitempty"`
	// Timeout bounds the wait. Default: 250ms.
	Timeout caddy.Duration `json:"timeout,omitempty"`
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
		Sentinel:     s.Sentinel,
		Cluster:      s.Cluster,
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
	if s.Timeout < 0 {
		return errors.New("timeout must not be negative")
	}
	if err := s.checkTimes(); err != nil {
		return err
	}
	if s.Wait != nil && (s.Wait.Replicas < 1 || s.Wait.Timeout < 0) {
		return errors.New("wait needs a number of replicas, at least 1, and a positive time: leave it out to wait for none")
	}
	if s.TLS == nil {
		return nil
	}
	if s.files, err = s.TLS.read(); err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	s.config.TLS, err = s.files.Config()
	return err
}

func (s *RedisStore) checkTimes() error {
	var wait caddy.Duration
	if s.Wait != nil {
		wait = s.Wait.Timeout
	}
	return cmp.Or(tooShort("dial_timeout", s.DialTimeout, leastTimeout), tooShort("read_timeout", s.ReadTimeout, leastTimeout),
		tooShort("write_timeout", s.WriteTimeout, leastTimeout), tooShort("timeout", s.Timeout, leastTimeout), tooShort("wait", wait, leastTimeout))
}

// leastTimeout is below what any answer over a network takes.
const leastTimeout = time.Millisecond

// connectionKey is the same for configurations that connect alike, and tells
// nothing of the password.
func (s *RedisStore) connectionKey() string {
	c := &s.config
	all, _ := json.Marshal([]any{
		c.URL, c.Username, c.Password, c.Sentinel, c.Cluster, c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.PoolSize,
		// What the files hold, so that a reload takes a renewed certificate up.
		c.TLS != nil, s.files,
	})
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
	opts := redis.Options{KeyPrefix: s.KeyPrefix, Timeout: time.Duration(s.Timeout), Now: now}
	if s.Wait != nil {
		opts.WaitReplicas, opts.WaitTimeout = s.Wait.Replicas, time.Duration(s.Wait.Timeout)
	}
	return redis.New(client.UniversalClient, sealer, opts), release, nil
}

// UnmarshalCaddyfile reads the store. Syntax:
//
//	store redis <url> {
//		username <name>
//		password <password>
//		key_prefix <prefix>
//		sentinel <master>
//		cluster
//		tls {
//			ca <file>
//			cert <file>
//			key <file>
//			server_name <name>
//		}
//		timeout <duration>
//		dial_timeout <duration>
//		read_timeout <duration>
//		write_timeout <duration>
//		pool_size <connections>
//		wait <replicas> [<timeout>]
//	}
//
// sentinel and cluster exclude one another; tls needs no block.
func (s *RedisStore) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the store's kind
	at := directive.Here(d)
	if d.NextArg() {
		s.URL = d.Val()
	}
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	err := directive.Block(d, "store redis", map[string]directive.Option{
		"username":      directive.Text(&s.Username),
		"password":      directive.Text(&s.Password),
		"key_prefix":    directive.Text(&s.KeyPrefix),
		"sentinel":      s.either("cluster", directive.Text(&s.Sentinel)),
		"cluster":       s.either("sentinel", directive.Flag(&s.Cluster)),
		"tls":           s.parseTLS,
		"timeout":       directive.Duration(&s.Timeout),
		"dial_timeout":  directive.Duration(&s.DialTimeout),
		"read_timeout":  directive.Duration(&s.ReadTimeout),
		"write_timeout": directive.Duration(&s.WriteTimeout),
		"pool_size":     s.parsePoolSize,
		"wait":          s.parseWait,
	})
	if err != nil {
		return err
	}
	return at.Wrap(s.checkWritten())
}

// checkWritten checks what stands in the block, but for what is told by
// placeholders and files.
func (s *RedisStore) checkWritten() error {
	w := *s
	w.URL, w.TLS = standIn(s.URL, "redis://"+unknownHost), nil
	w.Username, w.Password = standIn(s.Username, unknownHost), standIn(s.Password, unknownHost)
	return w.Provision(caddy.Context{})
}

// either refuses an option beside the other one.
func (s *RedisStore) either(other string, parse directive.Option) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		given := map[string]bool{"cluster": s.Cluster, "sentinel": s.Sentinel != ""}
		if given[other] {
			return directive.Errf(d, "%s and %s exclude one another: leave one of them out", d.Val(), other)
		}
		return parse(d)
	}
}

func (s *RedisStore) parsePoolSize(d *caddyfile.Dispenser) error {
	var value string
	if s.PoolSize != 0 {
		return directive.Err(d, "pool_size is given twice")
	}
	if !d.Args(&value) || d.NextArg() {
		return directive.ArgErr(d)
	}
	size, err := strconv.Atoi(value)
	if err != nil || size < 1 || size > 10_000 {
		return directive.Errf(d, "pool_size: %s is not a number of connections from 1 to 10000", directive.Number(value))
	}
	s.PoolSize = size
	return nil
}

func (s *RedisStore) parseWait(d *caddyfile.Dispenser) error {
	var value string
	if s.Wait != nil {
		return directive.Err(d, "wait is given twice")
	}
	if !d.Args(&value) {
		return directive.ArgErr(d)
	}
	replicas, err := strconv.Atoi(value)
	if err != nil || replicas < 1 || replicas > 100 {
		return directive.Errf(d, "wait: %s is not a number of replicas from 1 to 100", directive.Number(value))
	}
	s.Wait = &RedisWait{Replicas: replicas}
	if !d.NextArg() {
		return nil
	}
	timeout, err := caddy.ParseDuration(d.Val())
	if err != nil || timeout <= 0 {
		return directive.Errf(d, "wait: %s is not a time such as 250ms", directive.Number(d.Val()))
	}
	s.Wait.Timeout = caddy.Duration(timeout)
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	return nil
}

// patience is how long a look-up may take that the near cache asks for.
func (s *RedisStore) patience() time.Duration { return time.Duration(s.Timeout) }

func (*RedisStore) answered(err error) string { return redis.Answered(err) }

// Interface guards
var (
	_ looker                = (*RedisStore)(nil)
	_ StoreModule           = (*RedisStore)(nil)
	_ caddy.Provisioner     = (*RedisStore)(nil)
	_ caddyfile.Unmarshaler = (*RedisStore)(nil)
)
