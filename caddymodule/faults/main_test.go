package faults_test

import (
	"os"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(asUpstream); address != "" {
		serveAudience(address)
		return
	}
	gatewaytest.Main(m)
}
