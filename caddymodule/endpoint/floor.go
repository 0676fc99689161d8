package endpoint

import (
	"context"
	"sync"
	"time"

	"example.com/sidegate/caddymodule/refusal"
)

const (
	// firstFloor is how long a refusal takes until it is known what it usually does.
	firstFloor = 200 * time.Millisecond
	// longestFloor bounds how long somebody waits because an app was slow before: it
	// is twice as long as an app may take that says nothing else.
	longestFloor = 10 * time.Second
	// mostHeld bounds how many wait; further ones are answered at once.
	mostHeld = 1024
	// fallsBy is the part of the difference by which the floor sinks towards a
	// refusal that took less. It rises at once.
	fallsBy = 16
	// headroom is the part of itself that the floor lies above what was seen: one
	// that took longer was asked about everywhere, and so would tell.
	headroom = 8
)

// floor is what a refused sign-in looks like: how long it takes at the least, and
// what it is answered with. The login that knows the person refuses without asking
// those behind it, so that the time, and their trouble, would tell who is in a
// users file (OWASP ASVS 6.3.8). A refusal that came early is held for as long as
// those take that every login was asked for, and answered as they are. Nothing is
// kept meanwhile, neither a place at a login nor an attempt. Safe for concurrent
// use; nil holds nobody and changes no answer.
type floor struct {
	now  func() time.Time
	wait func(ctx context.Context, long time.Duration)

	mu     sync.Mutex
	usual  time.Duration
	held   int
	behind trouble
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

// worked hears that a login behind the first let somebody in.
func (f *floor) worked() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.behind.heard(f.now())
}

// refuse holds a refusal that began then, until the client has gone, and says what
// it is answered with. whole says that every login was asked, or one behind the
// first is in trouble.
func (f *floor) refuse(ctx context.Context, begun time.Time, whole bool, why *refusal.Refusal) *refusal.Refusal {
	if f == nil {
		return why
	}
	long, answer := f.hold(f.now().Sub(begun), whole, why)
	if long <= 0 {
		return answer
	}
	f.wait(ctx, long)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held--
	return answer
}

// hold says how much longer a refusal takes that took so long, and its answer; above
// zero it is held.
func (f *floor) hold(took time.Duration, whole bool, why *refusal.Refusal) (time.Duration, *refusal.Refusal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer := f.behind.answer(f.now(), whole, why)
	switch {
	case why != refusal.Credentials: // trouble may come at once, and pass
		f.usual = min(max(took, f.usual), longestFloor)
	case whole:
		f.usual = min(max(took, f.usual-(f.usual-took)/fallsBy), longestFloor)
	}
	long := min(f.usual+f.usual/headroom, longestFloor) - took
	if long <= 0 || f.held >= mostHeld {
		return 0, answer
	}
	f.held++
	return long, answer
}

func wait(ctx context.Context, long time.Duration) {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
