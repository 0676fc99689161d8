package storecommand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// ask asks the gateway that runs; false where none does, so that the file is nobody's.
func (o *options) ask(_ context.Context, method, route string, take func(io.Reader) error) (there bool, err error) {
	address, err := caddycmd.DetermineAdminAPIAddress(o.address, nil, o.config, o.adapter)
	if err != nil {
		return false, err
	}
	resp, err := caddycmd.AdminAPIRequest(address, method, route, nil, nil)
	if resp != nil {
		defer resp.Body.Close()
	}
	switch {
	case err == nil:
		if err := take(resp.Body); err != nil {
			return true, fmt.Errorf("the answer of the gateway at %s has broken off: %w", address, err)
		}
		return true, nil
	case nobody(err) && o.address == "":
		return false, nil
	case nobody(err):
		return false, fmt.Errorf("no gateway answers at %s: %w; see whether it runs, or leave --address out to open the file itself", address, err)
	}
	return true, fmt.Errorf("the gateway at %s refuses: %w", address, err)
}

// nobody reports whether nothing listens there.
func nobody(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// into reads the answer as JSON.
func into(value any) func(io.Reader) error {
	return func(r io.Reader) error { return json.NewDecoder(r).Decode(value) }
}
