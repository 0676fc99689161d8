package embedded_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

func TestLeasesLinksAndNumbersSurviveReopening(t *testing.T) {
	path, key := newPath(t), sessionstore.NewSecret(1).Key()
	db := openDB(t, path)
	st := embedded.New(db, storetest.NewSealer(t, 'k'), time.Now)
	number, numberErr := st.Number(t.Context(), "subject")
	_, holdErr := st.Hold(t.Context(), "refresh", "one", time.Hour)
	if err := errors.Join(numberErr, holdErr, st.Link(t.Context(), "sub", key, time.Hour), db.Close()); err != nil {
		t.Fatal(err)
	}
	// Neither the links nor the rest needs the sealing key.
	st = embedded.New(openDB(t, path), storetest.NewSealer(t, 'x'), time.Now)
	if held, err := st.Hold(t.Context(), "refresh", "two", time.Hour); err != nil || held {
		t.Errorf("Hold answers another %v, %v; want false", held, err)
	}
	if keys, err := st.Linked(t.Context(), "sub"); err != nil || !slices.Equal(keys, []sessionstore.Key{key}) {
		t.Errorf("Linked answers %v, %v; want the one session", keys, err)
	}
	if is, err := st.IsLinked(t.Context(), "sub", key); err != nil || !is {
		t.Errorf("IsLinked answers %v, %v; want true", is, err)
	}
	if n, err := st.Number(t.Context(), "subject"); err != nil || n != number {
		t.Errorf("Number answers %d, %v; want %d", n, err, number)
	}
	if n, err := st.Number(t.Context(), "other subject"); err != nil || n == number {
		t.Errorf("Number answers another %d, %v; the first has it", n, err)
	}
}

func TestStoreWhoseDatabaseIsClosedCannotTell(t *testing.T) {
	db := openDB(t, newPath(t))
	st := embedded.New(db, storetest.NewSealer(t, 'k'), time.Now)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	held, holdErr := st.Hold(t.Context(), "refresh", "one", time.Hour)
	n, numberErr := st.Number(t.Context(), "subject")
	_, linkedErr := st.Linked(t.Context(), "sub")
	is, isLinkedErr := st.IsLinked(t.Context(), "sub", sessionstore.Key{})
	if held || is || n != 0 {
		t.Errorf("a lease is held: %v, a session is linked: %v, a number is given: %d", held, is, n)
	}
	for _, err := range []error{
		holdErr, numberErr, linkedErr, isLinkedErr, st.Release(t.Context(), "refresh", "one"),
		st.Link(t.Context(), "sub", sessionstore.Key{}, time.Hour), st.Unlink(t.Context(), "sub", sessionstore.Key{}),
	} {
		if err == nil || errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("error is %v; want one that is no definite answer", err)
		}
	}
}

func TestDamagedNumbers(t *testing.T) {
	hash := sha256.Sum256([]byte("subject"))
	for _, c := range []struct {
		name   string
		damage func(numbers *bbolt.Bucket) error
		says   string
	}{
		{"a number that is too short", func(b *bbolt.Bucket) error { return b.Put(hash[:], []byte{1}) }, "damaged"},
		{"a number that is 0", func(b *bbolt.Bucket) error { return b.Put(hash[:], make([]byte, 8)) }, "damaged"},
		{"a number that JavaScript cannot read", func(b *bbolt.Bucket) error { return b.Put(hash[:], []byte{0, 0x20, 0, 0, 0, 0, 0, 0}) }, "damaged"},
		{"a sequence that is at its end", func(b *bbolt.Bucket) error { return b.SetSequence(sessionstore.MaxNumber) }, "restore a copy"},
	} {
		t.Run(c.name+" cannot be told and is not given anew", func(t *testing.T) {
			path := newPath(t)
			if err := openDB(t, path).Close(); err != nil {
				t.Fatal(err)
			}
			edit(t, path, func(tx *bbolt.Tx) error { return c.damage(tx.Bucket([]byte("numbers"))) })
			st := embedded.New(openDB(t, path), storetest.NewSealer(t, 'k'), time.Now)
			for range 2 {
				n, err := st.Number(t.Context(), "subject")
				if n != 0 || err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("Number answers %d, %v", n, err)
				}
			}
		})
	}
	t.Run("the last number is given, and none after it", func(t *testing.T) {
		path := newPath(t)
		if err := openDB(t, path).Close(); err != nil {
			t.Fatal(err)
		}
		edit(t, path, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("numbers")).SetSequence(sessionstore.MaxNumber - 1)
		})
		st := embedded.New(openDB(t, path), storetest.NewSealer(t, 'k'), time.Now)
		if n, err := st.Number(t.Context(), "last"); err != nil || n != sessionstore.MaxNumber {
			t.Errorf("Number answers %d, %v; want the last", n, err)
		}
		if n, err := st.Number(t.Context(), "one too many"); err == nil {
			t.Errorf("Number answers %d", n)
		}
		if n, err := st.Number(t.Context(), "last"); err != nil || n != sessionstore.MaxNumber {
			t.Errorf("Number answers %d, %v; want the last once more", n, err)
		}
	})
}

// TestALinkThatIsDamagedCannotBeTold: a session that goes unnamed would pass for
// one that has been ended.
func TestALinkThatIsDamagedCannotBeTold(t *testing.T) {
	path, hash := newPath(t), sha256.Sum256([]byte("sub"))
	if err := openDB(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, func(tx *bbolt.Tx) error {
		late := []byte{0xff, 0, 0, 0, 0, 0, 0, 0}
		return tx.Bucket([]byte("links")).Put(append(hash[:], "half a key"...), late)
	})
	st := embedded.New(openDB(t, path), storetest.NewSealer(t, 'k'), time.Now)
	if keys, err := st.Linked(t.Context(), "sub"); keys != nil || !errors.Is(err, sessionstore.ErrCorrupt) {
		t.Errorf("Linked answers %v, %v; want ErrCorrupt", keys, err)
	}
}

// TestLinksOfOneNameAreNotThoseOfItsNeighbour: links are read by the hash of
// their name, which others sort beside.
func TestLinksOfOneNameAreNotThoseOfItsNeighbour(t *testing.T) {
	st := embedded.New(openDB(t, newPath(t)), storetest.NewSealer(t, 'k'), time.Now)
	keys := make(map[string]sessionstore.Key)
	for i := range 100 {
		name := fmt.Sprint("subject-", i)
		keys[name] = sessionstore.NewSecret(1).Key()
		if err := st.Link(t.Context(), name, keys[name], time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for name, key := range keys {
		if got, err := st.Linked(t.Context(), name); err != nil || !slices.Equal(got, []sessionstore.Key{key}) {
			t.Errorf("%s has the links %v, %v; want its own one", name, got, err)
		}
	}
}
