package users

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestWhatHashesLeaveBehindIsCollected(t *testing.T) {
	const mib = 1 << 20
	for name, test := range map[string]struct {
		live, most int64
		// hashes is how much each leaves, and cycles which collections there
		// were before it is done.
		hashes []int64
		cycles []uint64
		want   int
	}{
		"not before it is much":                      {0, math.MaxInt64, []int64{46 * mib, 46 * mib}, []uint64{0, 0}, 0},
		"when it is":                                 {0, math.MaxInt64, []int64{46 * mib, 46 * mib, 46 * mib}, []uint64{0, 0, 0}, 1},
		"again when it is again":                     {0, math.MaxInt64, []int64{128 * mib, 64 * mib, 64 * mib}, []uint64{0, 1, 1}, 2},
		"one large hash at once":                     {0, math.MaxInt64, []int64{1 << 30}, []uint64{0}, 1},
		"not what was collected anyway":              {0, math.MaxInt64, []int64{100 * mib, 100 * mib, 20 * mib}, []uint64{0, 1, 1}, 0},
		"not before a large heap has doubled":        {1 << 30, math.MaxInt64, []int64{512 * mib, 511 * mib}, []uint64{0, 0}, 0},
		"when it has":                                {1 << 30, math.MaxInt64, []int64{512 * mib, 512 * mib}, []uint64{0, 0}, 1},
		"once, by whoever finds that it is too much": {0, math.MaxInt64, []int64{128 * mib, 46 * mib}, []uint64{0, 0}, 1},
		"before a large heap has doubled, where there is little room": {1 << 30, 153 * mib, []int64{46 * mib, 46 * mib, 46 * mib}, []uint64{0, 0, 0}, 1},
		"each one, where there is none":                               {0, 33 * mib, []int64{46 * mib, 46 * mib}, []uint64{0, 1}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			collected, now := 0, uint64(0)
			c := &collector{
				collect: func() { collected++ },
				state:   func() (uint64, uint64) { return now, uint64(test.live) },
				most:    func() int64 { return test.most },
			}
			for i, bytes := range test.hashes {
				now = test.cycles[i]
				c.done(bytes)
			}
			if collected != test.want {
				t.Errorf("collected %d times, want %d", collected, test.want)
			}
		})
	}
}

// Who was done meanwhile has waited, and kept their place so long: where memory is
// scarce nobody takes more while it is collected.
func TestWhoIsDoneWaitsForACollectionWhereMemoryIsScarce(t *testing.T) {
	for most, want := range map[int64]bool{1 << 20: true, math.MaxInt64: false} {
		c := &collector{state: func() (uint64, uint64) { return 0, 0 }, most: func() int64 { return most }}
		waits := false
		c.collect = func() {
			if waits = !c.mu.TryLock(); !waits {
				c.mu.Unlock()
			}
		}
		c.done(maxGarbage)
		if waits != want {
			t.Errorf("where finished hashes may leave %d bytes, the next one waits: %v", most, waits)
		}
		c.done(1) // and no longer than that
	}
}

// Nothing else collects here, so it is all that hashes left.
func TestHashesUseTheirMemoryAgain(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	h := work{memory: 32 << 10, time: 1, threads: 1}.dummy()
	before, most := heap(), uint64(0)
	for range 16 { // half a gigabyte
		if _, err := compare(h, "whatever"); err != nil {
			t.Fatal(err)
		}
		most = max(most, heap())
	}
	if bound := before + maxGarbage + uint64(h.work.bytes()); most > bound {
		t.Errorf("the heap has grown from %d to %d bytes, want %d at most", before, most, bound)
	}
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
