package users

import (
	"runtime"
	"runtime/metrics"
	"sync"
)

// maxGarbage is how much memory finished hashes leave behind, in bytes, before
// it is collected.
const maxGarbage = 128 << 20

// collector has the memory of finished hashes used again. Argon2id's blocks are
// garbage when a hash is done, and the process's own collections come when the
// heap has grown to several times of what is live, a hash that is under way
// included: some hashes a second take most of a gigabyte. So what they leave is
// counted, and collected when it is much.
//
// A heap that is large anyway is not collected before it has doubled, as by Go's
// own default: more often would cost as much as the hashing. Under a memory limit it
// is, when that is less: what is left has to have room beside the hashes under way.
type collector struct {
	collect func()
	// state is how many collections there were, and what was live at the last.
	state func() (cycles, live uint64)
	// most is how much may be left in any case.
	most func() int64

	mu    sync.Mutex
	cycle uint64
	left  int64 // by hashes since that collection
}

// hashes is the collector of the process.
var hashes = &collector{collect: runtime.GC, state: collections, most: shareOfMemory}

// done says that a hash of so many bytes is finished.
func (c *collector) done(bytes int64) {
	c.mu.Lock()
	full, scarce := c.count(bytes)
	if !scarce { // the next one need not wait for this collection
		c.mu.Unlock()
	}
	if full {
		c.collect()
	}
	if scarce { // who was done meanwhile has waited, and kept their place: a collection leaves what ends in it
		c.mu.Unlock()
	}
}

// count reports whether it is time to collect, and whether that is before its time, for
// there is no more memory.
func (c *collector) count(bytes int64) (full, scarce bool) {
	cycles, live := c.state()
	if cycles != c.cycle {
		c.cycle, c.left = cycles, 0
	}
	c.left += bytes
	enough, most := max(maxGarbage, int64(live)), c.most()
	scarce = most < enough
	full = c.left >= enough || c.left+bytes > most
	if full {
		c.left = 0
	}
	return full, scarce
}

func collections() (cycles, live uint64) {
	s := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64(), s[1].Value.Uint64()
}
