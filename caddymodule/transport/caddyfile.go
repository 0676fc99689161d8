package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"

	"example.com/sidegate/caddymodule/directive"
)

// theirs are options that Caddy's transport has and this one has not.
const theirs = " tls tls_client_auth tls_insecure_skip_verify tls_curves tls_timeout tls_trusted_ca_certs tls_trust_pool tls_server_name" +
	" tls_renegotiation tls_except_ports versions compression resolvers network_proxy forward_proxy_url proxy_protocol" +
	" read_timeout write_timeout dial_fallback_delay expect_continue_timeout keepalive_interval keepalive_idle_conns "

// UnmarshalCaddyfile reads the block. Syntax:
//
//	transport sidegate {
//	    dial_timeout <duration>
//	    response_header_timeout <duration>
//	    keepalive off|<duration>
//	    keepalive_idle_conns_per_host <count>
//	    max_conns_per_host <count>
//	    max_response_header <size>
//	    read_buffer <size>
//	    write_buffer <size>
//	    local_address <address>
//	}
func (t *Transport) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the name
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	if err := refuseTheirs(*d); err != nil {
		return err
	}
	keep := new(KeepAlive)
	err := directive.Block(d, "transport sidegate", map[string]directive.Option{
		"dial_timeout":                  directive.Duration(&t.DialTimeout),
		"response_header_timeout":       directive.Duration(&t.ResponseHeaderTimeout),
		"keepalive":                     keep.read,
		"keepalive_idle_conns_per_host": count(&keep.MaxIdleConnsPerHost),
		"max_conns_per_host":            count(&t.MaxConnsPerHost),
		"max_response_header":           size(&t.MaxResponseHeaderSize),
		"read_buffer":                   size(&t.ReadBufferSize),
		"write_buffer":                  size(&t.WriteBufferSize),
		"local_address":                 directive.Checked(directive.Text(&t.LocalAddress), t.checkLocal),
	})
	if *keep != (KeepAlive{}) {
		t.KeepAlive = keep
	}
	if err == nil && keep.Enabled != nil && keep.MaxIdleConnsPerHost > 0 {
		err = directive.Errf(d, "keepalive_idle_conns_per_host says how many connections are kept, and keepalive off keeps none: leave one of them out")
	}
	return err
}

// refuseTheirs looks ahead of who reads the block.
func refuseTheirs(d caddyfile.Dispenser) error {
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if strings.Contains(theirs, " "+d.Val()+" ") {
			return directive.Errf(&d, "transport sidegate speaks HTTP/1.1 in the clear, to an app that is near, and has no %s: "+
				"use `transport http`, which has it", d.Val())
		}
		for d.NextArg() { // what stands behind an option is no option
		}
	}
	return nil
}

// checkLocal says in its line what Caddy would say without.
func (t *Transport) checkLocal() error {
	address, err := caddy.ParseNetworkAddressWithDefaults(t.LocalAddress, "tcp", 0)
	_, notOne := netip.ParseAddr(address.Host)
	if err == nil && (address.PortRangeSize() > 1 || address.IsUnixNetwork() || !strings.HasPrefix(address.Network, "tcp") || notOne != nil) {
		err = errors.New("it has to be one address of this machine, such as 127.0.0.2, without a range of ports")
	}
	if err != nil {
		return fmt.Errorf("local_address: %w", err)
	}
	return nil
}

// read reads the word off, or how long connections are kept.
func (k *KeepAlive) read(d *caddyfile.Dispenser) error {
	if k.Enabled != nil || k.IdleConnTimeout != 0 {
		return directive.Errf(d, "%s is given twice", d.Val())
	}
	look := *d
	if look.NextArg() && look.Val() == "off" {
		k.Enabled = new(bool)
		return directive.Off(new(bool))(d)
	}
	if err := directive.Duration(&k.IdleConnTimeout)(d); err != nil {
		return fmt.Errorf("%w; or the word off, for a new connection each time", err)
	}
	return nil
}

func count(target *int) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		name, value := d.Val(), ""
		if err := directive.Text(&value)(d); err != nil {
			return err
		}
		n, err := strconv.Atoi(value)
		switch {
		case *target != 0:
			return directive.Errf(d, "%s is given twice", name)
		case err != nil || n < 1:
			return directive.Errf(d, "%s: %s is not a whole number from 1", name, directive.Number(value))
		}
		*target = n
		return nil
	}
}

// largest is the largest size: each connection has its buffers.
const largest = 1 << 30

func size[N int | int64](target *N) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		name, value := d.Val(), ""
		if err := directive.Text(&value)(d); err != nil {
			return err
		}
		n, err := humanize.ParseBytes(value)
		switch {
		case *target != 0:
			return directive.Errf(d, "%s is given twice", name)
		case err != nil || n < 1 || n > largest:
			return directive.Errf(d, "%s: %s is not a size such as 64KiB, 1GiB at most", name, directive.Number(value))
		}
		*target = N(n)
		return nil
	}
}
