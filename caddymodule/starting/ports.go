package starting

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// taken says what to do about the first address of a configuration that cannot be
// listened on.
func taken(config []byte) error {
	admin, sites := addresses(config)
	for i, address := range slices.Concat([]string{admin}, sites, redirects(config)) {
		address, err := caddy.NewReplacer().ReplaceOrErr(address, true, true)
		if err != nil || address == "" {
			continue // Caddy says what is wrong with it
		}
		at, err := caddy.ParseNetworkAddress(address)
		if err != nil {
			continue
		}
		if at.IsUnixNetwork() {
			err = socket(at.Host)
		} else if strings.HasPrefix(at.Network, "tcp") {
			err = ports(at, i == 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ShareVariable is the variable that says that another Caddy may have the ports too.
const ShareVariable = "SIDEGATE_SHARE_PORTS"

// ports tries each port.
func ports(at caddy.NetworkAddress, admin bool) error {
	for offset := uint(0); offset < at.PortRangeSize() && at.StartPort != 0; offset++ {
		if err := port(at, offset, admin); err != nil {
			return err
		}
	}
	return nil
}

// port tries it alone first: Caddy would share it with another Caddy of the same user,
// and then either of them answers.
func port(at caddy.NetworkAddress, offset uint, admin bool) error {
	alone := tried(func() (any, error) {
		return new(net.ListenConfig).Listen(context.Background(), at.Network, at.JoinHostPort(offset))
	})
	if alone == nil {
		return nil
	}
	inUse := errors.Is(alone, syscall.EADDRINUSE)
	if inUse && !admin && os.Getenv(ShareVariable) == "" {
		return advised(at, offset, alone)
	}
	asCaddy := tried(func() (any, error) { return at.Listen(context.Background(), offset, net.ListenConfig{}) })
	if asCaddy != nil {
		return advised(at, offset, asCaddy)
	}
	if inUse && admin {
		caddy.Log().Named("sidegate").Warn("another Caddy has the address of the admin endpoint too: either of them answers `caddy reload` and other commands",
			zap.String("address", at.JoinHostPort(offset)), zap.String("remedy", "give each an address of its own by `admin`, or stop the other"))
	}
	return nil
}

// tried is why one cannot listen; nothing stays open.
func tried(listen func() (any, error)) error {
	l, err := listen()
	if err != nil {
		return err
	}
	if l, is := l.(io.Closer); is {
		_ = l.Close() // nothing was sent by it
	}
	return nil
}
