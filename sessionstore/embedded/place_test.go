package embedded_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

// aside is where the file at path is moved away to.
func aside(path string) string { return filepath.Join(filepath.Dir(path), "moved.db") }

// wantMisplaced requires an error that is no definite answer, and says what to do.
func wantMisplaced(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || errors.Is(err, sessionstore.ErrNotFound) || !strings.Contains(err.Error(), "another file is in its place, or none: stop the gateway, then put the right one back") {
		t.Errorf("%s answers %v", what, err)
		return
	}
	refusal, ok := errors.AsType[sessionstore.Refusal](err)
	if !ok {
		t.Errorf("%s: the error is no refusal", what)
		return
	}
	if _, remedy, ok := refusal.Refused(); !ok || !strings.Contains(remedy, "Stop the gateway, then put the right file back at "+string(filepath.Separator)) {
		t.Errorf("%s: the remedy is %q", what, remedy)
	}
}

// What is read from a file that lost its place may have ended in the one that is there,
// and what is written to it is gone with the gateway.
func TestAFileThatHasLostItsPlaceCannotTell(t *testing.T) {
	for name, instead := range map[string]func(t *testing.T, path string){
		"it was moved away":                  func(*testing.T, string) {},
		"another was put in its place":       func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte("another"), 0o600)) },
		"there is a link to another now":     func(t *testing.T, path string) { must(t, os.Symlink(writeFile(t, []byte("another")), path)) },
		"there is a link that leads nowhere": func(t *testing.T, path string) { must(t, os.Symlink(path+".nowhere", path)) },
		"its folder was moved as well":       func(t *testing.T, path string) { must(t, os.Rename(filepath.Dir(path), filepath.Dir(path)+"-moved")) },
	} {
		t.Run(name, func(t *testing.T) {
			clock, path := storetest.NewClock(), newPath(t)
			db := openDB(t, path)
			st := embedded.New(db, storetest.NewSealer(t, 'k'), clock.Now)
			s := idler(clock)
			must(t, storetest.Keep(t.Context(), st, s))
			must(t, st.Beat(t.Context()))
			must(t, os.Rename(path, aside(path)))
			instead(t, path)
			for what, ask := range map[string]func() error{
				"a beat":       func() error { return st.Beat(t.Context()) },
				"a question":   func() error { _, err := st.Get(t.Context(), s.Key); return err },
				"a list":       func() error { _, err := st.List(t.Context(), 1); return err },
				"a sign-in":    func() error { return storetest.Keep(t.Context(), st, idler(clock)) },
				"a sign-out":   func() error { return storetest.End(t.Context(), st, s.Key) },
				"one of all":   func() error { _, err := st.RevokeUser(t.Context(), 1); return err },
				"activity":     func() error { return st.Touch(t.Context(), s, clock.Now().Add(time.Second)) },
				"an attempt":   func() error { _, err := st.Take(t.Context(), "ada", 5, time.Minute); return err },
				"a sweep":      func() error { _, err := st.Sweep(t.Context()); return err },
				"a backup":     func() error { _, err := st.Backup(t.Context(), io.Discard); return err },
				"a check":      func() error { _, err := st.Check(t.Context()); return err },
				"a compaction": func() error { _, _, err := st.Compact(t.Context()); return err },
			} {
				wantMisplaced(t, what, ask())
			}
			wantNothingBeside(t, db)
			if _, err := os.Stat(filepath.Dir(path)); err != nil {
				must(t, os.Rename(filepath.Dir(path)+"-moved", filepath.Dir(path)))
			}
			must(t, os.RemoveAll(path))
			must(t, os.Rename(aside(path), path))
			clock.Advance(3 * time.Second) // of a write that has failed
			must(t, st.Beat(t.Context()))
			if _, err := st.Get(t.Context(), s.Key); err != nil {
				t.Errorf("the session after the file is back: %v", err)
			}
			must(t, storetest.End(t.Context(), st, s.Key))
		})
	}
}

