package storetest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/storetest"
)

// broken are stores that break one promise each.
var broken = map[string]func(sessionstore.Store) sessionstore.Store{
	"a store that takes cannot tell for no session":  func(st sessionstore.Store) sessionstore.Store { return cannotTell{st} },
	"a store that brings revoked sessions back":      func(st sessionstore.Store) sessionstore.Store { return reviving{st} },
	"a store that lets the last writer win":          func(st sessionstore.Store) sessionstore.Store { return lastWins{st} },
	"a store that moves last seen back":              func(st sessionstore.Store) sessionstore.Store { return forgetful{st} },
	"a store that spares nobody":                     func(st sessionstore.Store) sessionstore.Store { return sparing{st} },
	"a store that lists the oldest first":            func(st sessionstore.Store) sessionstore.Store { return reversed{st} },
	"a store that knows no limit":                    func(st sessionstore.Store) sessionstore.Store { return boundless{st} },
	"a store that makes room where it was to refuse": func(st sessionstore.Store) sessionstore.Store { return welcoming{st} },
	"a store that counts what is replaced":           func(st sessionstore.Store) sessionstore.Store { return crowded{st} },
	"a store that does not say what it has ended":    func(st sessionstore.Store) sessionstore.Store { return tacit{st} },
	"a store that tells two of one end":              func(st sessionstore.Store) sessionstore.Store { return repeating{st} },
	"a store whose limit is not exact":               func(st sessionstore.Store) sessionstore.Store { return hasty{st} },
	"a store that counts only now and then":          func(st sessionstore.Store) sessionstore.Store { return miscounting{st} },
	"a store that gives credit":                      func(st sessionstore.Store) sessionstore.Store { return crediting{st} },

	"a store that gives a lease to whoever asks":      func(st sessionstore.Store) sessionstore.Store { return generous{st} },
	"a store that lets anybody give a lease back":     func(st sessionstore.Store) sessionstore.Store { return careless{st, new(atomic.Pointer[string])} },
	"a store that gives no lease back":                func(st sessionstore.Store) sessionstore.Store { return hoarding{st} },
	"a store whose leases do not run out":             func(st sessionstore.Store) sessionstore.Store { return endless{st} },
	"a store that forgets to prolong a lease":         func(st sessionstore.Store) sessionstore.Store { return unprolonged{st, new(sync.Map)} },
	"a store that knows the last link only":           func(st sessionstore.Store) sessionstore.Store { return lastLink{st} },
	"a store that mixes up names without their case":  func(st sessionstore.Store) sessionstore.Store { return folding{st} },
	"a store whose links do not end":                  func(st sessionstore.Store) sessionstore.Store { return bound{st} },
	"a store that unlinks all when it unlinks one":    func(st sessionstore.Store) sessionstore.Store { return unlinking{st} },
	"a store that reads one page of links":            func(st sessionstore.Store) sessionstore.Store { return onePage{st} },
	"a store that names a link twice":                 func(st sessionstore.Store) sessionstore.Store { return doubling{st} },
	"a store that looks for a link on one page only":  func(st sessionstore.Store) sessionstore.Store { return shortSighted{st} },
	"a store that takes another's link for this one":  func(st sessionstore.Store) sessionstore.Store { return anyone{st} },
	"a store that says linked of a link that ended":   func(st sessionstore.Store) sessionstore.Store { return nostalgic{st, new(sync.Map)} },
	"a store that takes cannot tell for not linked":   func(st sessionstore.Store) sessionstore.Store { return assured{st} },
	"a store that numbers anew each time":             func(st sessionstore.Store) sessionstore.Store { return renumbering{st, new(atomic.Int64)} },
	"a store with one number for all":                 func(st sessionstore.Store) sessionstore.Store { return oneForAll{st} },
	"a store that begins to number at 0":              func(st sessionstore.Store) sessionstore.Store { return fromZero{st} },
	"a store whose numbers JavaScript cannot read":    func(st sessionstore.Store) sessionstore.Store { return beyond{st} },
	"a store whose numbers belong to who comes last":  func(st sessionstore.Store) sessionstore.Store { return lastComes{st, new(sync.Map)} },
	"a store that has no eye for who was there":       func(st sessionstore.Store) sessionstore.Store { return unseeing{st} },
	"a store that replaces no owner":                  func(st sessionstore.Store) sessionstore.Store { return lasting{st} },
	"a store that has given no number":                func(st sessionstore.Store) sessionstore.Store { return unaware{st} },
	"a store that holds a lease without its caller":   func(st sessionstore.Store) sessionstore.Store { return deaf{st} },
	"a store that keeps what a source no longer says": func(st sessionstore.Store) sessionstore.Store { return clinging{st} },
	"a store that takes an outage for idleness":       func(st sessionstore.Store) sessionstore.Store { return numb{st} },
	"a store that takes late activity for none":       func(st sessionstore.Store) sessionstore.Store { return punctual{st} },
	"a store that lets go of the attributes":          func(st sessionstore.Store) sessionstore.Store { return bare{st} },

	"a store that tells of no update":            func(st sessionstore.Store) sessionstore.Store { return silent{st} },
	"a store that tells of activity":             func(st sessionstore.Store) sessionstore.Store { return telltale{st, new(sync.Map)} },
	"a store that tells before it does":          func(st sessionstore.Store) sessionstore.Store { return rash{st, new(sync.Map)} },
	"a store that tells the first who came only": func(st sessionstore.Store) sessionstore.Store { return partial{st, new(atomic.Bool)} },
	"a store that tells whoever has gone":        func(st sessionstore.Store) sessionstore.Store { return haunting{st, new(sync.Map)} },
}

