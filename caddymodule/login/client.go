package login

import "net/netip"

// Client is where somebody signs in from.
type Client struct {
	// Addr is the client's address; the zero value when it is not known.
	Addr netip.Addr
}

// Network names who is at the address: an IPv4 address, or an IPv6 /64, of which
// one person has 2^64 addresses. An address that is not known is one place too,
// so that being unknown is no way around a limit.
func (c Client) Network() string {
	addr := c.Addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}
