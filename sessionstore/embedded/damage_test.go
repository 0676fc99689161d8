package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

func TestDamagedFile(t *testing.T) {
	sound := fileOf(t, 300)
	page := os.Getpagesize()
	damages := map[string][]byte{
		"a file of text":             []byte(strings.Repeat("this is no database\n", 1000)),
		"a file of one byte":         {0},
		"a file of a page and a bit": sound[:page+page/4],
		"both first pages zeroed":    append(make([]byte, 2*page), sound[2*page:]...),
		"a file of zeros":            make([]byte, 16*page),
		"a file cut in half":         sound[:len(sound)/2],
		"a file cut to two pages":    sound[:2*page],
		"a file without its end":     sound[:len(sound)-1],
	}
	for name, content := range damages {
		t.Run(name+" is refused with the next step", func(t *testing.T) {
			path := writeFile(t, content)
			_, err := embedded.Open(path)
			if !errors.Is(err, embedded.ErrDamaged) || !strings.Contains(err.Error(), "move it away") {
				t.Fatalf("error is %v; want ErrDamaged", err)
			}
			if !strings.Contains(err.Error(), path) {
				t.Errorf("the error does not name the file: %v", err)
			}
		})
	}
	t.Run("a damaged file that was moved away leaves room for a new one", func(t *testing.T) {
		path := writeFile(t, sound[:len(sound)/2])
		if _, err := embedded.Open(path); err == nil {
			t.Fatal("the damaged file was opened")
		}
		if err := os.Rename(path, path+".damaged"); err != nil {
			t.Fatal(err)
		}
		openDB(t, path)
	})
}

// What another program keeps is not ours to write into.
func TestADatabaseOfAnotherProgramIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		buckets []string
		options bbolt.Options
	}{
		"of other buckets":             {[]string{"theirs"}, bbolt.Options{}},
		"that has sessions too":        {[]string{"sessions"}, bbolt.Options{}},
		"that has sessions and users":  {[]string{"sessions", "users", "links", "attempts"}, bbolt.Options{}},
		"that has no list of its free": {[]string{"sessions"}, bbolt.Options{NoFreelistSync: true}},
	} {
		t.Run("one "+name, func(t *testing.T) {
			path := newPath(t)
			must(t, os.MkdirAll(filepath.Dir(path), 0o700))
			other, err := bbolt.Open(path, 0o640, &c.options)
			must(t, err)
			must(t, other.Update(func(tx *bbolt.Tx) error {
				for _, bucket := range c.buckets {
					made, err := tx.CreateBucket([]byte(bucket))
					if err = errors.Join(err, made.Put([]byte("of theirs"), []byte("x"))); err != nil {
						return err
					}
				}
				return nil
			}))
			must(t, other.Close())
			must(t, os.Chmod(path, 0o640))
			before, err := os.ReadFile(path)
			must(t, err)
			_, opened := embedded.Open(path)
			_, checked := embedded.CheckFile(t.Context(), path, storetest.NewSealer(t, 'k'), time.Now())
			for what, err := range map[string]error{"it is opened": opened, "it is checked": checked} {
				if !errors.Is(err, embedded.ErrForeign) || strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), "store embedded <file>") {
					t.Errorf("%s: %v", what, err)
				}
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
				t.Errorf("it was written into: %v", err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("it is another's now: %v, %v", info.Mode(), err)
			}
		})
	}
}

// A file of the first build has fewer buckets.
func TestAFileOfAnEarlierBuildIsOpened(t *testing.T) {
	path := newPath(t)
	_, db, kept := full(t, path, 100)
	must(t, db.Close())
	edit(t, path, func(tx *bbolt.Tx) error {
		for _, later := range []string{"leases", "lease-ends", "links", "link-ends", "numbers", "owners", "pulse"} {
			if err := tx.DeleteBucket([]byte(later)); err != nil {
				return err
			}
		}
		return nil
	})
	report, err := embedded.CheckFile(t.Context(), path, storetest.NewSealer(t, 'k'), time.Now())
	if err != nil || report.Live != len(kept) {
		t.Errorf("a check: %+v, %v", report, err)
	}
	st := embedded.New(openDB(t, path), storetest.NewSealer(t, 'k'), time.Now)
	if _, err := st.Get(t.Context(), kept[0]); err != nil {
		t.Error(err)
	}
}

