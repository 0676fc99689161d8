package redis

import (
	"cmp"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// Ports that need not be written.
const (
	redisPort    = "6379"
	sentinelPort = "26379"
)

// errURL does not repeat the URL: it may hold a password.
var errURL = errors.New("address of redis cannot be read: write redis://host:6379/0, rediss://host:6379/0 or unix:///run/redis.sock, " +
	"and give user name and password apart from it or percent-encoded")

// parseURL reads the address. The options hold the user name and password of
// the URL, and the first of the addresses.
func (cfg Config) parseURL() (*goredis.Options, []string, error) {
	if cfg.Cluster && cfg.Sentinel != "" {
		return nil, nil, errors.New("redis is reached through sentinel or as a cluster, not both: leave one of them out")
	}
	text, others := splitHosts(cfg.URL)
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.Fragment != "" {
		return nil, nil, errURL
	}
	opts := &goredis.Options{Network: "tcp", Username: u.User.Username()}
	opts.Password, _ = u.User.Password()
	switch u.Scheme {
	case "redis", "rediss":
		err = cfg.parseAddress(opts, u)
	case "unix":
		err = cfg.parseSocket(opts, u)
	default:
		err = errURL
	}
	if err != nil {
		return nil, nil, err
	}
	addrs, err := cfg.addresses(opts.Addr, others)
	return opts, addrs, err
}

// splitHosts takes all hosts but the first out of a URL, since no URL has more
// than one. A comma in the user name or password is no comma between hosts.
func splitHosts(text string) (first string, others []string) {
	start := strings.Index(text, "://") + len("://")
	if start < len("://") {
		return text, nil
	}
	end := len(text)
	if i := strings.IndexAny(text[start:], "/?#"); i >= 0 {
		end = start + i
	}
	start += strings.LastIndex(text[start:end], "@") + 1
	hosts := strings.Split(text[start:end], ",")
	return text[:start] + hosts[0] + text[end:], hosts[1:]
}

// addresses completes the list of addresses, which one server must not have.
func (cfg Config) addresses(first string, others []string) ([]string, error) {
	if len(others) > 0 && !cfg.Cluster && cfg.Sentinel == "" {
		return nil, errors.New("redis has several addresses: say whether they are those of sentinels (`sentinel <master>`) or of a cluster (`cluster`)")
	}
	addrs := []string{first}
	for _, host := range others {
		u, err := url.Parse("redis://" + host)
		if err != nil || u.Host == "" || u.Host != host || hasTwoPorts(u) {
			return nil, errURL
		}
		addrs = append(addrs, cfg.hostPort(u))
	}
	return addrs, nil
}

// hasTwoPorts reports whether the host has a colon without being in brackets, as an
// IPv6 address is.
func hasTwoPorts(u *url.URL) bool {
	return strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(u.Host, "[")
}

func (cfg Config) hostPort(u *url.URL) string {
	port := redisPort
	if cfg.Sentinel != "" {
		port = sentinelPort
	}
	return net.JoinHostPort(cmp.Or(u.Hostname(), "localhost"), cmp.Or(u.Port(), port))
}

// parseAddress reads host, port and database. Options in the query would be
// set behind the back of Config, so there must be none.
func (cfg Config) parseAddress(opts *goredis.Options, u *url.URL) error {
	if hasTwoPorts(u) {
		return errURL
	}
	if u.RawQuery != "" {
		return errors.New("address of redis has options after a question mark: write them into the store's block")
	}
	opts.Addr = cfg.hostPort(u)
	if u.Scheme == "rediss" {
		opts.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return cfg.parseDB(opts, strings.Trim(u.Path, "/"))
}

func (cfg Config) parseSocket(opts *goredis.Options, u *url.URL) error {
	if cfg.Cluster || cfg.Sentinel != "" {
		return errors.New("sentinels and clusters have no socket: write redis://host:port, or leave `sentinel` and `cluster` out")
	}
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
	return cfg.parseDB(opts, db)
}

func (cfg Config) parseDB(opts *goredis.Options, text string) error {
	if text == "" {
		return nil
	}
	db, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return errors.New("database of redis must be a number: write redis://host:6379/0")
	}
	if cfg.Cluster && db != 0 {
		return errors.New("redis cluster has database 0 only: leave the database out and set key_prefix instead")
	}
	opts.DB = int(db)
	return nil
}
