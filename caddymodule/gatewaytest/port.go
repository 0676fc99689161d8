package gatewaytest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// Ports of gateways lie below those that the kernel hands out by itself, so
// that no connection and no other part of a test takes one before the gateway
// runs. Two gateways must never have one port: Caddy would share it. So none is
// given twice, and test binaries that run side by side hardly ever meet.
const (
	firstPort = 10_000
	manyPorts = 20_000
)

var portsGiven sync.Map

// FreePort finds a port that nobody has.
func FreePort(t testing.TB) int {
	t.Helper()
	for range manyPorts {
		port := firstPort + rand.IntN(manyPorts)
		if _, given := portsGiven.LoadOrStore(port, true); given {
			continue
		}
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}
