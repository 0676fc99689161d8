package unread

import (
	"net/http"
	"net/netip"
	"sync"

	"example.com/sidegate/caddymodule/caller"
)

// slots are those AtOnce, and which clients have them.
type slots struct {
	mu    sync.Mutex
	taken int
	of    map[netip.Prefix]int // of each client that has any
}

// reading are those of this process.
var reading = &slots{of: make(map[netip.Prefix]int)}

// take takes one, if there is one for that client: nobody has all of them.
func (s *slots) take(whose netip.Prefix) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken == AtOnce || s.of[whose] == EachAtOnce {
		return false
	}
	s.taken++
	s.of[whose]++
	return true
}

// give gives one back, and forgets clients that have none.
func (s *slots) give(whose netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if s.of[whose]--; s.of[whose] == 0 {
		delete(s.of, whose)
	}
}

// network is who makes the request: an address, or a /64 network of IPv6, all of
// which one client has. A proxy on a network of ours is believed whom it speaks for:
// it must not be one client, and strangers come from no such network. Those whose
// address is not known are one.
func network(r *http.Request) netip.Prefix {
	whence := caller.WhenceOf(r, false)
	addr := whence.Addr
	if whence.Told.IsValid() {
		addr = whence.Told
	}
	return networkOf(addr)
}

func networkOf(addr netip.Addr) netip.Prefix {
	addr, bits := addr.Unmap().WithZone(""), 32
	if addr.Is6() {
		bits = 64
	}
	whole, _ := addr.Prefix(bits) // none of no address
	return whole
}
