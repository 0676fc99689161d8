package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
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

// Config says how to reach Redis.
type Config struct {
	// URL is redis://host:6379/0, rediss://host:6379/0 for TLS, or
	// unix:///run/redis.sock?db=0. Host, port and database may be left out
	// and are then localhost, 6379 and 0. Required.
	URL string
	// Username and Password go before those in the URL.
	Username string
	Password string
	// TLS is used when it is not nil, and with rediss:// in any case. An empty
	// ServerName is the host of the URL; the least MinVersion is TLS 1.2.
	TLS *tls.Config
	// DialTimeout, ReadTimeout and WriteTimeout bound one attempt to connect,
	// one answer, and one question. 0 means the default of that name.
	DialTimeout  time.Duration
	ReadTimeout  time.Duration
	WriteTimeout time.Duration
	// PoolSize is how many connections there may be. 0 means DefaultPoolSize.
	PoolSize int
}

// Open makes a client of Redis, for New. It does not touch the network. Its
// errors hold neither the URL nor a password.
//
// The client repeats nothing by itself: a script or a count that was sent may
// have been done. It heeds deadlines, says nothing of itself to the server and
// subscribes to no notifications.
func Open(cfg Config) (goredis.UniversalClient, error) {
	opts, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	opts.Username = cmp.Or(cfg.Username, opts.Username)
	opts.Password = cmp.Or(cfg.Password, opts.Password)
	opts.TLSConfig = tlsConfig(cfg.TLS, opts)
	opts.DialTimeout = cmp.Or(cfg.DialTimeout, DefaultDialTimeout)
	opts.ReadTimeout = cmp.Or(cfg.ReadTimeout, DefaultReadTimeout)
	opts.WriteTimeout = cmp.Or(cfg.WriteTimeout, DefaultWriteTimeout)
	opts.PoolSize = cmp.Or(cfg.PoolSize, DefaultPoolSize)
	if opts.DialTimeout < 0 || opts.ReadTimeout < 0 || opts.WriteTimeout < 0 || opts.PoolSize < 0 {
		// To go-redis a negative time-out means to wait for ever.
		return nil, errors.New("time-outs and pool size of redis must be positive")
	}
	settle(opts)
	return goredis.NewClient(opts), nil
}

// settle sets what is the same for every client.
func settle(opts *goredis.Options) {
	opts.ContextTimeoutEnabled = true // else a hung server outlasts every deadline
	opts.MaxRetries = -1              // 0 would mean three
	opts.DialerRetries = 1
	opts.DisableIdentity = true
	opts.PipelinePoolSize = -1 // no pipelines, no second pool
	// RESP2 has no push messages, which RESP3 looks for before every command.
	opts.Protocol = 2
	opts.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// errURL does not repeat the URL: it may hold a password.
var errURL = errors.New("address of redis cannot be read: write redis://host:6379/0, rediss://host:6379/0 or unix:///run/redis.sock, " +
	"and give user name and password apart from it or percent-encoded")

func parseURL(text string) (*goredis.Options, error) {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.Fragment != "" {
		return nil, errURL
	}
	opts := &goredis.Options{Network: "tcp", Username: u.User.Username()}
	opts.Password, _ = u.User.Password()
	switch u.Scheme {
	case "redis", "rediss":
		err = parseAddress(opts, u)
	case "unix":
		err = parseSocket(opts, u)
	default:
		return nil, errURL
	}
	return opts, err
}

// parseAddress reads host, port and database. Options in the query would be
// set behind the back of Config, so there must be none.
func parseAddress(opts *goredis.Options, u *url.URL) error {
	if u.RawQuery != "" {
		return errors.New("address of redis has options after a question mark: write them into the store's block")
	}
	opts.Addr = net.JoinHostPort(cmp.Or(u.Hostname(), "localhost"), cmp.Or(u.Port(), "6379"))
	if u.Scheme == "rediss" {
		opts.TLSConfig = &tls.Config{}
	}
	return parseDB(opts, strings.Trim(u.Path, "/"))
}

func parseSocket(opts *goredis.Options, u *url.URL) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || u.Host != "" || u.Path == "" {
		return errURL
	}
	db := query.Get("db")
	query.Del("db")
	if len(query) > 0 {
		return errors.New("address of redis has options beside db: write them into the store's block")
	}
	opts.Network, opts.Addr = "unix", u.Path
	return parseDB(opts, db)
}

func parseDB(opts *goredis.Options, text string) error {
	if text == "" {
		return nil
	}
	db, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return errors.New("database of redis must be a number: write redis://host:6379/0")
	}
	opts.DB = int(db)
	return nil
}

// tlsConfig completes a copy of what is configured; nil means no TLS.
func tlsConfig(configured *tls.Config, opts *goredis.Options) *tls.Config {
	if configured == nil {
		configured = opts.TLSConfig
	}
	if configured == nil {
		return nil
	}
	config := configured.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if host, _, err := net.SplitHostPort(opts.Addr); err == nil && config.ServerName == "" {
		config.ServerName = host
	}
	return config
}

// LogTo sends what go-redis has to say, connections that could not be made for
// the most part, to print; nil drops it. Without it go-redis writes to standard
// error. Its logger is one for the whole process, which is why nothing in this
// package calls LogTo: the program does, once.
func LogTo(print func(message string)) { goredis.SetLogger(logger(print)) }

type logger func(message string)

// Printf is what go-redis calls.
func (l logger) Printf(_ context.Context, format string, args ...any) {
	if l != nil {
		l(fmt.Sprintf(format, args...))
	}
}
