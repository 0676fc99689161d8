package redistest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// Ports of servers under test lie below those that the kernel hands out by
// itself, so that no connection takes one while its server is down. Whoever
// finds one free claims it, for all test binaries that run side by side, by a
// UDP port of its own, which is held until the binary ends.
const (
	firstPort = 10_000
	manyPorts = 20_000
	toClaim   = 30_000 // from a port to the UDP port that claims it
)

var claims sync.Map // net.PacketConn by port: what nobody refers to is closed

// FreePort finds a port of loopback that nobody has, and that is never given
// to anybody else.
func FreePort(t testing.TB) int {
	t.Helper()
	for range manyPorts {
		port := firstPort + rand.IntN(manyPorts)
		claim, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port+toClaim))
		if err != nil {
			continue // claimed, by us or by others
		}
		claims.Store(port, claim)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}
