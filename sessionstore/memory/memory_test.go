package memory_test

import (
	"errors"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/storetest"
)

func TestStoreKeepsTheContract(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open: func(_ *testing.T, clock *storetest.Clock) sessionstore.Store {
			return memory.New(clock.Now)
		},
	})
}

func TestNewWithoutAClock(t *testing.T) {
	st, now := memory.New(nil), time.Now()
	live := &sessionstore.Session{Key: sessionstore.NewSecret(1).Key(), LastSeenAt: now, ExpiresAt: now.Add(time.Hour)}
	dead := &sessionstore.Session{Key: sessionstore.NewSecret(1).Key(), LastSeenAt: now, ExpiresAt: now.Add(-time.Hour)}
	for _, s := range []*sessionstore.Session{live, dead} {
		if err := storetest.Keep(t.Context(), st, s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := st.Get(t.Context(), live.Key); err != nil {
		t.Errorf("a session that lives by the wall clock: %v", err)
	}
	if _, err := st.Get(t.Context(), dead.Key); !errors.Is(err, sessionstore.ErrNotFound) {
		t.Errorf("error is %v; want ErrNotFound", err)
	}
}

// BenchmarkGet is what a request costs at least: no copy, no allocation.
func BenchmarkGet(b *testing.B) {
	st, now := memory.New(nil), time.Now()
	s := &sessionstore.Session{Key: sessionstore.NewSecret(1).Key(), LastSeenAt: now, ExpiresAt: now.Add(time.Hour)}
	if err := storetest.Keep(b.Context(), st, s); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := st.Get(b.Context(), s.Key); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAHundredThousandSessionsOfOnePersonKeepNobodyWaiting(t *testing.T) {
	storetest.Crowded(t, storetest.Harness{
		Open: func(_ *testing.T, clock *storetest.Clock) sessionstore.Store { return memory.New(clock.Now) },
	}, 100_000)
}
