package gatewaytest

import (
	"testing"

	"example.com/sidegate/sessionstore/redis/redistest"
)

// FreePort finds a port that nobody has, and that is given to nobody else: two
// gateways must never have one port, for Caddy would share it.
func FreePort(t testing.TB) int {
	t.Helper()
	return redistest.FreePort(t)
}
