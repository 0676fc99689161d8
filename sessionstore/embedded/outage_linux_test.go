package embedded_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

// fillDisk makes every write of this process to a file fail, until the returned
// function is called: as on a disk that is full.
func fillDisk(t *testing.T) (free func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // which a full disk would not send
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	full := before
	full.Cur = 1
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	free = func() { _ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before) }
	t.Cleanup(func() { free(); signal.Reset(syscall.SIGXFSZ) })
	return free
}

// idler is a new session that may be idle for two minutes.
func idler(clock *storetest.Clock) *sessionstore.Session {
	s := newSession(1)
	s.CreatedAt, s.LastSeenAt = clock.Now(), clock.Now()
	s.ExpiresAt, s.IdleTimeout = s.CreatedAt.Add(12*time.Hour), 2*time.Minute
	return s
}

// pulsing is a store whose gateway says all the while that it can write.
type pulsing struct {
	*testing.T
	*embedded.Store
	clock *storetest.Clock
}

func (p pulsing) pass(d time.Duration) {
	p.Helper()
	for ; d > 0; d -= sessionstore.BeatEvery {
		p.clock.Advance(min(d, sessionstore.BeatEvery))
		if err := p.Beat(p.T.Context()); err != nil {
			p.Fatal(err)
		}
	}
}

func (p pulsing) wants(s *sessionstore.Session, want error) {
	p.Helper()
	if _, err := p.Get(p.T.Context(), s.Key); !errors.Is(err, want) {
		p.Fatalf("Get answers %v; want %v", err, want)
	}
}

// onFullDisk tells a copy of this test binary that it may spoil its own writes.
const onFullDisk = "SIDEGATE_TEST_FULL_DISK"

// isAlone reports whether this is such a copy, which may spoil the writes of the whole
// process. Elsewhere it has one run the test.
func isAlone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(onFullDisk) != "" {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$") // #nosec G204 -- itself
	cmd.Env = append(os.Environ(), onFullDisk+"=1")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return false
}

func TestAFullDiskSignsNobodyOut(t *testing.T) {
	if !isAlone(t) {
		return
	}
	clock := storetest.NewClock()
	p := pulsing{t, embedded.New(openDB(t, newPath(t)), storetest.NewSealer(t, 'k'), clock.Now), clock}
	s := idler(clock)
	if err := storetest.Keep(t.Context(), p, s); err != nil {
		t.Fatal(err)
	}
	p.pass(30 * time.Second)
	free := fillDisk(t)
	for range 60 {
		clock.Advance(time.Minute)
		for _, err := range []error{p.Touch(t.Context(), s, clock.Now()), p.Beat(t.Context())} {
			if err == nil || errors.Is(err, sessionstore.ErrNotFound) {
				t.Fatalf("writing answers %v; want that it cannot be done", err)
			}
		}
		p.wants(s, nil)
	}
	free()
	if err := p.Beat(t.Context()); err == nil {
		t.Fatal("a beat counts though the last session could not be written")
	}
	clock.Advance(3 * time.Second)
	if err := p.Touch(t.Context(), s, clock.Now()); err != nil {
		t.Fatal(err)
	}
	p.pass(119 * time.Second)
	p.wants(s, nil)
	p.pass(2 * time.Second)
	p.wants(s, sessionstore.ErrNotFound)
}

// Beats and attempts are small: they find room where a session does not.
func TestWhatIsSmallDoesNotHideThatTheDiskIsFull(t *testing.T) {
	if !isAlone(t) {
		return
	}
	clock := storetest.NewClock()
	path := newPath(t)
	st := embedded.New(openDB(t, path), storetest.NewSealer(t, 'k'), clock.Now)
	for range 20 {
		must(t, storetest.Keep(t.Context(), st, idler(clock)))
	}
	must(t, st.Beat(t.Context()))
	there, err := os.Stat(path)
	must(t, err)
	free := roomFor(t, there.Size())
	signIn := func() error { return storetest.Keep(t.Context(), st, idler(clock)) }
	err = signIn()
	for n := 0; err == nil && n < 10_000; n++ {
		err = signIn()
	}
	refusal, ok := errors.AsType[sessionstore.Refusal](err)
	if !ok {
		t.Fatalf("a sign-in answers %v, which does not say that there is no room", err)
	}
	if _, remedy, ok := refusal.Refused(); !ok || !strings.Contains(remedy, "Make room on the disk of the session database "+path) {
		t.Errorf("the remedy is %q", remedy)
	}
	for range 20 {
		if _, err := st.Take(t.Context(), "ada", 100, time.Minute); err != nil {
			t.Fatalf("an attempt finds no room: %v", err)
		}
		clock.Advance(time.Second)
		if err := st.Beat(t.Context()); err == nil {
			t.Fatal("a beat counts though there is no room for a session")
		}
	}
	free()
	clock.Advance(4 * time.Second)
	for _, err := range []error{st.Beat(t.Context()), signIn(), st.Beat(t.Context())} {
		must(t, err)
	}
}

// While no gateway runs none can write. When the last was there is on disk.
func TestTheTimeWithoutAGatewayIsNotIdleness(t *testing.T) {
	clock, path := storetest.NewClock(), newPath(t)
	on := func(db *embedded.DB) pulsing {
		return pulsing{t, embedded.New(db, storetest.NewSealer(t, 'k'), clock.Now), clock}
	}
	db := openDB(t, path)
	p := on(db)
	s := idler(clock)
	if err := storetest.Keep(t.Context(), p, s); err != nil {
		t.Fatal(err)
	}
	p.pass(time.Minute)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	clock.Advance(3 * time.Hour)
	p = on(openDB(t, path))
	p.wants(s, nil)
	if err := p.Beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.wants(s, nil)
	p.pass(75 * time.Second) // a minute, and what the last beat on disk was old
	p.wants(s, sessionstore.ErrNotFound)
}
