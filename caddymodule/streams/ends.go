package streams

import (
	"slices"
	"sync"
	"time"
)

// gathering is how long the streams of a session wait at most for those of others
// that end with it. To cut them off makes work for thousands of goroutines, behind
// which those would stand in line that have yet to look.
const gathering = 100 * time.Millisecond

// ending is what is cut off of one session.
type ending struct {
	keeper  *Keeper
	cut     Cut
	streams []*Stream
}

// ends are those that are to be cut off. The zero value has none.
type ends struct {
	mu  sync.Mutex
	due []ending
}

// add has what a session kept open cut off soon, by whoever looks last, or when
// gathering is over.
func (e *ends) add(one ending) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.due) == 0 {
		time.AfterFunc(gathering, e.cutOff)
	}
	e.due = append(e.due, one)
}

// cutOff ends all that are due, those first whose clients see it at once.
func (e *ends) cutOff() {
	e.mu.Lock()
	due := e.due
	e.due = nil
	e.mu.Unlock()
	hangUp(due)
	for i := range due {
		due[i].cutOff()
	}
}

// cutOff ends them, and tells of those that nobody has ended before.
func (one *ending) cutOff() {
	if one.cut.Streams = cut(one.streams); one.cut.Streams > 0 {
		one.keeper.Cut(one.cut)
	}
}

// hangUp has all clients see at once that it is over. They go away then, which is
// work for other goroutines: several hang up, so that they come to their turn
// among those.
func hangUp(due []ending) {
	var streams []*Stream
	for i := range due {
		streams = append(streams, due[i].streams...)
	}
	const several, each = 16, 64
	var hanging sync.WaitGroup
	defer hanging.Wait()
	part := max(each, (len(streams)+several-1)/several)
	for some := range slices.Chunk(streams, part) {
		hanging.Go(func() {
			for _, s := range some {
				s.hangUp()
			}
		})
	}
}

// cut reports how many of the streams were not ended before.
func cut(streams []*Stream) (n int) {
	for _, s := range streams {
		if s.cut() {
			n++
		}
	}
	return n
}
