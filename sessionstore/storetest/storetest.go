// Package storetest is the contract of sessionstore.Store as one suite of
// tests. Every store passes it, so that a gateway behaves the same on each.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, storetest.Harness{
//			Open: func(_ *testing.T, clock *storetest.Clock) sessionstore.Store {
//				return memory.New(clock.Now)
//			},
//		})
//	}
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

// Harness is how the suite comes by a store, and how it lets time pass there.
type Harness struct {
	// Open returns an empty store for one test, which tells the time by the
	// clock. What it needs closed is closed by t.Cleanup. Required.
	Open func(t *testing.T, clock *Clock) sessionstore.Store

	// Advance lets d pass, for a store whose server has a clock of its own:
	// it puts the clock forward and really waits as long. The tests wait beside
	// one another then, so that Open may be called while others run. Default:
	// the clock is put forward, and the store must follow at once.
	Advance func(clock *Clock, d time.Duration)

	// Rewrite changes the sealed record of a session where the store keeps it,
	// and leaves its life as it is. nil: the store keeps no records.
	Rewrite func(t *testing.T, st sessionstore.Store, key sessionstore.Key, edit func(record []byte) []byte)

	// Fill stores many new sessions of one person faster than one by one. Default:
	// one by one.
	Fill func(t *testing.T, st sessionstore.Store, sessions []*sessionstore.Session)

	// Tick is the unit of the suite's life-times. Where time really passes,
	// three ticks must outlast the pauses of a busy machine, and a test lasts
	// about fifteen of them. Default: one minute.
	Tick time.Duration

	// Patience is for how long a message of a change is waited for. It takes no time
	// at all unless the message never comes. Default: 30 s.
	Patience time.Duration
}

// Run holds the store to every promise of sessionstore.Store, and to those of
// sessionstore.Sweeper, sessionstore.Notifier and sessionstore.Browser if it is one.
func Run(t *testing.T, h Harness) {
	if h.Patience == 0 {
		h.Patience = 30 * time.Second
	}
	if h.Tick == 0 {
		h.Tick = time.Minute
	}
	for _, part := range []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"keeping", testKeeping},
		{"contexts", testContexts},
		{"updating", testUpdating},
		{"racing", testRacing},
		{"touching", testTouching},
		{"expiring", testExpiring},
		{"listing", testListing},
		{"revoking", testRevoking},
		{"unreadable", testUnreadable},
		{"limits", testLimits},
		{"limit races", testLimitRaces},
		{"limits and unreadable", testUnreadableLimits},
		{"attempts", testAttempts},
		{"attempt windows", testAttemptWindows},
		{"leases", testLeases},
		{"lease lives", testLeaseLives},
		{"links", testLinks},
		{"one link", testOneLink},
		{"link lives", testLinkLives},
		{"numbers", testNumbers},
		{"owners", testOwners},
		{"sweeping", testSweeping},
		{"late activity", testLateActivity},
		{"outages", testOutages},
		{"notifying", testNotifying},
		{"browsing", testBrowsing},
		{"crowded", func(t *testing.T, h Harness) { Crowded(t, h, 2*largestPage+200) }},
	} {
		t.Run(part.name, func(t *testing.T) {
			h.beside(t)
			part.run(t, h)
		})
	}
}

// beside has the test run beside others where it really waits.
func (h Harness) beside(t *testing.T) {
	if h.Advance != nil {
		t.Parallel()
	}
}

// Ada and Grace are the people of the suite.
const (
	ada   = int64(1)
	grace = int64(2)
)

// bench is what one test works at: a store of its own and its clock.
type bench struct {
	*testing.T
	Harness
	store sessionstore.Store
	clock *Clock
}

// each runs one test of the suite at a bench of its own.
func each(t *testing.T, h Harness, name string, test func(b *bench)) {
	t.Run(name, func(t *testing.T) {
		h.beside(t)
		clock := NewClock()
		test(&bench{T: t, Harness: h, store: h.Open(t, clock), clock: clock})
	})
}

// ticks is that many units of the suite's time.
func (b *bench) ticks(n int) time.Duration { return time.Duration(n) * b.Tick }

// pass lets n ticks pass.
func (b *bench) pass(n int) { b.advance(b.ticks(n)) }

func (b *bench) advance(d time.Duration) {
	if b.Advance == nil {
		b.clock.Advance(d)
		return
	}
	b.Advance(b.clock, d)
}

// slack is by how much a server's clock may lag behind the suite's.
func (b *bench) slack() time.Duration {
	if b.Advance == nil {
		return 0
	}
	return b.Tick
}

