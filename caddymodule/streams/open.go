package streams

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// Tick is how often Watch.Tick is to be called.
const Tick = time.Second

// lookAround is how many ticks pass before each session that has something open is
// looked at though nothing was heard of it: a message may be lost without a sign.
const lookAround = 60

// Watch knows the open streams of all sessions of one store. It outlives the
// configurations by which they were opened: see Serve. It may be used
// concurrently.
type Watch struct {
	keeper atomic.Pointer[Keeper]
	tick   atomic.Int32
	count  atomic.Int64
	over   atomic.Bool // everything was ended, and nobody serves any more
	shards [256]shard
	looks  looks
	ends   ends
}

// shard holds the streams of the sessions whose keys begin alike.
type shard struct {
	changes atomic.Uint32 // of sessions whose streams would be here
	mu      sync.Mutex
	first   *Stream
}

// NewWatch returns a Watch that knows of nothing, and whose streams nobody ends
// before Serve is called.
func NewWatch() *Watch { return &Watch{} }

// Serve has the sessions looked up by the configuration that is in force now.
// Those that have something open are all looked at: it may vouch for fewer.
func (w *Watch) Serve(k *Keeper) {
	w.keeper.Store(k)
	w.over.Store(false)
	w.Missed()
}

// Open is how many streams are known to be open.
func (w *Watch) Open() int64 { return w.count.Load() }

// Tick is called once a second. It has those sessions looked at which should have
// ended by now, and those whose turn it is.
func (w *Watch) Tick(now time.Time) {
	tick := w.tick.Add(1)
	if w.count.Load() == 0 {
		return
	}
	w.wantWhere(func(s *Stream) bool {
		return s.isNew(tick) || s.expires(now) || int32(s.key.Hash[1])%lookAround == tick%lookAround
	})
}

// Changed has the session looked at, if anything of it is open: it was changed or
// ended.
func (w *Watch) Changed(key sessionstore.Key) {
	w.shardOf(key).changes.Add(1)
	if w.count.Load() > 0 && w.has(key) {
		w.want(key, look)
	}
}

// Missed has all of them looked at: anything may have changed.
func (w *Watch) Missed() {
	for i := range w.shards {
		w.shards[i].changes.Add(1)
	}
	if w.count.Load() > 0 {
		w.wantWhere(func(*Stream) bool { return true })
	}
}

// Subscribe has heard called with the session each time that it was looked at: when
// it has changed or ended, when that cannot be told for sure, and now and then. A
// nil session has ended, by itself or not. Nobody is waited for, so it must not
// block.
func (w *Watch) Subscribe(e *nearcache.Entry, heard func(now *nearcache.Entry, expired bool)) (unsubscribe func()) {
	s := new(Stream)
	s.Begin(w, nil, e, Asked{}, subscriber(heard))
	s.become(lasting)
	return s.End
}

// subscriber hears of a session.
type subscriber func(now *nearcache.Entry, expired bool)

// StillPasses implements Judge: a subscriber ends by itself.
func (subscriber) StillPasses(*Asked, *nearcache.Entry) bool { return true }

// EndAll ends everything: no configuration is left that could look at a session. What
// is not known yet ends by its next bytes.
func (w *Watch) EndAll() {
	w.over.Store(true)
	w.tick.Add(youngest)
	for i := range w.shards {
		all := w.shards[i].where(func(*Stream) bool { return true })
		cut(slices.DeleteFunc(all, func(s *Stream) bool { return !s.judge(nil, false) }))
	}
}

// Destruct is EndAll for who keeps the watch in a pool.
func (w *Watch) Destruct() error {
	w.EndAll()
	return nil
}

func (w *Watch) shardOf(key sessionstore.Key) *shard { return &w.shards[key.Hash[0]] }

func (w *Watch) add(s *Stream) {
	sh := w.shardOf(*s.key)
	sh.mu.Lock()
	if s.state.Load() != known { // the request has ended in between
		sh.mu.Unlock()
		return
	}
	sh.link(s)
	w.count.Add(1)
	sh.mu.Unlock()
	switch {
	case w.over.Load():
		if s.judge(nil, false) {
			s.cut()
		}
	case sh.changes.Load() != s.changes: // perhaps of this one, since it was let through
		w.overtaken(s)
	}
}

func (w *Watch) remove(s *Stream) {
	sh := w.shardOf(*s.key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.unlink(s) {
		w.count.Add(-1)
	}
}

func (w *Watch) has(key sessionstore.Key) bool {
	sh := w.shardOf(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for s := sh.first; s != nil; s = s.next {
		if *s.key == key {
			return true
		}
	}
	return false
}

// of returns the streams of a session.
func (w *Watch) of(key sessionstore.Key) []*Stream {
	return w.shardOf(key).where(func(s *Stream) bool { return *s.key == key })
}

func (w *Watch) wantWhere(wanted func(*Stream) bool) {
	for i := range w.shards {
		for _, s := range w.shards[i].where(wanted) {
			w.want(*s.key, look)
		}
	}
}

func (sh *shard) where(wanted func(*Stream) bool) (found []*Stream) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for s := sh.first; s != nil; s = s.next {
		if wanted(s) {
			found = append(found, s)
		}
	}
	return found
}

func (sh *shard) link(s *Stream) {
	if s.next = sh.first; s.next != nil {
		s.next.before = s
	}
	sh.first = s
}

// unlink reports whether the stream was there.
func (sh *shard) unlink(s *Stream) bool {
	if s.before == nil && sh.first != s {
		return false
	}
	if s.before == nil {
		sh.first = s.next
	} else {
		s.before.next = s.next
	}
	if s.next != nil {
		s.next.before = s.before
	}
	s.before, s.next = nil, nil
	return true
}
