package caddymodule

import (
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

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
		"sentinel":      s.either("cluster", text(&s.Sentinel)),
		"cluster":       s.either("sentinel", flag(&s.Cluster)),
		"tls":           s.parseTLS,
		"dial_timeout":  duration(&s.DialTimeout),
		"read_timeout":  duration(&s.ReadTimeout),
		"write_timeout": duration(&s.WriteTimeout),
		"pool_size":     s.parsePoolSize,
		"wait":          s.parseWait,
	})
}

// either refuses an option beside the other one.
func (s *RedisStore) either(other string, parse option) option {
	return func(d *caddyfile.Dispenser) error {
		given := map[string]bool{"cluster": s.Cluster, "sentinel": s.Sentinel != ""}
		if given[other] {
			return d.Errf("%s and %s exclude one another: leave one of them out", d.Val(), other)
		}
		return parse(d)
	}
}

func (s *RedisStore) parseTLS(d *caddyfile.Dispenser) error {
	if s.TLS != nil {
		return d.Err("tls is given twice")
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	s.TLS = new(RedisTLS)
	return parseBlock(d, "tls", map[string]option{
		"ca":          text(&s.TLS.CA),
		"cert":        text(&s.TLS.Cert),
		"key":         text(&s.TLS.Key),
		"server_name": text(&s.TLS.ServerName),
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

func (s *RedisStore) parseWait(d *caddyfile.Dispenser) error {
	var value string
	if s.Wait != nil {
		return d.Err("wait is given twice")
	}
	if !d.Args(&value) {
		return d.ArgErr()
	}
	replicas, err := strconv.Atoi(value)
	if err != nil || replicas < 1 || replicas > 100 {
		return d.Errf("wait: '%s' is not a number of replicas from 1 to 100", value)
	}
	s.Wait = &RedisWait{Replicas: replicas}
	if !d.NextArg() {
		return nil
	}
	timeout, err := caddy.ParseDuration(d.Val())
	if err != nil || timeout <= 0 {
		return d.Errf("wait: '%s' is not a time such as 250ms", d.Val())
	}
	s.Wait.Timeout = caddy.Duration(timeout)
	if d.NextArg() {
		return d.ArgErr()
	}
	return nil
}

// Interface guard
var _ caddyfile.Unmarshaler = (*RedisStore)(nil)
