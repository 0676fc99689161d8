package starting

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"

	"github.com/caddyserver/caddy/v2"
)

// addresses are those that a configuration listens on: the admin endpoint's, empty
// where there is none, and those of the sites.
func addresses(config []byte) (admin string, sites []string) {
	var c struct {
		Admin struct {
			Disabled bool
			Listen   string
		}
		Apps struct {
			HTTP struct {
				Servers map[string]struct{ Listen []string }
			}
		}
	}
	if json.Unmarshal(config, &c) != nil {
		return "", nil
	}
	if !c.Admin.Disabled {
		admin = firstOf(c.Admin.Listen, os.Getenv("CADDY_ADMIN"), caddy.DefaultAdminListen)
	}
	for _, server := range c.Apps.HTTP.Servers {
		sites = append(sites, server.Listen...)
	}
	slices.Sort(sites)
	return admin, slices.Compact(sites)
}

func firstOf(texts ...string) string {
	i := slices.IndexFunc(texts, func(s string) bool { return s != "" })
	return texts[i]
}

// advised puts what to do in front of why an address cannot be had; nil where that is
// known to Caddy alone.
func advised(at caddy.NetworkAddress, offset uint, err error) error {
	address := at.JoinHostPort(offset)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program listens on %s already: stop it (`ss -ltnp 'sport = :%d'` names it), or take another port; "+
			"where it is a Caddy of the same user, and both are meant to answer, set %s=1: %w", address, at.StartPort+offset, ShareVariable, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("this user may not listen on %s: take a port from 1024 on (http_port, https_port), or allow it by CAP_NET_BIND_SERVICE, "+
			"as AmbientCapabilities of a systemd unit does: %w", address, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("no interface of this machine has the address of %s: see bind and admin in the configuration: %w", address, err)
	}
	return nil
}