// eventually waits until the condition holds. A store that tells the time by
// the suite's clock gets no grace: it must hold at once.
func (b *bench) eventually(what string, holds func() bool) {
	b.Helper()
	for range 100 {
		if holds() {
			return
		}
		if b.Advance == nil {
			break
		}
		b.advance(b.Tick / 4)
	}
	b.Fatalf("not so: %s", what)
}

// session is a new session of that person, which lives for twelve hours.
func (b *bench) session(userID int64) *sessionstore.Session {
	now := b.clock.Now()
	joined := now.Add(-1000*time.Hour + 123456*time.Nanosecond)
	primary := sessionstore.Account{AccountID: "acme", AccountName: "Acme Ltd", UsersPrimaryAccount: true, AccountAdmin: true}
	return &sessionstore.Session{
		Key: sessionstore.NewSecret(userID).Key(),
		User: sessionstore.UserSession{
			ID: userID, Email: fmt.Sprintf("person-%d@example.com", userID),
			CreatedBy: "ops@example.com", CreatedAt: &joined, PrimaryAccount: &primary,
			Accounts:            []sessionstore.Account{primary, {AccountID: "globex", AccountName: "Globex"}},
			FlatRolesList:       []string{"admin", "editor"},
			FlatPermissionsList: []string{"reports:run", "orders:write"},
		},
		Method: "users", Subject: "subject", Address: "192.0.2.1", UserAgent: "a browser",
		SourceSession: "sid-1", Username: "ada", Name: "Ada Lovelace", Kept: "a refresh token",
		Attributes: map[string]string{"department": "engines", "empty": ""},
		BuiltAt:    now.Add(-time.Second),
		CreatedAt:  now, LastSeenAt: now, ExpiresAt: now.Add(12 * time.Hour),
	}
}

// create makes and stores a session; edit may be nil. It returns the session
// as the store must now give it back.
func (b *bench) create(userID int64, edit func(s *sessionstore.Session)) *sessionstore.Session {
	b.Helper()
	s := b.session(userID)
	if edit != nil {
		edit(s)
	}
	b.must(Keep(b.Context(), b.store, s))
	want := s.Clone()
	want.Version = 1
	return want
}

// createMany stores n sessions of that person, many at a time.
func (b *bench) createMany(userID int64, n int) {
	b.Helper()
	sessions := make(chan *sessionstore.Session, n)
	for range n {
		sessions <- b.session(userID)
	}
	close(sessions)
	together(64, func(int) {
		for s := range sessions {
			if err := Keep(b.Context(), b.store, s); err != nil {
				b.Errorf("creating one of many sessions: %v", err)
			}
		}
	})
}

func (b *bench) get(key sessionstore.Key) *sessionstore.Session {
	b.Helper()
	s, err := b.store.Get(b.Context(), key)
	b.must(err)
	return s
}

// holds asks the store for the session and compares every field.
func (b *bench) holds(want *sessionstore.Session) {
	b.Helper()
	b.same(b.get(want.Key), want)
}

func (b *bench) same(got, want *sessionstore.Session) {
	b.Helper()
	if !reflect.DeepEqual(got, want) {
		b.Fatalf("the store holds\n%+v\nnot\n%+v", got, want)
	}
}

// gone requires that the store is certain to hold no such session.
func (b *bench) gone(key sessionstore.Key) {
	b.Helper()
	s, err := b.store.Get(b.Context(), key)
	if !errors.Is(err, sessionstore.ErrNotFound) {
		b.Fatalf("Get answers %v, %v; want ErrNotFound", s, err)
	}
}

// goes requires that the session ends, with the grace of eventually.
func (b *bench) goes(key sessionstore.Key) {
	b.Helper()
	b.eventually("the session has ended", func() bool {
		_, err := b.store.Get(b.Context(), key)
		return errors.Is(err, sessionstore.ErrNotFound)
	})
}

func (b *bench) list(userID int64) []*sessionstore.Session {
	b.Helper()
	list, err := b.store.List(b.Context(), userID)
	b.must(err)
	return list
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatalf("unexpected error: %v", err)
	}
}

func (b *bench) wants(err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Fatalf("error is %v; want %v", err, want)
	}
}

// together runs f in n goroutines that start at once, and waits for all.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// Keep has the store keep a new session, however many its person has.
func Keep(ctx context.Context, st sessionstore.Store, s *sessionstore.Session) error {
	_, err := st.Create(ctx, s, sessionstore.Limit{})
	return err
}

// End ends a session, whatever it was.
func End(ctx context.Context, st sessionstore.Store, key sessionstore.Key) error {
	_, err := st.Revoke(ctx, key)
	return err
}
