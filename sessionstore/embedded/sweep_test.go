package embedded_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

func TestSweep(t *testing.T) {
	t.Run("a sweep leaves nothing of the expired in the file, whoever sealed it", func(t *testing.T) {
		path, late := newPath(t), time.Now().Add(2*time.Hour)
		db := openDB(t, path)
		st := embedded.New(db, storetest.NewSealer(t, 'k'), time.Now)
		for userID := range int64(3) {
			if err := storetest.Keep(t.Context(), st, newSession(userID+1)); err != nil {
				t.Fatal(err)
			}
			name := string(rune('a' + userID))
			_, takeErr := st.Take(t.Context(), name, 5, time.Minute)
			_, holdErr := st.Hold(t.Context(), name, "one", time.Minute)
			linkErr := st.Link(t.Context(), name, newSession(userID).Key, time.Minute)
			if err := errors.Join(takeErr, holdErr, linkErr); err != nil {
				t.Fatal(err)
			}
		}
		sweeper := embedded.New(db, storetest.NewSealer(t, 'x'), func() time.Time { return late })
		if n, err := sweeper.Sweep(t.Context()); err != nil || n != 3 {
			t.Fatalf("Sweep answers %d, %v; want 3", n, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		for name, n := range entriesOf(t, path) {
			if n != 0 {
				t.Errorf("the bucket %s still has %d entries", name, n)
			}
		}
	})
	t.Run("a sweep beside people who sign in takes none of them along", func(t *testing.T) {
		st := embedded.New(openDB(t, newPath(t)), storetest.NewSealer(t, 'k'), time.Now)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 25 {
					if err := storetest.Keep(t.Context(), st, newSession(1)); err != nil {
						t.Error(err)
					}
				}
			})
			wg.Go(func() {
				if n, err := st.Sweep(t.Context()); err != nil || n != 0 {
					t.Errorf("Sweep answers %d, %v; want 0", n, err)
				}
			})
		}
		wg.Wait()
		if list, err := st.List(t.Context(), 1); err != nil || len(list) != 100 {
			t.Errorf("List answers %d sessions, %v; want 100", len(list), err)
		}
	})
	t.Run("a place in the index that was left behind takes nothing along that goes on", func(t *testing.T) {
		path := newPath(t)
		db := openDB(t, path)
		st := embedded.New(db, storetest.NewSealer(t, 'k'), time.Now)
		if held, err := st.Hold(t.Context(), "refresh", "one", time.Hour); err != nil || !held {
			t.Fatalf("Hold answers %v, %v", held, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		hash := sha256.Sum256([]byte("refresh"))
		edit(t, path, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("lease-ends")).Put(append(make([]byte, 8), hash[:]...), nil)
		})
		st = embedded.New(openDB(t, path), storetest.NewSealer(t, 'k'), time.Now)
		if _, err := st.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if held, err := st.Hold(t.Context(), "refresh", "two", time.Hour); err != nil || held {
			t.Errorf("Hold answers another %v, %v; want false", held, err)
		}
	})
	t.Run("a place in the index without a session does not keep the sweep", func(t *testing.T) {
		path := newPath(t)
		if err := openDB(t, path).Close(); err != nil {
			t.Fatal(err)
		}
		edit(t, path, func(tx *bbolt.Tx) error {
			for _, k := range []string{"\x00\x00\x00\x00\x00\x00\x00\x01", "\x00\x00\x00\x00\x00\x00\x00\x02not a key"} {
				if err := tx.Bucket([]byte("ends")).Put([]byte(k), nil); err != nil {
					return err
				}
			}
			return nil
		})
		db := openDB(t, path)
		if _, err := embedded.New(db, storetest.NewSealer(t, 'k'), nil).Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if n := entriesOf(t, path)["ends"]; n != 0 {
			t.Errorf("the index still has %d places", n)
		}
	})
}

// edit changes a database that nobody has open, as damage would.
func edit(t *testing.T, path string, change func(*bbolt.Tx) error) {
	t.Helper()
	b, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Update(change), b.Close()); err != nil {
		t.Fatal(err)
	}
}

// entriesOf counts what each bucket of a database holds.
func entriesOf(t *testing.T, path string) map[string]int {
	t.Helper()
	b, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	entries := make(map[string]int)
	err = b.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
			entries[string(name)] = bucket.Stats().KeyN
			return nil
		})
	})
	if err != nil || len(entries) == 0 {
		t.Fatalf("the file has the buckets %v, %v", entries, err)
	}
	return entries
}

// BenchmarkSignIns is many people who sign in at once, each on disk when
// answered.
func BenchmarkSignIns(b *testing.B) {
	st := benchStore(b)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := storetest.Keep(context.Background(), st, newSession(1)); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkGet(b *testing.B) {
	st, s := benchStore(b), newSession(1)
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

func benchStore(b *testing.B) *embedded.Store {
	db, err := embedded.Open(b.TempDir() + "/sessions.db")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	sealer, err := sessionstore.NewSealer(make([]byte, sessionstore.SealingKeySize))
	if err != nil {
		b.Fatal(err)
	}
	return embedded.New(db, sealer, nil)
}
