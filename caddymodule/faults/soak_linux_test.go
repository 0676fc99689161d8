package faults_test

import (
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// One gateway with the embedded store, whose disk is full and has room again,
// and which is killed and started again.
func TestSoakOnDisk(t *testing.T) {
	t.Parallel()
	s := soaking(t, gatewaytest.Site{Hasty: true}, 1)
	gateway := s.gateways[0]
	s.goesOn(phase())
	goroutines := s.goroutines()
	gateway.FillDisk()
	s.passes(phase()) // without a reload, for a configuration is written down
	gateway.FreeDisk()
	s.goesOn(phase())
	gateway.Kill()
	s.passes(phase())
	gateway.Start()
	s.goesOn(phase())
	s.judge("the embedded store on a full disk, and killed")
	if !gatewaytest.Long() {
		return
	}
	s.passes(s.lifetime + 2*time.Minute) // and the sweeps after it
	s.wantGoroutines(goroutines)
	gateway.Terminate()
	left := recordsIn(t, filepath.Join(gateway.Dir, "sessions.db"))
	for _, ofSessions := range []string{"sessions", "users", "ends", "links", "link-ends", "leases", "lease-ends"} {
		if left[ofSessions] > 0 {
			t.Errorf("left in the file are %v", left)
		}
	}
	figure(t, "soak, after the lifetimes", "", "records left in the file: %v", left)
}

// recordsIn counts what is in each bucket of the file that is not empty.
func recordsIn(t *testing.T, name string) map[string]int {
	t.Helper()
	db, err := bbolt.Open(name, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	left := make(map[string]int)
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			if n := b.Stats().KeyN; n > 0 {
				left[string(name)] = n
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}
