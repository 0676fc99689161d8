package embedded_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

func TestReopening(t *testing.T) {
	path, s := newPath(t), newSession(1)
	db := openDB(t, path)
	first := embedded.New(db, storetest.NewSealer(t, 'k'), time.Now)
	if err := storetest.Keep(t.Context(), first, s); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Take(t.Context(), "ada", 5, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("a store whose database is closed cannot tell", func(t *testing.T) {
		_, getErr := first.Get(t.Context(), s.Key)
		_, sweepErr := first.Sweep(t.Context())
		for _, err := range []error{getErr, sweepErr, storetest.Keep(t.Context(), first, newSession(1)), storetest.End(t.Context(), first, s.Key)} {
			if err == nil || errors.Is(err, sessionstore.ErrNotFound) {
				t.Errorf("error is %v; want one that is no definite answer", err)
			}
		}
	})
	db = openDB(t, path)
	t.Run("sessions and attempts survive close and reopen", func(t *testing.T) {
		st := embedded.New(db, storetest.NewSealer(t, 'k'), time.Now)
		want := s.Clone()
		want.Version = 1
		if got, err := st.Get(t.Context(), s.Key); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Get answers %+v, %v; want %+v", got, err, want)
		}
		if got, err := st.Take(t.Context(), "ada", 5, time.Hour); err != nil || got.Count != 2 {
			t.Errorf("Take answers %+v, %v; want the count 2", got, err)
		}
	})
	t.Run("a new secret in front of the former one signs nobody out", func(t *testing.T) {
		st := embedded.New(db, storetest.NewSealer(t, 'n', 'k'), time.Now)
		got, err := st.Get(t.Context(), s.Key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Update(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		if _, err := embedded.New(db, storetest.NewSealer(t, 'n'), time.Now).Get(t.Context(), s.Key); err != nil {
			t.Errorf("the update did not seal with the new secret: %v", err)
		}
	})
	t.Run("without the sealing key a session cannot be told, yet be touched and revoked", func(t *testing.T) {
		st := embedded.New(db, storetest.NewSealer(t, 'x'), time.Now)
		if _, err := st.Get(t.Context(), s.Key); !errors.Is(err, sessionstore.ErrUnknownKey) {
			t.Errorf("error is %v; want ErrUnknownKey", err)
		}
		if err := st.Touch(t.Context(), s, s.LastSeenAt.Add(time.Minute)); err != nil {
			t.Errorf("touching: %v", err)
		}
		if n, err := st.RevokeUser(t.Context(), 1); err != nil || n != 1 {
			t.Errorf("RevokeUser answers %d, %v; want 1", n, err)
		}
	})
}

func TestFile(t *testing.T) {
	t.Run("the file and its folders are for their owner only", func(t *testing.T) {
		path := newPath(t)
		openDB(t, path)
		wantMode(t, path, 0o600)
		wantMode(t, filepath.Dir(path), 0o700)
	})
	t.Run("a file that others could read is closed to them", func(t *testing.T) {
		path := writeFile(t, nil)
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		openDB(t, path)
		wantMode(t, path, 0o600)
	})
	t.Run("a second opener is refused and told what to do", func(t *testing.T) {
		path := newPath(t)
		openDB(t, path)
		_, err := embedded.Open(path)
		if !errors.Is(err, embedded.ErrInUse) || !strings.Contains(err.Error(), "another process") || !strings.Contains(err.Error(), path) {
			t.Fatalf("error is %v; want ErrInUse", err)
		}
	})
	t.Run("a folder that cannot be made is an error", func(t *testing.T) {
		if _, err := embedded.Open(filepath.Join(writeFile(t, nil), "sessions.db")); err == nil {
			t.Fatal("opened a database below a file")
		}
	})
	t.Run("nobody reads a person or an address in the file", func(t *testing.T) {
		path, s := newPath(t), newSession(1)
		st := embedded.New(openDB(t, path), storetest.NewSealer(t, 'k'), time.Now)
		if err := storetest.Keep(t.Context(), st, s); err != nil {
			t.Fatal(err)
		}
		const name = "ip:192.0.2.77"
		_, takeErr := st.Take(t.Context(), name, 5, time.Hour)
		_, holdErr := st.Hold(t.Context(), name, "host-192.0.2.78", time.Hour)
		linkErr := st.Link(t.Context(), name, s.Key, time.Hour)
		_, numberErr := st.Number(t.Context(), name)
		if err := errors.Join(takeErr, holdErr, linkErr, numberErr); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(content, s.Key.AppendTo(nil)) {
			t.Fatal("the session is not in the file at all")
		}
		for _, text := range []string{s.User.Email, "chief-auditor", "192.0.2.77", "192.0.2.78"} {
			if bytes.Contains(content, []byte(text)) {
				t.Errorf("%q stands in the file", text)
			}
		}
	})
}

func wantMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("mode is %o; want %o", got, want)
	}
}