// TestDamagedPages spoils one page after the other. Not every page is in use,
// so some files open; what must not happen is a crash or another error.
func TestDamagedPages(t *testing.T) {
	sound := fileOf(t, 60)
	page := os.Getpagesize()
	refused := 0
	for _, fill := range []byte{0x00, 0xff} {
		for at := 0; at+page <= len(sound); at += page {
			spoiled := append([]byte(nil), sound...)
			for i := range page {
				spoiled[at+i] = fill
			}
			db, err := embedded.Open(writeFile(t, spoiled))
			switch {
			case err == nil:
				_ = db.Close()
			case errors.Is(err, embedded.ErrDamaged):
				refused++
			default:
				t.Errorf("page %d filled with %#x: %v", at/page, fill, err)
			}
		}
	}
	if refused == 0 {
		t.Error("no damage was noticed")
	}
}

// TestDamagedRecord changes one session in the file, behind the store's back.
func TestDamagedRecord(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(value []byte) []byte
		want  error
	}{
		{"a record changed within its seal cannot be told", func(v []byte) []byte { v[len(v)-1] ^= 1; return v }, sessionstore.ErrCorrupt},
		{"a record cut short cannot be told", func(v []byte) []byte { return v[:30] }, sessionstore.ErrCorrupt},
		{"an entry cut short cannot be told", func(v []byte) []byte { return v[:3] }, sessionstore.ErrCorrupt},
		{"an empty entry cannot be told", func([]byte) []byte { return []byte{} }, sessionstore.ErrCorrupt},
		{"a record of a newer version cannot be told", func(v []byte) []byte { v[24] = 2; return v }, sessionstore.ErrFormat},
	}
	for _, c := range cases {
		t.Run(c.name+", and can be revoked", func(t *testing.T) {
			st, s := spoiledStore(t, time.Now, c.spoil)
			_, getErr := st.Get(t.Context(), s.Key)
			_, listErr := st.List(t.Context(), s.User.ID)
			_, updateErr := st.Update(t.Context(), s)
			for _, err := range []error{getErr, listErr, updateErr} {
				if !errors.Is(err, c.want) || errors.Is(err, sessionstore.ErrNotFound) {
					t.Errorf("error is %v; want %v", err, c.want)
				}
			}
			if err := storetest.End(t.Context(), st, s.Key); err != nil {
				t.Fatal(err)
			}
			if _, err := st.Get(t.Context(), s.Key); !errors.Is(err, sessionstore.ErrNotFound) {
				t.Errorf("error is %v; want ErrNotFound", err)
			}
		})
	}
	t.Run("a life lengthened in the file does not lengthen the session", func(t *testing.T) {
		later := time.Now().Add(2 * time.Hour)
		st, s := spoiledStore(t, func() time.Time { return later }, func(v []byte) []byte {
			v[8] = 0xf0 // the expiry in the clear: ages from now
			return v
		})
		if _, err := st.Get(t.Context(), s.Key); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("error is %v; want ErrNotFound", err)
		}
		if list, err := st.List(t.Context(), s.User.ID); err != nil || len(list) != 0 {
			t.Errorf("List answers %d sessions, %v; want none", len(list), err)
		}
	})
}

// spoiledStore is a store with one session whose entry in the file was spoiled.
func spoiledStore(t *testing.T, now func() time.Time, spoil func([]byte) []byte) (*embedded.Store, *sessionstore.Session) {
	t.Helper()
	path, s := newPath(t), newSession(1)
	db := openDB(t, path)
	if err := storetest.Keep(t.Context(), embedded.New(db, storetest.NewSealer(t, 'k'), time.Now), s); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = b.Update(func(tx *bbolt.Tx) error {
		sessions, key := tx.Bucket([]byte("sessions")), s.Key.AppendTo(nil)
		return sessions.Put(key, spoil(append([]byte(nil), sessions.Get(key)...)))
	})
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	s.Version = 1
	return embedded.New(openDB(t, path), storetest.NewSealer(t, 'k'), now), s
}

// fileOf is the content of a database with that many sessions, up to the last
// page in use: bbolt makes its file longer than it need be.
func fileOf(t *testing.T, sessions int) []byte {
	t.Helper()
	path := newPath(t)
	db := openDB(t, path)
	st := embedded.New(db, storetest.NewSealer(t, 'k'), time.Now)
	done := make(chan error, sessions)
	for i := range sessions {
		go func() { done <- storetest.Keep(context.Background(), st, newSession(int64(i+1))) }()
	}
	for range sessions {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content[:inUse(t, path)]
}

// inUse is how many bytes of the database file belong to a page.
func inUse(t *testing.T, path string) (size int64) {
	t.Helper()
	b, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	err = b.View(func(tx *bbolt.Tx) error { size = tx.Size(); return nil })
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	return size
}

func writeFile(t *testing.T, content []byte) string {
	t.Helper()
	path := fmt.Sprintf("%s/sessions.db", t.TempDir())
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
