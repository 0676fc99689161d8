package terminal_test

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/terminal"
)

func TestWhatIsNoAddressIsToldWithOneThatIs(t *testing.T) {
	for _, address := range []string{
		"http://localhost:2019", "https://ada:secret@localhost:2019/", "localhost", "localhost:2019-2020", "localhost:x", "localhost:99999",
		"localhost:0", "localhost:2019/sidegate", "udp/localhost:2019", "unix/", "\x1b[2J:1-9", "",
	} {
		err := terminal.CheckAddress(address)
		if err == nil || !strings.Contains(err.Error(), "localhost:2019, or a socket, unix//run/") || strings.ContainsAny(err.Error(), "\x1b") ||
			strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "nil") {
			t.Errorf("%q: %v", address, err)
		}
	}
	for _, address := range []string{"localhost:2019", ":2019", "[::1]:2019", "tcp/127.0.0.1:2019", "unix//run/caddy.sock", "unix//run/caddy.sock|0220", "unix/@caddy", "fd/3"} {
		if err := terminal.CheckAddress(address); err != nil {
			t.Error(err)
		}
	}
}
