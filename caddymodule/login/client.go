package login

import "net/netip"

// Client is where somebody signs in from.
type Client struct {
	// Addr is the client's address; the zero value when it is not known.
	Addr netip.Addr
	// Shared says that Addr is a proxy's, of whose people nobody can believe who
	// they are: no limit of one address is one of Addr then.
	Shared bool
	// Told is what such a proxy says of the client, who may have made it up: it
	// is told apart by it, and gains little by it. The zero value when nothing is
	// said.
	Told netip.Addr
}

// Network names who is at Addr: an IPv4 address, or an IPv6 /64, of which
// one person has 2^64 addresses. An address that is not known is one place too,
// so that being unknown is no way around a limit. Of a client that is Shared it
// is the proxy: all its people are one network, however many they say to be.
func (c Client) Network() string { return networkOf(c.Addr) }

// place is whom the limits of one address are for. Of one who is Shared it has a
// name that no address has, so that a proxy's people use up nothing of those who
// come from there directly.
func (c Client) place() string {
	if !c.Shared {
		return c.Network()
	}
	return c.Network() + ">" + networkOf(c.Told)
}

// wide names the network around the place, which one owner often has: an IPv4 /24,
// an IPv6 /48, of which there are 65,536 places. It is for nobody's limit, for
// strangers are in it too.
func (c Client) wide() string {
	if !c.Shared {
		return prefixOf(c.Addr, 24, 48)
	}
	return c.Network() + ">" + prefixOf(c.Told, 24, 48)
}

// toldApart reports whether the place is one client's, as far as is known.
func (c Client) toldApart() bool { return !c.Shared || c.Told.IsValid() }

func networkOf(addr netip.Addr) string { return prefixOf(addr, 32, 64) }

// prefixOf is the network of so many bits that the address is in.
func prefixOf(addr netip.Addr, bits4, bits6 int) string {
	addr = addr.Unmap().WithZone("")
	bits := bits6
	if addr.Is4() {
		bits = bits4
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}
