package faults_test

import (
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// On a full disk sessions can be read and not written: people are active all the
// time, and nobody may be signed out because that cannot be written down, nor
// when there is room again.
func TestFaultFullDiskKeepsActivePeopleIn(t *testing.T) {
	for _, mode := range cacheModes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			p := gatewaytest.StartProcess(t, idleSite(mode.options))
			c := newClicker(t, p)
			p.FillDisk()
			if !c.clicks(away()) {
				t.Errorf("not all was served while the disk was full: %v", c.seen)
			}
			p.Client(t).TrySignIn(gatewaytest.Grace, gatewaytest.Password).Want(t, http.StatusServiceUnavailable)
			p.FreeDisk()
			if !c.clicks(idleTimeout) {
				t.Errorf("not all was served when there was room again: %v", c.seen)
			}
			figure(t, "disk full under the embedded store, "+mode.name, "for "+away().String()+", idle_timeout "+idleTimeout.String(),
				"answers by status: %v", c.seen)
			c.goesIdle()
		})
	}
}
