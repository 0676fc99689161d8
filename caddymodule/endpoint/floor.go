package endpoint

import (
	"context"
	"sync"
	"time"
)

const (
	// firstFloor is how long a refusal takes until it is known what it usually does.
	firstFloor = 200 * time.Millisecond
	// longestFloor bounds how long somebody waits because an app was slow before.
	longestFloor = 2 * time.Second
	// mostHeld bounds how many wait; further ones are answered at once.
	mostHeld = 1024
	// fallsBy is the part of the difference by which the floor sinks towards a
	// refusal that took less. It rises at once.
	fallsBy = 16
	// headroom is the part of itself that the floor lies above what was seen: one
	// that took longer was asked about everywhere, and so would tell.
	headroom = 8
)

// floor is how long a refused sign-in takes at the least. The login that knows
// the person refuses without asking those behind it, so that the time would tell
// who is in a users file (OWASP ASVS 6.3.8). A refusal that came early is held
// for as long as those take that every login was asked for. Nothing is kept
// meanwhile, neither a place at a login nor an attempt. Safe for concurrent use;
// nil holds nobody.
type floor struct {
	now  func() time.Time
	wait func(ctx context.Context, long time.Duration)

	mu    sync.Mutex
	usual time.Duration
	held  int
}

// newFloor is nil where one login decides alone: it takes the same time itself.
func newFloor(logins int) *floor {
	if logins < 2 {
		return nil
	}
	return &floor{now: time.Now, wait: wait, usual: firstFloor}
}

// begin is when a sign-in began.
func (f *floor) begin() time.Time {
	if f == nil {
		return time.Time{}
	}
	return f.now()
}

// refused holds a refusal that began then, until the client has gone. whole says
// that every login was asked.
func (f *floor) refused(ctx context.Context, begun time.Time, whole bool) {
	if f == nil {
		return
	}
	long := f.hold(f.now().Sub(begun), whole)
	if long <= 0 {
		return
	}
	f.wait(ctx, long)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held--
}

// hold says how much longer a refusal takes that took so long; above zero it is
// held.
func (f *floor) hold(took time.Duration, whole bool) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if whole {
		f.usual = min(max(took, f.usual-(f.usual-took)/fallsBy), longestFloor)
	}
	long := min(f.usual+f.usual/headroom, longestFloor) - took
	if long <= 0 || f.held >= mostHeld {
		return 0
	}
	f.held++
	return long
}

func wait(ctx context.Context, long time.Duration) {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
