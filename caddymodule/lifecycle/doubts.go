package lifecycle

import (
	"sync"
	"sync/atomic"
	"time"

	"example.com/sidegate/sessionstore"
)

const (
	// doubtTime is how long a gateway may be behind the others with what its
	// logins know, before its word ends a session. A file that is handed out to
	// machines or containers is there within about a minute.
	doubtTime = 2 * time.Minute
	// maxDoubts bounds what is remembered; beyond that it begins anew.
	maxDoubts = 10_000
)

// doubts remembers since when sessions have not been vouched for. It may be
// used concurrently.
type doubts struct {
	now   func() time.Time
	count atomic.Int64 // so that where there are none no lock is taken
	mu    sync.Mutex
	since map[sessionstore.Key]time.Time
}

// old notes the doubt and reports whether it has stood for doubtTime, or is the
// first.
func (d *doubts) old(key sessionstore.Key) (old, first bool) {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	since, doubted := d.since[key]
	if doubted {
		return now.Sub(since) >= doubtTime, false
	}
	if d.since == nil || len(d.since) >= maxDoubts {
		d.since = make(map[sessionstore.Key]time.Time)
	}
	d.since[key] = now
	d.count.Store(int64(len(d.since)))
	return false, true
}

// ripe are those that have stood for doubtTime.
func (d *doubts) ripe() (keys []sessionstore.Key) {
	if d.count.Load() == 0 {
		return nil
	}
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, since := range d.since {
		if now.Sub(since) >= doubtTime {
			keys = append(keys, key)
		}
	}
	return keys
}

// forget says that the session is vouched for.
func (d *doubts) forget(key sessionstore.Key) {
	if d.count.Load() == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.since, key)
	d.count.Store(int64(len(d.since)))
}
