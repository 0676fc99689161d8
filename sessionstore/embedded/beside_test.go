package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

// stalled is a reader of a backup who takes nothing until it is let.
type stalled struct {
	io.Writer
	begun, let chan struct{}
}

func (s *stalled) Write(b []byte) (int, error) {
	select {
	case s.begun <- struct{}{}:
	default:
	}
	<-s.let
	return s.Writer.Write(b)
}

func newStalled(w io.Writer) *stalled {
	return &stalled{w, make(chan struct{}, 1), make(chan struct{})}
}

func TestWhoTakesNothingOfABackupKeepsNobodyWaiting(t *testing.T) {
	st, db, kept := full(t, newPath(t), 2000)
	var copied bytes.Buffer
	reader, done := newStalled(&copied), make(chan error, 1)
	go func() { _, err := db.Backup(t.Context(), reader); done <- err }()
	<-reader.begun
	wantNothingBeside(t, db) // the process may be killed at any moment
	report, err := db.Check(t.Context(), storetest.NewSealer(t, 'k'), time.Now())
	if err != nil || report.Live != len(kept) {
		t.Errorf("a check meanwhile: %+v, %v", report, err)
	}
	if n, err := db.Backup(t.Context(), io.Discard); err != nil || n == 0 {
		t.Errorf("another backup meanwhile: %d, %v", n, err)
	}
	if before, after, err := db.Compact(t.Context()); err != nil || after >= before {
		t.Errorf("a compaction meanwhile: %d became %d, %v", before, after, err)
	}
	begin(t, st, 1)
	close(reader.let)
	must(t, <-done)
	wantNothingBeside(t, db)
	report, err = embedded.CheckFile(t.Context(), writeFile(t, copied.Bytes()), storetest.NewSealer(t, 'k'), time.Now())
	if err != nil || !report.Sound() || report.Live != len(kept) {
		t.Errorf("the copy is %+v, %v", report, err)
	}
}

// Each copy has the room of the file on the disk for as long as it is read.
func TestBackupsThatNobodyTakesDoNotFillTheDisk(t *testing.T) {
	_, db, _ := full(t, newPath(t), 100)
	reader, done := newStalled(io.Discard), make(chan error)
	for range embedded.MaxSent {
		go func() { _, err := db.Backup(t.Context(), reader); done <- err }()
		<-reader.begun
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := db.Backup(ctx, reader); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one more is answered %v", err)
	}
	close(reader.let)
	for range embedded.MaxSent {
		must(t, <-done)
	}
	if n, err := db.Backup(t.Context(), io.Discard); err != nil || n == 0 {
		t.Errorf("after them: %d, %v", n, err)
	}
}

func TestOneAtATimeKeepsTheFileAndWhoCannotWaitIsTold(t *testing.T) {
	_, db, _ := full(t, newPath(t), 100)
	release := db.Keep(t)
	for name, do := range map[string]func(context.Context) error{
		"a backup":     func(ctx context.Context) error { _, err := db.Backup(ctx, io.Discard); return err },
		"a compaction": func(ctx context.Context) error { _, _, err := db.Compact(ctx); return err },
		"a check": func(ctx context.Context) error {
			_, err := db.Check(ctx, storetest.NewSealer(t, 'k'), time.Now())
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if err := do(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s is answered %v", name, err)
		}
		cancel()
	}
	release()
	_, _, err := db.Compact(t.Context())
	must(t, err)
}
