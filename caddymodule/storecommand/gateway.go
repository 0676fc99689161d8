package storecommand

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// ask asks the gateway that runs; false where none does, so that the file is nobody's.
func (o *options) ask(ctx context.Context, method, route string, take func(io.Reader) error) (there bool, err error) {
	address, err := caddycmd.DetermineAdminAPIAddress(o.address, nil, o.config, o.adapter)
	if err != nil {
		return false, err
	}
	if away := listens(ctx, address); away != nil {
		if o.address == "" {
			return false, nil
		}
		return false, fmt.Errorf("no gateway answers at %s: %w; see whether it runs, or leave --address out to open the file itself", address, away)
	}
	resp, err := caddycmd.AdminAPIRequest(address, method, route, nil, nil)
	if resp != nil {
		defer resp.Body.Close()
	}
	if err == nil {
		if err := take(resp.Body); err != nil {
			return true, fmt.Errorf("the answer of the gateway at %s has broken off: %w", address, err)
		}
		return true, nil
	}
	return true, fmt.Errorf("the gateway at %s refuses: %w", address, err)
}

// listens is why nobody can be asked there; nil where somebody listens, or where the
// address is one that Caddy says more of.
func listens(ctx context.Context, address string) error {
	at, err := caddy.ParseNetworkAddress(address)
	if err != nil || at.IsFdNetwork() {
		return nil
	}
	if at.IsUnixNetwork() {
		at.Host, _, _ = strings.Cut(at.Host, "|") // the mode of the socket
	}
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, at.Network, at.JoinHostPort(0))
	if err != nil {
		return err
	}
	return conn.Close()
}

const dialTimeout = 5 * time.Second

// into reads the answer as JSON.
func into(value any) func(io.Reader) error {
	return func(r io.Reader) error { return json.NewDecoder(r).Decode(value) }
}
