package starting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/caddyserver/caddy/v2"
)

// missing says what to do about a configuration that cannot be opened.
func missing(file string) error {
	f, err := os.Open(file) // #nosec G304 -- named by who starts us
	if err == nil {
		return f.Close()
	}
	next := "let the user that this runs as read it"
	if errors.Is(err, fs.ErrNotExist) {
		next = "put one there, or say with --config where it is"
	}
	return fmt.Errorf("no configuration: %s: %w", next, err)
}

// addresses are those that a configuration listens on: that of the admin endpoint
// first, as Caddy does it.
func addresses(config []byte) (all []string) {
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
		return nil
	}
	if !c.Admin.Disabled {
		all = append(all, firstOf(c.Admin.Listen, os.Getenv("CADDY_ADMIN"), caddy.DefaultAdminListen))
	}
	for _, server := range c.Apps.HTTP.Servers {
		all = append(all, server.Listen...)
	}
	slices.Sort(all[min(1, len(all)):])
	return all
}

func firstOf(texts ...string) string {
	i := slices.IndexFunc(texts, func(s string) bool { return s != "" })
	return texts[i]
}

// taken says what to do about the first address that cannot be listened on.
func taken(all []string) error {
	for _, address := range all {
		at, err := caddy.ParseNetworkAddress(address)
		if err != nil {
			continue // Caddy says what is wrong with it
		}
		if at.IsUnixNetwork() {
			err = folder(at.Host)
		} else if strings.HasPrefix(at.Network, "tcp") {
			err = ports(at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// folder says what to do where a socket cannot be made for want of its folder.
func folder(socket string) error {
	socket, _, _ = strings.Cut(socket, "|")
	name := filepath.Dir(socket)
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("make the folder %s, and let the user that this runs as write to it: the socket %s cannot be made without", name, socket)
	}
	return nil
}

// ports tries each port as Caddy will, which shares one with another Caddy of the same
// user.
func ports(at caddy.NetworkAddress) error {
	for offset := uint(0); offset < at.PortRangeSize() && at.StartPort != 0; offset++ {
		l, err := at.Listen(context.Background(), offset, net.ListenConfig{})
		if err != nil {
			return advised(at, offset, err)
		}
		if l, is := l.(io.Closer); is {
			_ = l.Close() // nothing was sent by it
		}
	}
	return nil
}

// advised puts what to do in front of why an address cannot be had; nil where that is
// known to Caddy alone.
func advised(at caddy.NetworkAddress, offset uint, err error) error {
	address := at.JoinHostPort(offset)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program listens on %s already: stop it (`ss -ltnp 'sport = :%d'` names it), or take another port: %w",
			address, at.StartPort+offset, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("this user may not listen on %s: take a port from 1024 on (http_port, https_port), or allow it by CAP_NET_BIND_SERVICE, "+
			"as AmbientCapabilities of a systemd unit does: %w", address, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("no interface of this machine has the address of %s: see bind and admin in the configuration: %w", address, err)
	}
	return nil
}
