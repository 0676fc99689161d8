package streams

import (
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// Asked is what a request was let through for.
type Asked struct {
	// Path, RawPath and Method are those that it was decided by: see url.URL.
	Path, RawPath, Method string
	// Account is the one that the app was told; empty for none. Chosen says that the
	// request asked for it, by X-Account-Id.
	Account string
	Chosen  bool
}

// Judge says whether what it let through may go on.
type Judge interface {
	// StillPasses reports whether the request would be let through with its session
	// as it is by now. It is asked behind the request, and asks nobody in turn.
	StillPasses(asked *Asked, now *nearcache.Entry) bool
}

// Stream is what one request keeps open. The zero value is that of a request that
// nobody watches, and may not be copied once it is one that somebody does.
type Stream struct {
	watch   *Watch
	asked   Asked
	first   Judge
	further *later                          // the judges of later handlers; nil for none
	key     *sessionstore.Key               // of the session that it was let through for
	entry   atomic.Pointer[nearcache.Entry] // the session as it was last seen
	began   int32                           // the tick at which it was let through
	changes uint32                          // of its shard, by then
	every   int32                           // ticks between two notes of activity
	noted   atomic.Int32                    // the tick of the last one
	active  atomic.Int32                    // the tick at which bytes flowed last

	state   atomic.Uint32
	kind    atomic.Uint32
	upload  body
	looked  atomic.Bool // by Watch.Tick
	tunnel  atomic.Pointer[tunnel]
	carried *carried // what few need; nil for others
	request *http.Request

	mu    sync.Mutex
	to    http.ResponseWriter // whose deadlines end it
	ended atomic.Bool         // it was cut
	hung  bool                // the client was hung up on, and nobody has counted it yet
	over  bool                // the request is done: its ResponseWriter is not to be touched

	before, next *Stream // in its shard, and guarded by that
}

// later is the judge of a handler behind the first one.
type later struct {
	judge  Judge
	before *later
}

// The states of a stream.
const (
	idle  = iota // nobody knows of it
	known        // its Watch does
	done         // the request is over
)

// How a stream is held against its session.
const (
	plain   = iota // an answer under way, which expiry does not end
	lasting        // an event stream, or one of gRPC
	upgraded
)

// youngest is how many ticks begin before a request that is still under way is one
// that takes long: a full second has then passed.
const youngest = 2

// Begin has the stream watched: a request whose answer is written to w was let
// through for that session. It reports whether it is the first that says so of the
// request; of several handlers that let it through each one judges it. A judge
// that is nil leaves it open whatever becomes of the session; that the person is
// active counts all the same.
func (s *Stream) Begin(w *Watch, to http.ResponseWriter, e *nearcache.Entry, asked Asked, j Judge) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first = s.watch == nil; first {
		s.watch, s.to, s.asked, s.key = w, to, asked, &e.Session.Key
		s.began, s.changes = w.tick.Load(), w.shardOf(*s.key).changes.Load()
		s.noted.Store(s.began)
		s.active.Store(s.began)
		s.every = ticksOf(e.Session.IdleTimeout)
		s.entry.Store(e)
	}
	switch {
	case j == nil:
	case s.first == nil:
		s.first = j
	default:
		s.further = &later{j, s.further}
	}
	return first
}

// Living is the stream, or one in its place where it is over: an error route answers
// to w what a handler before has let through. again says so.
func (s *Stream) Living(w http.ResponseWriter) (living *Stream, again bool) {
	if s.watch == nil || s.state.Load() != done {
		return s, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &Stream{watch: s.watch, to: w, asked: s.asked, first: s.first, further: s.further, key: s.key, began: s.began, changes: s.changes, every: s.every}
	l.entry.Store(s.entry.Load())
	l.noted.Store(s.noted.Load())
	l.active.Store(s.active.Load())
	return l, true
}

// ticksOf is a tenth of an idle time-out, which is how often activity is noted.
func ticksOf(idle time.Duration) int32 {
	const everyMinute = 60
	if idle <= 0 {
		return everyMinute // it is looked whether a refresh is due
	}
	return int32(min(max(1, idle/10/Tick), math.MaxInt32))
}

// flowed says that bytes of the client's, or of an answer, are under way. It costs
// two loads of memory, but for the first time in each second.
func (s *Stream) flowed() {
	if t := s.watch.tick.Load(); t != s.active.Load() {
		s.active.Store(t)
		s.later(t)
	}
}

// later is for the first bytes of a second.
func (s *Stream) later(t int32) {
	if t-s.began < youngest {
		return
	}
	s.open()
	if noted := s.noted.Load(); t-noted >= s.every && s.noted.CompareAndSwap(noted, t) {
		s.watch.want(*s.key, touch)
	}
}

// open makes the stream known to its watch.
func (s *Stream) open() {
	if s.state.Load() == idle && s.state.CompareAndSwap(idle, known) {
		s.watch.add(s)
	}
}

// become is open for a stream whose kind is known by now.
func (s *Stream) become(kind uint32) {
	s.kind.Store(kind)
	s.open()
}

// Leave has the stream watched no longer, whatever becomes of its session: what ends
// it is the gateway's own answer. It still ends by End.
func (s *Stream) Leave() {
	if s.watch == nil || s.state.Swap(done) != known {
		return
	}
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.watch.remove(s)
}

// End says that the request is over: nothing of it is touched any more. An answer
// of HTTP/3 that was cut is broken off by a panic, which is the one way there: it
// would look whole.
func (s *Stream) End() {
	var cancel func()
	if s.carried != nil && s.carried.cancel != nil {
		cancel = s.carried.cancel
		defer cancel()
	}
	if s.watch == nil || s.state.Swap(done) != known {
		return
	}
	s.mu.Lock()
	if s.ended.Load() && s.to != nil && s.tunnel.Load() == nil {
		s.writeUntil(past) // else its end would be sent, as if it were whole
	}
	s.over = true
	cut := s.ended.Load() && (s.carried == nil || !s.carried.closed)
	s.mu.Unlock()
	s.watch.remove(s)
	if cut && cancel != nil {
		panic(http.ErrAbortHandler)
	}
}

// judge holds the stream against its session as it is by now, nil where that has
// ended, and reports whether it is to be cut.
func (s *Stream) judge(now *nearcache.Entry, expired bool) (ends bool) {
	if now != nil {
		s.entry.Store(now)
	}
	if told, ok := s.first.(subscriber); ok {
		told(now, expired)
		return false
	}
	if now == nil && expired && s.kind.Load() == plain {
		return false // who began to fetch it while signed in gets the rest
	}
	return !s.passes(now)
}

// passes reports whether all who let the request through would do so now.
func (s *Stream) passes(now *nearcache.Entry) bool {
	s.mu.Lock()
	first, further := s.first, s.further
	s.mu.Unlock()
	if first == nil {
		return true // whatever becomes of the session
	}
	if now == nil || !first.StillPasses(&s.asked, now) {
		return false
	}
	for ; further != nil; further = further.before {
		if !further.judge.StillPasses(&s.asked, now) {
			return false
		}
	}
	return true
}

// isNew reports once of a stream that takes long by now that its session was not
// looked at yet. It may have ended in the moment between the look-up of its request
// and Begin, of which no message reaches it.
func (s *Stream) isNew(tick int32) bool {
	return tick-s.began >= youngest && !s.looked.Swap(true)
}

// expires reports whether the session has ended by itself, as far as is known
// here.
func (s *Stream) expires(now time.Time) bool {
	return s.kind.Load() != plain && s.entry.Load().Ended(now)
}
