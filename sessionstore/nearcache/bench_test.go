package nearcache_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/storetest"
)

// filled is a cache that holds n sessions, by the wall clock, and their keys.
func filled(tb testing.TB, n int) (*nearcache.Cache, []sessionstore.Key) {
	store := memory.New(nil)
	cache := nearcache.New(store, nearcache.Options{TTL: time.Hour, Entries: n})
	keys := make([]sessionstore.Key, n)
	now := time.Now()
	for i := range keys {
		s := &sessionstore.Session{
			Key:       sessionstore.NewSecret(int64(i)).Key(),
			User:      sessionstore.UserSession{ID: int64(i)},
			CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(12 * time.Hour), IdleTimeout: 12 * time.Hour,
		}
		keys[i] = s.Key
		if err := storetest.Keep(tb.Context(), store, s); err != nil {
			tb.Fatal(err)
		}
		if _, err := cache.Lookup(tb.Context(), s.Key); err != nil {
			tb.Fatal(err)
		}
	}
	return cache, keys
}

// BenchmarkHit looks the same ten sessions up, among more and more others, and
// at last all others too, which measures the processor's caches as well.
func BenchmarkHit(b *testing.B) {
	for _, c := range []struct{ entries, used int }{{10, 10}, {1_000, 10}, {100_000, 10}, {1_000, 1_000}, {100_000, 100_000}} {
		b.Run(fmt.Sprintf("%d of %d entries", c.used, c.entries), func(b *testing.B) {
			cache, keys := filled(b, c.entries)
			ctx, i := b.Context(), 0
			b.ReportAllocs()
			for b.Loop() {
				if _, err := cache.Lookup(ctx, keys[i]); err != nil {
					b.Fatal(err)
				}
				if i++; i == c.used {
					i = 0
				}
			}
		})
	}
}

func BenchmarkHitParallel(b *testing.B) {
	for _, n := range []int{1, 1_000} {
		b.Run(fmt.Sprintf("%d entries", n), func(b *testing.B) {
			cache, keys := filled(b, n)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if _, err := cache.Lookup(b.Context(), keys[i%n]); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkMiss is what the cache adds to a look-up in the store.
func BenchmarkMiss(b *testing.B) {
	cache, keys := filled(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		cache.Drop(keys[0])
		if _, err := cache.Lookup(b.Context(), keys[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDerive(b *testing.B) {
	cache, keys := filled(b, 1)
	e, err := cache.Lookup(b.Context(), keys[0])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		e.Derive(headersKey{}, func() any { return e.Session.User.Email })
	}
}

// BenchmarkRevokeUser walks through a full cache, twice.
func BenchmarkRevokeUser(b *testing.B) {
	cache, _ := filled(b, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cache.RevokeUser(b.Context(), -1); err != nil {
			b.Fatal(err)
		}
	}
}

// largeSession is one with 3 accounts, 10 roles and 50 permissions, made as a
// store makes it: opened from its sealed record.
func largeSession(tb testing.TB, sealer *sessionstore.Sealer, userID int64) *sessionstore.Session {
	now := time.Now()
	s := &sessionstore.Session{
		Key: sessionstore.NewSecret(userID).Key(), Version: 1,
		User: sessionstore.UserSession{
			ID: userID, Email: fmt.Sprintf("person-%d@example.com", userID), CreatedBy: "ops@example.com", CreatedAt: &now,
		},
		Method: "users", Address: "192.0.2.1", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(12 * time.Hour), IdleTimeout: time.Hour,
		Grounds: &sessionstore.Grounds{Rules: "a digest of the rules", Source: "a digest of the source"},
	}
	u := &s.User
	for i := range 3 {
		u.Accounts = append(u.Accounts, sessionstore.Account{
			AccountID: fmt.Sprintf("account-%d", i), AccountName: fmt.Sprintf("Example Account %d Ltd", i), UsersPrimaryAccount: i == 0,
		})
	}
	u.PrimaryAccount = &u.Accounts[0]
	for i := range 10 {
		u.FlatRolesList = append(u.FlatRolesList, fmt.Sprintf("department-%d-editor", i))
	}
	for i := range 50 {
		u.FlatPermissionsList = append(u.FlatPermissionsList, fmt.Sprintf("resource-%d:write", i))
	}
	opened, err := sealer.Open(s.Key, sealer.Seal(s))
	if err != nil {
		tb.Fatal(err)
	}
	return opened
}

// footprint fills a cache with large sessions, and returns what each costs in
// the heap, in how many pieces of memory, and in JSON.
func footprint(tb testing.TB) (heap, pieces, text float64) {
	const n = 5_000
	sealer, err := sessionstore.NewSealer(make([]byte, sessionstore.SealingKeySize))
	if err != nil {
		tb.Fatal(err)
	}
	store := &unsealing{tb: tb, sealer: sealer}
	cache := nearcache.New(store, nearcache.Options{TTL: time.Hour})
	inJSON, err := json.Marshal(largeSession(tb, sealer, 1).User)
	if err != nil {
		tb.Fatal(err)
	}
	before, piecesBefore := heapInUse()
	for range n {
		// The store makes each session as it is asked for, and keeps none.
		if _, err := cache.Lookup(tb.Context(), store.next()); err != nil {
			tb.Fatal(err)
		}
	}
	used, usedPieces := heapInUse()
	used, usedPieces = used-before, usedPieces-piecesBefore
	if got := cache.Stats().Entries; got != n {
		tb.Fatalf("the cache holds %d sessions; want %d", got, n)
	}
	runtime.KeepAlive(cache)
	return float64(used) / n, float64(usedPieces) / n, float64(len(inJSON))
}

func heapInUse() (bytes, pieces int64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), int64(m.HeapObjects)
}

func TestACachedSessionCostsAtMostThreeTimesItsJSON(t *testing.T) {
	heap, pieces, text := footprint(t)
	t.Logf("%.0f bytes in the heap, %.0f in JSON: %.2f times; %.2f pieces of memory", heap, text, heap/text, pieces)
	// Its entry, the session, its text, its accounts and its grounds; maps and whatever else is
	// alive come on top. The collector walks through all of them.
	if pieces > 5.5 {
		t.Errorf("a cached session is %.2f pieces of memory; want at most five", pieces)
	}
	if heap > 3*text {
		t.Errorf("a cached session costs %.0f bytes, its JSON has %.0f; want at most three times as much", heap, text)
	}
	if heap < text/2 {
		t.Errorf("a cached session costs %.0f bytes, which is too little to be true", heap)
	}
}

func BenchmarkMemory(b *testing.B) {
	var heap, pieces, text float64
	for range b.N {
		heap, pieces, text = footprint(b)
	}
	b.ReportMetric(pieces, "pieces/session")
	b.ReportMetric(heap, "B/session")
	b.ReportMetric(heap/text, "of-its-JSON")
}

// BenchmarkCollect is what a collection costs for each session that is held.
func BenchmarkCollect(b *testing.B) {
	const n = 50_000
	sealer, err := sessionstore.NewSealer(make([]byte, sessionstore.SealingKeySize))
	if err != nil {
		b.Fatal(err)
	}
	store := &unsealing{tb: b, sealer: sealer}
	cache := nearcache.New(store, nearcache.Options{TTL: time.Hour, Entries: n})
	for range n {
		if _, err := cache.Lookup(b.Context(), store.next()); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		runtime.GC()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/session")
	runtime.KeepAlive(cache)
}
