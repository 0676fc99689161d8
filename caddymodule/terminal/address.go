package terminal

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// CheckAddress says what the address of an admin endpoint looks like, where this is none.
func CheckAddress(address string) error {
	at, err := caddy.ParseNetworkAddress(address)
	switch {
	case strings.Contains(address, "://"):
		err = errors.New("it is that of a page")
	case err != nil:
	case at.IsUnixNetwork() && at.Host != "", at.IsFdNetwork() && at.Host != "":
		return nil
	case at.Network != "tcp" && at.Network != "tcp4" && at.Network != "tcp6":
		err = errors.New("there is no endpoint on such a network")
	case at.StartPort == 0:
		err = errors.New("it has no port")
	case at.PortRangeSize() > 1:
		err = errors.New("it has many ports")
	default:
		return nil
	}
	if err == nil {
		return nil
	}
	shown := address[strings.LastIndex(address, "@")+1:] // without a name and a password
	return fmt.Errorf("%s is no address of an admin endpoint (%s): say host and port, localhost:2019, or a socket, unix//run/caddy-admin.sock", Printable(shown), Printable(err.Error()))
}
