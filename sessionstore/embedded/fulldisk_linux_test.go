package embedded_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

// roomFor lets files of this process grow to so many bytes until the returned function
// is called: a disk that is full part of the way.
func roomFor(t *testing.T, bytes int64) (free func()) {
	t.Helper()
	free = fillDisk(t)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = uint64(bytes)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	return free
}

// failing writes so much, and then no more.
type failing struct{ room int }

var errNoRoom = errors.New("no space left")

func (f *failing) Write(b []byte) (int, error) {
	if f.room -= len(b); f.room < 0 {
		return 0, errNoRoom
	}
	return len(b), nil
}

// Wherever in the midst of it the disk is full, the file in force is the one before.
func TestOnAFullDiskTheFormerFileStaysInForce(t *testing.T) {
	if !isAlone(t) {
		return
	}
	path := newPath(t)
	st, db, kept := full(t, path, 20_000)
	before, err := os.Stat(path)
	must(t, err)
	unharmed := func(what string, room int64, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), syscall.EFBIG.Error()) { // bbolt tells it as a text
			t.Errorf("%s with room for %d bytes: the error is %v", what, room, err)
		}
		wantNothingBeside(t, db)
		if there, err := os.Stat(path); err != nil || !os.SameFile(before, there) || there.Mode().Perm() != 0o600 {
			t.Errorf("%s with room for %d bytes: another file is there, %v", what, room, err)
		}
	}
	for _, room := range []int64{0, 1, 4096, 8192, 32 << 10, 100 << 10, 200 << 10, 400 << 10} {
		free := roomFor(t, room)
		_, _, err := db.Compact(t.Context())
		unharmed("compacting", room, err)
		_, err = db.Backup(t.Context(), io.Discard)
		unharmed("copying", room, err)
		_, err = db.Check(t.Context(), storetest.NewSealer(t, 'k'), time.Now())
		unharmed("checking", room, err)
		free()
		begin(t, st, 3)
	}
	for _, room := range []int{0, 100, 100_000} {
		if _, err := db.Backup(t.Context(), &failing{room}); !errors.Is(err, errNoRoom) {
			t.Errorf("the error is %v", err)
		}
		wantNothingBeside(t, db)
	}
	for _, key := range kept {
		if _, err := st.Get(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	_, after, err := db.Compact(t.Context())
	if must(t, err); after > 4<<20 || after < 400<<10 {
		t.Errorf("it has %d bytes then, so that not each of these was in the midst of it", after)
	}
	must(t, db.Close())
	report, err := embedded.CheckFile(t.Context(), path, storetest.NewSealer(t, 'k'), time.Now())
	if err != nil || !report.Sound() || report.Live != len(kept)+8 {
		t.Errorf("the file is %+v, %v", report, err)
	}
}
