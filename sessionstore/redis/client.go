package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Defaults of Config. They are short on purpose: a request waits for them when
// Redis hangs.
const (
	DefaultDialTimeout  = 300 * time.Millisecond
	DefaultReadTimeout  = 300 * time.Millisecond
	DefaultWriteTimeout = 300 * time.Millisecond
	DefaultPoolSize     = 64
)

// maxRedirects is how often a cluster may send one command on to another node.
const maxRedirects = 3

// Config says how to reach Redis.
type Config struct {
	// URL is redis://host:6379/0, rediss://host:6379/0 for TLS, or
	// unix:///run/redis.sock?db=0. Host, port and database may be left out
	// and are then localhost, 6379 (26379 with Sentinel) and 0. With Sentinel
	// or Cluster several addresses may be given: redis://host1,host2:6380/0.
	// Required.
	URL string
	// Username and Password go before those in the URL. With Sentinel those in
	// the URL are the sentinels' own, and Redis' too unless given here.
	Username string
	Password string
	// Sentinel is the name of a primary that Redis Sentinel watches; the URL
	// has the addresses of sentinels then. It excludes Cluster.
	Sentinel string
	// Cluster says that the URL has addresses of nodes of Redis Cluster, any
	// of them; the others are found. There is database 0 only.
	Cluster bool
	// TLS is used when it is not nil, and with rediss:// in any case, towards
	// sentinels too. An empty ServerName is the host that is connected to; the
	// least MinVersion is TLS 1.2.
	TLS *tls.Config
	// DialTimeout, ReadTimeout and WriteTimeout bound one attempt to connect,
	// one answer, and one question. 0 means the default of that name.
	DialTimeout  time.Duration
	ReadTimeout  time.Duration
	WriteTimeout time.Duration
	// PoolSize is how many connections there may be, to each node of a
	// cluster. 0 means DefaultPoolSize.
	PoolSize int
}

// Open makes a client of Redis, for New. It does not touch the network. Its
// errors hold neither the URL nor a password.
//
// The client repeats nothing by itself: a script or a count that was sent may
// have been done. Only what a server refused to do (a key that lies on another
// node of the cluster) is taken elsewhere. It asks primaries alone, for a
// replica that lags behind knows too little. It heeds deadlines, says nothing
// of itself to the server, subscribes to no notifications, and leaves a server
// that cannot be reached alone for a moment (see breaker).
func Open(cfg Config) (goredis.UniversalClient, error) {
	opts, addrs, err := cfg.options()
	if err != nil {
		return nil, err
	}
	switch {
	case cfg.Cluster:
		return openCluster(opts, addrs), nil
	case cfg.Sentinel != "":
		return openSentinel(opts, addrs, cfg), nil
	}
	client := goredis.NewClient(opts)
	client.AddHook(newGuard(opts, false))
	return client, nil
}

// options are those of one server, and the addresses that the URL names.
func (cfg Config) options() (*goredis.Options, []string, error) {
	if cfg.DialTimeout < 0 || cfg.ReadTimeout < 0 || cfg.WriteTimeout < 0 || cfg.PoolSize < 0 {
		// To go-redis a negative time-out means to wait for ever.
		return nil, nil, errors.New("time-outs and pool size of redis must be positive")
	}
	opts, addrs, err := cfg.parseURL()
	if err != nil {
		return nil, nil, err
	}
	opts.TLSConfig = tlsConfig(cfg.TLS, opts)
	opts.DialTimeout = cmp.Or(cfg.DialTimeout, DefaultDialTimeout)
	opts.ReadTimeout = cmp.Or(cfg.ReadTimeout, DefaultReadTimeout)
	opts.WriteTimeout = cmp.Or(cfg.WriteTimeout, DefaultWriteTimeout)
	opts.PoolSize = cmp.Or(cfg.PoolSize, DefaultPoolSize)
	if cfg.Sentinel == "" {
		opts.Username = cmp.Or(cfg.Username, opts.Username)
		opts.Password = cmp.Or(cfg.Password, opts.Password)
	}
	settle(opts)
	opts.Dialer = dialer(opts)
	return opts, addrs, nil
}

// settle sets what is the same for every client.
func settle(opts *goredis.Options) {
	opts.ContextTimeoutEnabled = true // else a hung server outlasts every deadline
	opts.MaxRetries = -1              // 0 would mean three
	opts.DialerRetries = 1
	opts.DisableIdentity = true
	opts.PipelinePoolSize = -1 // one pool for all that is sent
	// RESP2 has no push messages, which RESP3 looks for before every command.
	opts.Protocol = 2
	opts.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// openSentinel asks the sentinels for the primary whenever it connects, and
// drops the connections to the one before when they announce another.
func openSentinel(o *goredis.Options, addrs []string, cfg Config) goredis.UniversalClient {
	client := goredis.NewFailoverClient(&goredis.FailoverOptions{
		MasterName: cfg.Sentinel, SentinelAddrs: addrs,
		SentinelUsername: o.Username, SentinelPassword: o.Password,
		Username: cmp.Or(cfg.Username, o.Username), Password: cmp.Or(cfg.Password, o.Password),
		DB: o.DB, Dialer: o.Dialer, TLSConfig: o.TLSConfig, Protocol: o.Protocol,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		ContextTimeoutEnabled: o.ContextTimeoutEnabled,
		MaxRetries:            o.MaxRetries, DialerRetries: o.DialerRetries,
		DisableIdentity: o.DisableIdentity,
		PoolSize:        o.PoolSize, PipelinePoolSize: o.PipelinePoolSize,
	})
	client.AddHook(newGuard(o, false))
	return client
}

// openCluster guards each node by itself: one that is down must not keep us
// from the others.
func openCluster(o *goredis.Options, addrs []string) goredis.UniversalClient {
	client := goredis.NewClusterClient(&goredis.ClusterOptions{
		Addrs: addrs,
		NewClient: func(node *goredis.Options) *goredis.Client {
			client := goredis.NewClient(node)
			client.AddHook(newGuard(node, true))
			return client
		},
		MaxRedirects: maxRedirects, DisableRoutingPolicies: true,
		Username: o.Username, Password: o.Password, Dialer: o.Dialer, TLSConfig: o.TLSConfig, Protocol: o.Protocol,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		ContextTimeoutEnabled: o.ContextTimeoutEnabled,
		MaxRetries:            o.MaxRetries, DialerRetries: o.DialerRetries,
		DisableIdentity: o.DisableIdentity,
		PoolSize:        o.PoolSize, PipelinePoolSize: o.PipelinePoolSize,
		MaintNotificationsConfig: o.MaintNotificationsConfig,
	})
	client.AddHook(&reveal{reload: func() { client.ReloadState(context.Background()) }})
	return client
}
