package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// begin stores a new session of that person.
func begin(t *testing.T, st *embedded.Store, userID int64) *sessionstore.Session {
	t.Helper()
	s := newSession(userID)
	must(t, storetest.Keep(t.Context(), st, s))
	return s
}

// full is a store of so many sessions, of which every tenth is left, so that most of
// the file is not used; and those that are.
func full(t *testing.T, path string, sessions int) (*embedded.Store, *embedded.DB, []sessionstore.Key) {
	t.Helper()
	db := openDB(t, path)
	st := embedded.New(db, storetest.NewSealer(t, 'k'), time.Now)
	all := make([]*sessionstore.Session, sessions)
	for i := range all {
		all[i] = newSession(int64(i%7 + 1))
	}
	fill(t, st, all)
	var kept, gone []sessionstore.Key
	for i, s := range all {
		if i%10 == 0 {
			kept = append(kept, s.Key)
		} else {
			gone = append(gone, s.Key)
		}
	}
	_, err := st.RevokeFound(t.Context(), storetest.Found(gone...)...)
	must(t, err)
	return st, db, kept
}

// meanwhile has somebody sign in without end until it returns what was acknowledged.
func meanwhile(t *testing.T, st *embedded.Store) (stop func() []sessionstore.Key, progress func() int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var n atomic.Int64
	done := make(chan []sessionstore.Key)
	go func() {
		var keys []sessionstore.Key
		for ctx.Err() == nil {
			s := newSession(99)
			if err := storetest.Keep(context.Background(), st, s); err != nil {
				t.Errorf("signing in meanwhile: %v", err)
				break
			}
			if _, err := st.Get(context.Background(), s.Key); err != nil {
				t.Errorf("reading meanwhile: %v", err)
				break
			}
			keys = append(keys, s.Key)
			n.Add(1)
		}
		done <- keys
	}()
	return func() []sessionstore.Key { cancel(); return <-done }, n.Load
}

// more waits until so many more have come.
func more(t *testing.T, progress func() int64, many int64) {
	t.Helper()
	then := progress()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for progress() < then+many {
		select {
		case <-t.Context().Done():
			t.Fatal("nobody comes any more")
		case <-tick.C:
		}
	}
}

// slowly is a reader of a backup who waits until others have signed in.
type slowly struct {
	io.Writer
	wait func()
}

func (s *slowly) Write(b []byte) (int, error) {
	s.wait()
	return s.Writer.Write(b)
}

func TestABackupIsOfOneMomentWhilePeopleSignIn(t *testing.T) {
	st, db, kept := full(t, newPath(t), 2000)
	stop, progress := meanwhile(t, st)
	var copied bytes.Buffer
	// Whoever takes the backup is slow, and keeps nobody waiting for that.
	n, err := db.Backup(t.Context(), &slowly{&copied, func() {
		more(t, progress, 20)
	}})
	must(t, err)
	stop()
	if n != int64(copied.Len()) {
		t.Errorf("%d bytes are said to be written; there are %d", n, copied.Len())
	}
	wantNothingBeside(t, db)
	path := writeFile(t, copied.Bytes())
	report, err := embedded.CheckFile(t.Context(), path, storetest.NewSealer(t, 'k'), time.Now())
	if err != nil || !report.Sound() || report.Live < len(kept) {
		t.Errorf("the copy is %+v, %v", report, err)
	}
	restored := embedded.New(openDB(t, path), storetest.NewSealer(t, 'k'), time.Now)
	for _, key := range kept {
		if _, err := restored.Get(t.Context(), key); err != nil {
			t.Fatalf("a session of before the backup: %v", err)
		}
	}
}

// wantNothingBeside requires that nothing is left beside the file.
func wantNothingBeside(t *testing.T, db *embedded.DB) {
	t.Helper()
	files, err := filepath.Glob(db.Path() + ".*")
	if err != nil || len(files) > 0 {
		t.Errorf("there is left %v, %v", files, err)
	}
}

func TestABackupThatNobodyTakesIsAnError(t *testing.T) {
	_, db, _ := full(t, newPath(t), 100)
	broken, w := io.Pipe()
	must(t, broken.Close())
	if _, err := db.Backup(t.Context(), w); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Backup(ctx, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("the error for who has gone is %v", err)
	}
	wantNothingBeside(t, db)
}

