package gatewaytest

import (
	"os"
	"os/signal"
	"syscall"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	// Everything that a Caddyfile of the tests may name.
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "example.com/sidegate/caddymodule"
)

// runAsCaddy makes the test binary a Caddy with our modules, so that tests can
// start, reload and kill real processes without building another binary.
const runAsCaddy = "SIDEGATE_TEST_RUN_AS_CADDY"

// Main is what a TestMain does: it runs the tests, or, where a test has started
// its own binary as a gateway, that gateway.
func Main(m *testing.M) {
	if os.Getenv(runAsCaddy) != "" {
		// It comes with FillDisk, where a full disk would send none.
		signal.Ignore(syscall.SIGXFSZ)
		caddycmd.Main()
		return
	}
	os.Exit(m.Run())
}