// childPath tells a copy of this test binary to be the gateway that is killed.
const childPath = "SIDEGATE_TEST_DATABASE"

// childCompacts has it compact the file without end.
const childCompacts = "SIDEGATE_TEST_COMPACTS"

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		signPeopleIn(path)
	}
	os.Exit(m.Run())
}

// signPeopleIn creates sessions until it is killed, and prints the key of each
// once the store has acknowledged it.
func signPeopleIn(path string) {
	db, err := embedded.Open(path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	sealer, err := sessionstore.NewSealer(bytes.Repeat([]byte{'k'}, sessionstore.SealingKeySize))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	st := embedded.New(db, sealer, time.Now)
	for worker := range 8 {
		go func() {
			for {
				s := newSession(int64(worker + 1))
				if err := storetest.Keep(context.Background(), st, s); err == nil {
					_, _ = fmt.Fprintln(os.Stdout, s.Key.Encode())
				}
			}
		}()
	}
	for os.Getenv(childCompacts) != "" {
		if _, _, err := db.Compact(context.Background()); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	select {}
}

func TestKill(t *testing.T) { survivesKills(t, 3) }

// TestKillInTheMidstOfCompacting: the file is the one before or the one after, and
// whole, whenever that is.
func TestKillInTheMidstOfCompacting(t *testing.T) {
	t.Setenv(childCompacts, "1")
	survivesKills(t, 4)
}

func survivesKills(t *testing.T, kills int) {
	t.Helper()
	path := newPath(t)
	var acknowledged []sessionstore.Key
	// The second and third gateway find a file that was not closed.
	for range kills {
		acknowledged = append(acknowledged, killWhileWriting(t, path)...)
	}
	db := openDB(t, path)
	wantNothingBeside(t, db)
	report, err := db.Check(t.Context(), storetest.NewSealer(t, 'k'), time.Now())
	if err != nil || !report.Sound() {
		t.Errorf("the file is %+v, %v", report, err)
	}
	st := embedded.New(db, storetest.NewSealer(t, 'k'), time.Now)
	for _, key := range acknowledged {
		if _, err := st.Get(t.Context(), key); err != nil {
			t.Fatalf("a session that was acknowledged before kill -9: %v", err)
		}
	}
}

// killWhileWriting starts a gateway, kills it in the midst of its writes, and
// returns the sessions that it had acknowledged.
func killWhileWriting(t *testing.T, path string) []sessionstore.Key {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childPath+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	var keys []sessionstore.Key
	for lines := bufio.NewScanner(out); lines.Scan(); {
		key, err := sessionstore.ParseKey(lines.Text())
		if err != nil && len(keys) < 200 {
			t.Fatalf("the gateway says %q", lines.Text())
		}
		if err != nil {
			break // the last line may have been cut off by the kill
		}
		if keys = append(keys, key); len(keys) == 200 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(keys) < 200 {
		t.Fatalf("the gateway ended by itself after %d sessions", len(keys))
	}
	return keys
}