type cannotTell struct{ sessionstore.Store }

func (st cannotTell) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	s, err := st.Store.Get(ctx, key)
	if err != nil {
		err = sessionstore.ErrNotFound
	}
	return s, err
}

type reviving struct{ sessionstore.Store }

func (st reviving) Update(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	next, err := st.Store.Update(ctx, s)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return s, storetest.Keep(ctx, st, s)
	}
	return next, err
}

type lastWins struct{ sessionstore.Store }

func (st lastWins) Update(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	for {
		next, err := st.Store.Update(ctx, s)
		if !errors.Is(err, sessionstore.ErrConflict) {
			return next, err
		}
		now, err := st.Get(ctx, s.Key)
		if err != nil {
			return nil, err
		}
		s = s.Clone()
		s.Version = now.Version
	}
}

// forgetful keeps no activity that comes with an older version.
type forgetful struct{ sessionstore.Store }

func (st forgetful) Touch(ctx context.Context, s *sessionstore.Session, seen time.Time) error {
	if now, err := st.Get(ctx, s.Key); err == nil && now.Version != s.Version {
		return sessionstore.ErrConflict
	}
	return st.Store.Touch(ctx, s, seen)
}

type sparing struct{ sessionstore.Store }

func (st sparing) RevokeUser(ctx context.Context, userID int64, _ ...sessionstore.Key) (int, error) {
	return st.Store.RevokeUser(ctx, userID)
}

type reversed struct{ sessionstore.Store }

func (st reversed) List(ctx context.Context, userID int64) ([]*sessionstore.Session, error) {
	list, err := st.Store.List(ctx, userID)
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list, err
}

// miscounting counts refused attempts, too.
type miscounting struct{ sessionstore.Store }

func (st miscounting) Take(ctx context.Context, bucket string, limit int, window time.Duration) (sessionstore.Taken, error) {
	got, err := st.Store.Take(ctx, bucket, 1<<30, window)
	if err == nil && got.Count > limit {
		got = sessionstore.Taken{Count: limit, Wait: window}
	}
	return got, err
}

// crediting forgets a bucket when one attempt of it is returned.
type crediting struct{ sessionstore.Store }

func (st crediting) Return(ctx context.Context, bucket string) error { return st.Forget(ctx, bucket) }

// brokenStore tells a copy of this test binary which store to test.
const brokenStore = "SIDEGATE_TEST_BROKEN_STORE"

func TestSuitePassesAGoodStore(t *testing.T) {
	breaks, patience := broken[os.Getenv(brokenStore)], 100*time.Millisecond // there is a message that never comes
	if breaks == nil {
		breaks, patience = func(st sessionstore.Store) sessionstore.Store { return st }, 0
	}
	storetest.Run(t, storetest.Harness{
		Open: func(_ *testing.T, clock *storetest.Clock) sessionstore.Store {
			return breaks(memory.New(clock.Now))
		},
		Patience: patience,
	})
}

// TestSuiteFailsBrokenStores: a suite that passes everything proves nothing.
func TestSuiteFailsBrokenStores(t *testing.T) {
	if os.Getenv(brokenStore) != "" {
		t.Fatal("a broken store is tested by TestSuitePassesAGoodStore only")
	}
	for name := range broken {
		t.Run(name+" is found out", func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestSuitePassesAGoodStore$")
			cmd.Env = append(os.Environ(), brokenStore+"="+name)
			out, err := cmd.CombinedOutput()
			var failed *exec.ExitError
			if !errors.As(err, &failed) || failed.ExitCode() != 1 {
				t.Errorf("the suite ends with %v:\n%s", err, out)
			}
		})
	}
}

// TestSuiteGivesGrace to a store whose server has a clock of its own: it may
// lag a little, and still keeps every promise.
func TestSuiteGivesGrace(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open: func(_ *testing.T, clock *storetest.Clock) sessionstore.Store {
			started := clock.Now()
			// This server's clock runs two parts in a hundred slow.
			return memory.New(func() time.Time {
				return started.Add(clock.Now().Sub(started) * 98 / 100)
			})
		},
		Advance: func(clock *storetest.Clock, d time.Duration) { clock.Advance(d) },
		Tick:    time.Second,
	})
}

func TestClock(t *testing.T) {
	clock := storetest.NewClock()
	start := clock.Now()
	if clock.Now() != start || start.Location() != time.UTC || start.Nanosecond()%int(time.Millisecond) != 0 {
		t.Errorf("the clock shows %v and then %v", start, clock.Now())
	}
	clock.Advance(time.Hour)
	if got := clock.Now().Sub(start); got != time.Hour {
		t.Errorf("the clock moved by %v; want an hour", got)
	}
}
