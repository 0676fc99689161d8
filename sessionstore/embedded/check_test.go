package embedded_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

func TestACheckSaysWhetherFileAndSecretFit(t *testing.T) {
	path := newPath(t)
	_, db, kept := full(t, path, 3000)
	later := time.Now().Add(2 * time.Hour)
	for _, c := range []struct {
		name    string
		fills   []byte
		now     time.Time
		want    sessionstore.FileReport
		sound   bool
		misfits bool
	}{
		{"with the secret that sealed them", []byte{'k'}, time.Now(), sessionstore.FileReport{Live: len(kept)}, true, false},
		{"with that as a former secret", []byte{'n', 'k'}, time.Now(), sessionstore.FileReport{Live: len(kept)}, true, false},
		{"when all of them have ended", []byte{'k'}, later, sessionstore.FileReport{Ended: len(kept)}, true, false},
		{"with another secret", []byte{'x'}, time.Now(), sessionstore.FileReport{OtherSecret: len(kept)}, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			report, err := db.Check(t.Context(), storetest.NewSealer(t, c.fills...), c.now)
			must(t, err)
			if info, err := os.Stat(path); err != nil || report.Bytes != info.Size() {
				t.Errorf("of %d bytes %d are not used; the file is %v, %v", report.Bytes, report.Unused, info, err)
			}
			report.Bytes, report.Unused = 0, 0
			if report.Live != c.want.Live || report.Ended != c.want.Ended || report.OtherSecret != c.want.OtherSecret || report.Damaged+report.Newer != 0 ||
				report.Sound() != c.sound || report.Misfit() != c.misfits || len(report.Broken) > 0 {
				t.Errorf("the report is %+v; want %+v", report, c.want)
			}
		})
	}
	wantNothingBeside(t, db)
	t.Run("and of a file that a gateway has open only that gateway says so", func(t *testing.T) {
		_, err := embedded.CheckFile(t.Context(), path, storetest.NewSealer(t, 'k'), time.Now())
		if !errors.Is(err, embedded.ErrInUse) {
			t.Errorf("the error is %v; want ErrInUse", err)
		}
	})
}

// A file grows to twice what it was, and so does the one that it is compacted to: what is
// free in it is not what the disk gets back.
func TestACheckPromisesNoMoreThanCompactingGivesBack(t *testing.T) {
	for name, c := range map[string]struct {
		sessions, ended int
		worthIt         bool
	}{
		"a file with nobody in it":        {0, 0, false},
		"a small one":                     {20, 0, false},
		"a small one that was larger":     {700, 690, true},
		"one that is full":                {3000, 0, false},
		"one that most have gone from":    {3000, 2900, true},
		"a large one that many have left": {40_000, 38_000, true},
		"a large one":                     {40_000, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			db := openDB(t, path)
			st := embedded.New(db, storetest.NewSealer(t, 'k'), time.Now)
			all, gone := make([]*sessionstore.Session, c.sessions), make([]sessionstore.Key, c.ended)
			for i := range all {
				all[i] = newSession(int64(i%7 + 1))
			}
			fill(t, st, all)
			for i := range gone {
				gone[i] = all[i].Key
			}
			_, err := st.RevokeFound(t.Context(), storetest.Found(gone...)...)
			must(t, err)
			report, err := db.Check(t.Context(), storetest.NewSealer(t, 'k'), time.Now())
			must(t, err)
			must(t, db.Close())
			closed, err := embedded.CheckFile(t.Context(), path, storetest.NewSealer(t, 'k'), time.Now())
			must(t, err)
			db = openDB(t, path)
			before, after, err := db.Compact(t.Context())
			must(t, err)
			for _, promised := range []int64{report.Unused, closed.Unused} {
				if given := before - after; promised > given || c.worthIt && promised*2 < given {
					t.Errorf("%d bytes became %d, and %d were promised", before, after, promised)
				}
			}
		})
	}
}

func TestACheckNamesWhatCannotBeReadByItsCause(t *testing.T) {
	st, db, kept := full(t, newPath(t), 100)
	must(t, st.Rewrite(kept[0], func(r []byte) []byte { r[len(r)-1] ^= 1; return r }))
	must(t, st.Rewrite(kept[1], func(r []byte) []byte { return r[:20] }))
	must(t, st.Rewrite(kept[2], func(r []byte) []byte { r[0]++; return r }))
	must(t, st.Rewrite(kept[3], func(r []byte) []byte { r[17] ^= 1; return r }))
	report, err := db.Check(t.Context(), storetest.NewSealer(t, 'k'), time.Now())
	must(t, err)
	if report.Damaged != 2 || report.Newer != 1 || report.OtherSecret != 1 || report.Live != len(kept)-4 || report.Misfit() || report.Sound() {
		t.Errorf("the report is %+v", report)
	}
}

func TestACheckMissesNoIndex(t *testing.T) {
	path := newPath(t)
	_, db, kept := full(t, path, 100)
	must(t, db.Close())
	edit(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("users")) })
	report, err := embedded.CheckFile(t.Context(), path, storetest.NewSealer(t, 'k'), time.Now())
	must(t, err)
	if report.Sound() || report.Live != len(kept) || !strings.Contains(strings.Join(report.Broken, " "), "index") {
		t.Errorf("the report is %+v", report)
	}
}

// Whatever page is spoiled, a check of the file says so or finds it sound, and neither
// changes the file nor ends the process.
func TestACheckOfADamagedFile(t *testing.T) {
	sound := fileOf(t, 60)
	page := os.Getpagesize()
	bad := 0
	for _, fill := range []byte{0x00, 0xff} {
		for at := 0; at+page <= len(sound); at += page {
			spoiled := append([]byte(nil), sound...)
			for i := range page {
				spoiled[at+i] = fill
			}
			path := writeFile(t, spoiled)
			report, err := embedded.CheckFile(t.Context(), path, storetest.NewSealer(t, 'k'), time.Now())
			switch {
			case err != nil && !errors.Is(err, embedded.ErrDamaged):
				t.Errorf("page %d filled with %#x: %v", at/page, fill, err)
			case err != nil || !report.Sound():
				bad++
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(spoiled) {
				t.Fatalf("the check has changed the file, %v", err)
			}
		}
	}
	if bad == 0 {
		t.Error("no damage was noticed")
	}
	for name, content := range map[string][]byte{"text": []byte(strings.Repeat("no database\n", 1000)), "a page and a bit": sound[:page+page/4], "one byte": {0}, "cut short": sound[:len(sound)/2], "empty": {}} {
		if _, err := embedded.CheckFile(t.Context(), writeFile(t, content), storetest.NewSealer(t, 'k'), time.Now()); !errors.Is(err, embedded.ErrDamaged) {
			t.Errorf("%s: the error is %v; want ErrDamaged", name, err)
		}
	}
	if _, err := embedded.CheckFile(t.Context(), newPath(t), storetest.NewSealer(t, 'k'), time.Now()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of no file the error is %v", err)
	}
}
