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
// own default: more often would cost as much as the hashing.
type collector struct {
	collect func()
	// state is how many collections there were, and what was live at the last.
	state func() (cycles, live uint64)

	mu    sync.Mutex
	cycle uint64
	left  int64 // by hashes since that collection
}

// hashes is the collector of the process.
var hashes = &collector{collect: runtime.GC, state: collections}

// done says that a hash of so many bytes is finished.
func (c *collector) done(bytes int64) {
	if c.count(bytes) {
		c.collect()
	}
}

// count reports whether it is time to collect.
func (c *collector) count(bytes int64) bool {
	cycles, live := c.state()
	c.mu.Lock()
	defer c.mu.Unlock()
	if cycles != c.cycle {
		c.cycle, c.left = cycles, 0
	}
	c.left += bytes
	if c.left < max(maxGarbage, int64(live)) {
		return false
	}
	c.left = 0 // the next one need not wait for this collection
	return true
}

func collections() (cycles, live uint64) {
	s := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64(), s[1].Value.Uint64()
}
