package storetest

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// mayHold requires that the holder is given the lease, or is not.
func (b *bench) mayHold(name, holder string, life time.Duration, want bool) {
	b.Helper()
	got, err := b.store.Hold(b.Context(), name, holder, life)
	b.must(err)
	if got != want {
		b.Fatalf("Hold answers %v; want %v", got, want)
	}
}

// comesFree requires that another gets the lease, with the grace of eventually.
func (b *bench) comesFree(name string) {
	b.Helper()
	b.eventually("another holds the lease", func() bool {
		held, err := b.store.Hold(b.Context(), name, "the next", time.Hour)
		b.must(err)
		return held
	})
}

func testLeases(t *testing.T, h Harness) {
	each(t, h, "a lease is held by one, who may prolong it", func(b *bench) {
		b.mayHold("refresh", "one", time.Hour, true)
		b.mayHold("refresh", "two", time.Hour, false)
		b.mayHold("refresh", "one", time.Hour, true)
		b.mayHold("refresh", "two", time.Hour, false)
		b.mayHold("another", "two", time.Hour, true)
	})
	each(t, h, "of many who ask at once exactly one holds it", func(b *bench) {
		for _, name := range []string{"first", "second", "third"} {
			var held atomic.Int32
			together(32, func(i int) {
				ok, err := b.store.Hold(b.Context(), name, strings.Repeat("x", i), time.Hour)
				if err != nil {
					b.Errorf("holding: %v", err)
				}
				if ok {
					held.Add(1)
				}
			})
			if held.Load() != 1 {
				b.Fatalf("%d hold the lease; want 1", held.Load())
			}
		}
	})
	each(t, h, "a lease that was given back is free at once", func(b *bench) {
		b.mayHold("refresh", "one", time.Hour, true)
		b.must(b.store.Release(b.Context(), "refresh", "one"))
		b.mayHold("refresh", "two", time.Hour, true)
	})
	each(t, h, "nobody gives back the lease of another", func(b *bench) {
		b.mayHold("refresh", "one", time.Hour, true)
		for _, other := range []string{"two", "", "ONE", "one "} {
			b.must(b.store.Release(b.Context(), "refresh", other))
			b.mayHold("refresh", other, time.Hour, false)
		}
	})
	each(t, h, "to give back what nobody holds is no error and holds nothing", func(b *bench) {
		b.must(b.store.Release(b.Context(), "refresh", "one"))
		b.mayHold("refresh", "two", time.Hour, true)
	})
	each(t, h, "any text names a lease and a holder", func(b *bench) {
		for i, name := range anyNames() {
			b.mayHold(name, name, time.Hour, true)
			b.mayHold(name, "someone else", time.Hour, false)
			b.mayHold(name, anyNames()[(i+1)%len(anyNames())], time.Hour, false)
		}
	})
}

func testLeaseLives(t *testing.T, h Harness) {
	each(t, h, "a lease runs out by itself", func(b *bench) {
		b.mayHold("refresh", "one", b.ticks(10), true)
		b.pass(6)
		b.mayHold("refresh", "two", time.Hour, false)
		b.pass(4)
		b.comesFree("refresh")
	})
	each(t, h, "a lease that is prolonged in time does not run out", func(b *bench) {
		b.mayHold("refresh", "one", b.ticks(10), true)
		b.pass(6)
		b.mayHold("refresh", "one", b.ticks(10), true)
		b.pass(6)
		b.mayHold("refresh", "two", time.Hour, false)
		b.pass(4)
		b.comesFree("refresh")
	})
	each(t, h, "a lease is never cut short by prolonging it", func(b *bench) {
		b.mayHold("refresh", "one", b.ticks(1000), true)
		b.mayHold("refresh", "one", b.ticks(3), true)
		b.pass(6)
		b.mayHold("refresh", "two", time.Hour, false)
	})
	each(t, h, "a former holder gives back nothing of the next one's", func(b *bench) {
		b.mayHold("refresh", "one", b.ticks(3), true)
		b.pass(3)
		b.comesFree("refresh")
		b.must(b.store.Release(b.Context(), "refresh", "one"))
		b.mayHold("refresh", "one", time.Hour, false)
	})
	each(t, h, "a lease of no length runs out all the same", func(b *bench) {
		for _, life := range []time.Duration{0, -time.Hour, time.Nanosecond} {
			b.mayHold("refresh", "one", life, true)
			b.pass(1)
			b.eventually("another holds the lease", func() bool {
				held, err := b.store.Hold(b.Context(), "refresh", "two", 0)
				b.must(err)
				return held
			})
			b.must(b.store.Release(b.Context(), "refresh", "two"))
		}
	})
}

// anyNames are names of every kind, all different.
func anyNames() []string {
	return []string{
		"", " ", "a", "A", "a\x00", "{a}", "a:b", "ö", "\xff", "a\r\nb", "*",
		strings.Repeat("a", 50_000), strings.Repeat("a", 50_001),
	}
}
