package lifecycle

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"example.com/sidegate/sessionstore"
)

const (
	// refreshTime bounds one refresh, and then the retries of its last write.
	refreshTime = time.Minute
	// refreshPatience bounds how long POST /auth/refresh waits for one.
	refreshPatience = 10 * time.Second
	// refreshesAtOnce bounds what runs at a time in this process.
	refreshesAtOnce = 64
	// Pauses: between looks at a lease that another gateway holds, between
	// attempts to write, and after trouble of a source.
	leasePause  = 50 * time.Millisecond
	writePause  = 250 * time.Millisecond
	minCooldown = time.Second
	maxCooldown = 30 * time.Second
	// renewPause is that for requests that can do nothing without a refresh.
	renewPause = 2 * time.Second
	// maxCooling bounds the sessions that are remembered to be cooling.
	maxCooling = 10_000
)

// refresher builds sessions anew while they are in use: in the background, one
// at a time per session across all gateways, and apart from the request that
// set it off, whose client may go away in the middle. The old session is
// served meanwhile.
type refresher struct {
	config    *Config
	rebuilder *rebuilder

	mu      sync.Mutex
	flights map[sessionstore.Key]*flight
	cooling map[sessionstore.Key]failure
	slots   chan struct{}
	running sync.WaitGroup
	closed  bool // no flight begins any more
}

// failure is what came of the last refresh, and when.
type failure struct {
	at  time.Time
	err error
}

// flight is one refresh; session and err may be read once done is closed.
type flight struct {
	done    chan struct{}
	session *sessionstore.Session
	asked   bool // the sources, rather than found done by another gateway
	err     error
}

// result says what came of it.
func (fl *flight) result(trouble bool) string {
	switch {
	case trouble:
		return RefreshFailed
	case errors.Is(fl.err, ErrUnmapped):
		return RefreshUnmapped
	case fl.err != nil:
		return RefreshEnded
	case fl.asked:
		return RefreshBuilt
	}
	return RefreshElsewhere
}

func newRefresher(c *Config, r *rebuilder) *refresher {
	return &refresher{
		config:    c,
		rebuilder: r,
		flights:   make(map[sessionstore.Key]*flight),
		cooling:   make(map[sessionstore.Key]failure),
		slots:     make(chan struct{}, refreshesAtOnce),
	}
}

// Due reports whether it is time to ask the session's sources again, or the
// configuration has changed what they are asked.
func (l *Sessions) Due(s *sessionstore.Session, now time.Time) bool {
	if s.View != nil && s.View.Due {
		return true
	}
	return l.config.RefreshEvery > 0 && now.Sub(builtAt(s)) >= l.config.RefreshEvery
}

// RefreshIfDue sets off a refresh of a session that is due, and does not wait
// for it. When many are under way already the next request will do.
func (l *Sessions) RefreshIfDue(s *sessionstore.Session, now time.Time) {
	if l.Due(s, now) {
		l.refresher.note(s, now)
	}
}

// Refresh builds a session anew from its sources, or joins the refresh that is
// under way, and waits for it as long as ctx allows, 10 s at most; it goes on
// then. ErrEnded: the person may no longer be signed in, or the session is
// gone. ErrUnmapped comes with the session, which has lost its roles and
// permissions. Any other error means that it stays as it is.
func (l *Sessions) Refresh(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	return l.config.Vouching.served(l.refresher.wait(ctx, s))
}

// builtAt is when the sources were last asked; a record from before that was
// written down was built at sign-in.
func builtAt(s *sessionstore.Session) time.Time {
	if s.BuiltAt.IsZero() {
		return s.CreatedAt
	}
	return s.BuiltAt
}

// note sets off a refresh of a session that is due, and does not wait for it.
// When many are under way already the next request will do.
func (f *refresher) note(s *sessionstore.Session, now time.Time) {
	s = s.Record()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.flights[s.Key] != nil || f.rests(s.Key, now, f.cooldown()) != nil || len(f.flights) >= refreshesAtOnce {
		return
	}
	f.begin(s)
}

// rests is why a session is left alone for so long after trouble; nil: it is not.
// Called with mu held.
func (f *refresher) rests(key sessionstore.Key, now time.Time, pause time.Duration) error {
	if last, failed := f.cooling[key]; failed && now.Before(last.at.Add(pause)) {
		return last.err
	}
	return nil
}