// A file that is a link must lead to the same one on. Folders on the way may have links:
// where those lead to later is the next start's business.
func TestALinkThatLeadsElsewhereIsNoticedWhereItIsTheFileItself(t *testing.T) {
	path, folder := newPath(t), t.TempDir()
	openDB(t, path)
	link := filepath.Join(folder, "linked.db")
	other := newPath(t)
	must(t, os.Symlink(other, link))
	must(t, os.MkdirAll(filepath.Dir(other), 0o700))
	st := embedded.New(openDB(t, link), storetest.NewSealer(t, 'k'), time.Now)
	must(t, st.Beat(t.Context()))
	_, _, err := st.Compact(t.Context())
	must(t, err)
	must(t, st.Beat(t.Context()))
	must(t, os.Remove(link))
	must(t, os.Symlink(path, link))
	wantMisplaced(t, "a beat", st.Beat(t.Context()))

	way := filepath.Join(folder, "way")
	must(t, os.MkdirAll(filepath.Join(folder, "there"), 0o700))
	must(t, os.Symlink(filepath.Join(folder, "there"), way))
	st = embedded.New(openDB(t, filepath.Join(way, "sessions.db")), storetest.NewSealer(t, 'k'), time.Now)
	must(t, os.Remove(way))
	must(t, st.Beat(t.Context()))
}

// What is acknowledged is in the file that others find, however late that was put there.
func TestAWriteIsNotAcknowledgedWhereTheFileLosesItsPlaceMeanwhile(t *testing.T) {
	path := newPath(t)
	var away atomic.Bool
	st := embedded.New(openDB(t, path), storetest.NewSealer(t, 'k'), func() time.Time {
		if away.CompareAndSwap(true, false) { // in the midst of the transaction, which asks for the time
			must(t, os.Rename(path, aside(path)))
		}
		return time.Now()
	})
	s := begin(t, st, 1)
	away.Store(true)
	wantMisplaced(t, "activity", st.Touch(t.Context(), s, time.Now().Add(time.Second)))
}

// A compaction leaves what others have put there meanwhile, which nobody else has.
func TestACompactionRenamesOverNoOtherFile(t *testing.T) {
	path := newPath(t)
	st, db, kept := full(t, path, 200)
	writing, let := make(chan struct{}), make(chan struct{})
	slow := embedded.New(db, storetest.NewSealer(t, 'k'), sync.OnceValue(func() time.Time {
		close(writing) // in the midst of a transaction, for which a compaction waits
		<-let
		return time.Now()
	}))
	touched, compacted := make(chan error, 1), make(chan error, 1)
	s := begin(t, st, 1)
	go func() { touched <- slow.Touch(t.Context(), s, time.Now().Add(time.Second)) }()
	<-writing
	go func() { _, _, err := st.Compact(t.Context()); compacted <- err }()
	for !db.IsTakenAlone() {
		runtime.Gosched()
	}
	must(t, os.Rename(path, aside(path)))
	must(t, os.WriteFile(path, []byte("another"), 0o600))
	close(let)
	wantMisplaced(t, "activity", <-touched)
	wantMisplaced(t, "a compaction", <-compacted)
	if text, err := os.ReadFile(path); err != nil || string(text) != "another" {
		t.Errorf("there is another of %d bytes, %v", len(text), err)
	}
	wantNothingBeside(t, db)
	must(t, os.Rename(aside(path), path))
	if _, err := st.Get(t.Context(), kept[0]); err != nil {
		t.Errorf("the file that was moved away: %v", err)
	}
}

// A compaction's own rename is not taken for another's.
func TestWhoAsksDuringACompactionFindsTheFileInItsPlace(t *testing.T) {
	st, db, kept := full(t, newPath(t), 500)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			if _, _, err := db.Compact(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}()
	for {
		select {
		case <-done:
			return
		default:
		}
		must(t, st.Beat(t.Context()))
		if _, err := st.Get(t.Context(), kept[0]); err != nil {
			t.Fatal(err)
		}
	}
}