func TestCompactingGivesBackWhatIsNotUsed(t *testing.T) {
	path := newPath(t)
	st, db, kept := full(t, path, 20_000)
	number, err := st.Number(t.Context(), "subject")
	must(t, err)
	must(t, st.Beat(t.Context()))
	stop, progress := meanwhile(t, st)
	before, after, err := db.Compact(t.Context())
	must(t, err)
	more(t, progress, 5) // on the new file
	begun := stop()
	if info, err := os.Stat(path); err != nil || after*3 > before || info.Mode().Perm() != 0o600 {
		t.Errorf("%d bytes became %d, %v, %v", before, after, info.Mode(), err)
	}
	wantNothingBeside(t, db)
	holdsAll := func(st *embedded.Store) {
		t.Helper()
		for _, key := range append(kept, begun...) {
			if _, err := st.Get(t.Context(), key); err != nil {
				t.Fatalf("a session that was there or begun meanwhile: %v", err)
			}
		}
		if n, err := st.Number(t.Context(), "subject"); n != number || err != nil {
			t.Errorf("its number is %d, %v; want %d", n, err, number)
		}
		if n, err := st.Number(t.Context(), t.Name()+time.Now().String()); n <= number || err != nil {
			t.Errorf("the next number is %d, %v; want one beyond %d", n, err, number)
		}
	}
	holdsAll(st)
	if _, err := embedded.Open(path); !errors.Is(err, embedded.ErrInUse) {
		t.Errorf("another process is answered %v; want ErrInUse", err)
	}
	must(t, db.Close())
	wantListOfTheFree(t, path)
	reopened := openDB(t, path)
	holdsAll(embedded.New(reopened, storetest.NewSealer(t, 'k'), time.Now))
	report, err := reopened.Check(t.Context(), storetest.NewSealer(t, 'k'), time.Now())
	if err != nil || !report.Sound() || report.Live != len(kept)+len(begun) {
		t.Errorf("the new file is %+v, %v", report, err)
	}
}

// wantListOfTheFree requires that the file has one, which bbolt would else write when it
// opens it: all of the file is read for it.
func wantListOfTheFree(t *testing.T, path string) {
	t.Helper()
	before, err := os.ReadFile(path)
	must(t, err)
	b, err := bbolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, b.Close())
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file has no list of its free pages, %v", err)
	}
}

func TestWhoWaitsForACompactionWaitsNoLongerThanTheirContext(t *testing.T) {
	st, db, _ := full(t, newPath(t), 100)
	var kept *sessionstore.Session
	release := db.TakeAlone(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := storetest.Keep(ctx, st, newSession(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who writes is answered %v", err)
	}
	if _, err := st.Count(t.Context()); err != nil {
		t.Errorf("who reads is answered %v", err)
	}
	release()
	kept = begin(t, st, 1)
	if _, err := st.Get(t.Context(), kept.Key); err != nil {
		t.Error(err)
	}
}

func TestACompactionThatFailsLeavesTheFileAsItWas(t *testing.T) {
	path := newPath(t)
	st, db, kept := full(t, path, 3000)
	same := func(name string) {
		t.Helper()
		for _, key := range kept {
			if _, err := st.Get(t.Context(), key); err != nil {
				t.Fatalf("%s: a session: %v", name, err)
			}
		}
		begin(t, st, 3)
	}
	t.Run("for who has gone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := db.Compact(ctx)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		same(t.Name())
		wantNothingBeside(t, db)
	})
	t.Run("where something is in the way", func(t *testing.T) {
		must(t, os.MkdirAll(filepath.Join(path+".compact", "a folder"), 0o700))
		_, _, err := db.Compact(t.Context())
		if err == nil || !strings.Contains(err.Error(), path+".compact") {
			t.Errorf("the error is %v", err)
		}
		same(t.Name())
		must(t, os.RemoveAll(path+".compact"))
	})
	t.Run("of a file that is closed", func(t *testing.T) {
		must(t, db.Close())
		if _, _, err := db.Compact(t.Context()); err == nil {
			t.Error("it is said to have been compacted")
		}
		wantNothingBeside(t, db)
		if again := openDB(t, path); again == nil {
			t.Error("the file is not opened again")
		}
	})
}

// TestWhoWaitedForTheFileGetsTheOneThatIsThere: the lock of a file that was replaced
// is given to who waits for it, and nobody finds that file any more.
func TestWhoWaitedForTheFileGetsTheOneThatIsThere(t *testing.T) {
	path := newPath(t)
	st, db, kept := full(t, path, 1000)
	opened := make(chan *embedded.DB)
	errs := make(chan error, 1)
	go func() {
		for t.Context().Err() == nil {
			next, err := embedded.Open(path)
			if err == nil {
				opened <- next
				return
			}
			if !errors.Is(err, embedded.ErrInUse) {
				errs <- err
				return
			}
		}
	}()
	for range 20 {
		_, _, err := db.Compact(t.Context())
		must(t, err)
		begin(t, st, 5)
		select {
		case err := <-errs:
			t.Fatal(err)
		case <-opened:
			t.Fatal("two have the file")
		default:
		}
	}
	last := begin(t, st, 5)
	must(t, db.Close())
	next := <-opened
	defer func() { _ = next.Close() }()
	after := embedded.New(next, storetest.NewSealer(t, 'k'), time.Now)
	for _, key := range append(kept, last.Key) {
		if _, err := after.Get(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
}
