package nearcache_test

import (
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/storetest"
)

func TestCacheKeepsTheContractOfItsStore(t *testing.T) {
	for _, c := range []struct {
		name string
		opts nearcache.Options
	}{
		{"remembering nothing for long", nearcache.Options{TTL: time.Nanosecond, Unknown: -1}},
		{"remembering everything for ever", nearcache.Options{TTL: 1000 * time.Hour, Unknown: 1000 * time.Hour}},
		{"with room for one session", nearcache.Options{TTL: 1000 * time.Hour, Entries: 1}},
		{"serving stale sessions", nearcache.Options{TTL: time.Nanosecond, Stale: 1000 * time.Hour}},
		{"by default", nearcache.Options{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Run(t, storetest.Harness{
				Open: func(_ *testing.T, clock *storetest.Clock) sessionstore.Store {
					c.opts.Now = clock.Now
					return nearcache.New(memory.New(clock.Now), c.opts)
				},
			})
		})
	}
}