func (f *refresher) cooldown() time.Duration {
	return min(max(f.config.RefreshEvery/10, minCooldown), maxCooldown)
}

// renew is wait, but shortly after trouble, which would be the same again and keep
// the request for nothing.
func (f *refresher) renew(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	f.mu.Lock()
	why := f.rests(s.Key, f.config.Now(), renewPause)
	if f.flights[s.Key] != nil {
		why = nil
	}
	f.mu.Unlock()
	if why != nil {
		return nil, why
	}
	return f.wait(ctx, s)
}

// wait refreshes a session, or joins the refresh that is under way, and waits
// for it as long as the request's client and patience do.
func (f *refresher) wait(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	s = s.Record()
	f.mu.Lock()
	fl, closed := f.flights[s.Key], f.closed
	if fl == nil && !closed {
		fl = f.begin(s)
	}
	f.mu.Unlock()
	if fl == nil {
		return nil, SourceFault{errors.New("this configuration has ended: ask again"), s.Method}
	}
	ctx, cancel := context.WithTimeout(ctx, refreshPatience)
	defer cancel()
	select {
	case <-fl.done:
		return fl.session, fl.err
	case <-ctx.Done():
		return nil, SourceFault{errors.New("the refresh takes longer than its caller can wait; it goes on"), s.Method}
	}
}

// begin starts a flight. Called with mu held.
func (f *refresher) begin(s *sessionstore.Session) *flight {
	fl := &flight{done: make(chan struct{})}
	f.flights[s.Key] = fl
	f.running.Go(func() { f.fly(fl, s) })
	return fl
}

func (f *refresher) fly(fl *flight, s *sessionstore.Session) {
	ctx, cancel := context.WithTimeout(context.Background(), refreshTime)
	defer cancel()
	fl.err = context.DeadlineExceeded
	select {
	case f.slots <- struct{}{}:
		fl.session, fl.err = f.refresh(ctx, fl, s)
		<-f.slots
	case <-ctx.Done():
	}
	f.land(s, fl)
}

func (f *refresher) land(s *sessionstore.Session, fl *flight) {
	key := s.Key
	trouble := fl.err != nil && !errors.Is(fl.err, ErrEnded) && !errors.Is(fl.err, ErrUnmapped)
	landed := Event{Kind: Refreshed, Login: s.Method, Session: key, Result: fl.result(trouble)}
	if trouble {
		landed.Err = fl.err
	}
	f.config.Events.Happened(landed)
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.flights, key)
	delete(f.cooling, key)
	if trouble {
		if len(f.cooling) >= maxCooling {
			clear(f.cooling)
		}
		f.cooling[key] = failure{f.config.Now(), fl.err}
	}
	close(fl.done)
}

// refresh takes the session's lease and builds it anew, unless another gateway
// does so first.
func (f *refresher) refresh(ctx context.Context, fl *flight, s *sessionstore.Session) (*sessionstore.Session, error) {
	l := &lease{store: f.config.Backing, name: "refresh:" + s.Key.ID(), holder: rand.Text()}
	for pause := leasePause; ; pause = min(2*pause, time.Second) {
		held, err := l.hold(ctx)
		if err != nil {
			return nil, storeFault{err}
		}
		now, err := f.current(ctx, s)
		if held {
			defer l.release()
		}
		// Not later: the clock of the gateway that did it may be behind.
		if err != nil || !builtAt(now).Equal(builtAt(s)) {
			return now, err
		}
		if held {
			ctx, stop := l.keep(ctx)
			defer stop()
			fl.asked = true
			return f.rebuilder.rebuild(ctx, now)
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// current asks the store itself, past the near cache, for the session as it is.
func (f *refresher) current(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	now, err := f.config.Backing.Get(ctx, s.Key)
	if err != nil && !errors.Is(err, sessionstore.ErrNotFound) {
		return nil, storeFault{err}
	}
	if err != nil || now.Version != s.Version {
		f.config.Drop(s.Key) // what the near cache holds is older
	}
	if err != nil {
		return nil, ErrEnded
	}
	return now, nil
}

// finish is Sessions.Finish.
func (f *refresher) finish(ctx context.Context) {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	waitFor(ctx, &f.running)
}
