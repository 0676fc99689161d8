package nearcache

import (
	"sync"
	"sync/atomic"
	"time"

	"example.com/sidegate/sessionstore"
)

const (
	// shardCount is a power of two: the first byte of a key's hash picks one,
	// and hashes are spread evenly.
	shardCount = 256
	// maxUnknown bounds the keys of a shard that are known to be nobody's:
	// 16,384 in all, about a megabyte.
	maxUnknown = 64
	// sampled is among how many entries the oldest is looked for.
	sampled = 5
)

// shard is a part of the cache with a lock of its own.
type shard struct {
	mu       sync.RWMutex
	sessions map[sessionstore.Key]*Entry
	// unknown says when the store was asked for a key that is nobody's. It
	// has room of its own, so that a flood of guesses evicts no session.
	unknown map[sessionstore.Key]time.Time
	// flights are the look-ups whose answer may be remembered and joined. One
	// that is taken out flies on for those who wait for it, and for no others.
	flights map[sessionstore.Key]*flight

	counters counters
	_        [64]byte // keeps the neighbour's lock off our cache lines
}

// counters count without the lock.
type counters struct {
	hits, unknown, misses, joined, stale, evicted atomic.Uint64
}

func (sh *shard) reset() {
	sh.sessions = make(map[sessionstore.Key]*Entry)
	sh.unknown = make(map[sessionstore.Key]time.Time)
	sh.flights = make(map[sessionstore.Key]*flight)
}

// peek reads what the shard holds of that key.
func (sh *shard) peek(key sessionstore.Key) (e *Entry, unknownAt time.Time) {
	sh.mu.RLock()
	e = sh.sessions[key]
	if e == nil {
		unknownAt = sh.unknown[key]
	}
	sh.mu.RUnlock()
	return e, unknownAt
}

// drop forgets all of that key, the look-up under way included, and reports by
// how many entries the shard has shrunk. Called with mu held.
func (sh *shard) drop(key sessionstore.Key) int {
	delete(sh.flights, key)
	delete(sh.unknown, key)
	if _, held := sh.sessions[key]; !held {
		return 0
	}
	delete(sh.sessions, key)
	return 1
}

// put remembers an entry and reports by how many the shard has grown. Called
// with mu held.
func (sh *shard) put(key sessionstore.Key, e *Entry) int {
	delete(sh.unknown, key)
	_, held := sh.sessions[key]
	sh.sessions[key] = e
	if held {
		return 0
	}
	return 1
}

// putUnknown remembers that a key is nobody's, at the cost of any other such
// key when there is no more room. Called with mu held.
func (sh *shard) putUnknown(key sessionstore.Key, at time.Time) {
	if _, held := sh.unknown[key]; !held && len(sh.unknown) >= maxUnknown {
		for other := range sh.unknown {
			delete(sh.unknown, other)
			break
		}
	}
	sh.unknown[key] = at
}

// evict drops the oldest of a few entries, but not spared, and reports by how
// many the shard has shrunk. Maps are walked from a random place, so a few are
// a sample. Called with mu held.
func (sh *shard) evict(spared *Entry) int {
	var oldest *Entry
	seen := 0
	for _, e := range sh.sessions {
		if e != spared && (oldest == nil || e.asked.Before(oldest.asked)) {
			oldest = e
		}
		if seen++; seen == sampled {
			break
		}
	}
	if oldest == nil {
		return 0
	}
	// Not drop: a look-up for a newer answer may go on.
	delete(sh.sessions, oldest.Session.Key)
	sh.counters.evicted.Add(1)
	return 1
}
