package adminapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

// onDisk is an asking of a gateway with a file, and that file's name.
func onDisk(t *testing.T) (*asking, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sessions.db")
	db, err := embedded.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	st := embedded.New(db, storetest.NewSealer(t, 'k'), time.Now)
	a := newAsking(t, st, time.Now)
	a.desk.File = st
	for i := range int64(50) {
		kept := &sessionstore.Session{
			Key: sessionstore.NewSecret(i + 1).Key(), User: sessionstore.UserSession{ID: i + 1, Email: "ada@example.com"}, Method: "users",
			CreatedAt: time.Now(), LastSeenAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
		}
		if err := storetest.Keep(t.Context(), st, kept); err != nil {
			t.Fatal(err)
		}
	}
	return a, path
}

// serve answers a request with the client's own writer, as serve in module.go.
func (a *asking) serve(w http.ResponseWriter, r *http.Request) error {
	c := &call{w: w, r: r, desk: func() (*Desk, error) { return a.desk, nil }}
	return c.answer(routes)
}

// taking is a client that takes what is sent when it is let, and may go away.
type taking struct {
	*httptest.ResponseRecorder
	begun chan struct{} // closed at the first byte
	once  sync.Once
	let   chan struct{} // closed when it takes
	gone  error
}

func newTaking() *taking {
	return &taking{ResponseRecorder: httptest.NewRecorder(), begun: make(chan struct{}), let: make(chan struct{})}
}

func (c *taking) Write(b []byte) (int, error) {
	c.once.Do(func() { close(c.begun) })
	<-c.let
	if c.gone != nil {
		n, _ := c.ResponseRecorder.Write(b[:10])
		return n, c.gone
	}
	return c.ResponseRecorder.Write(b)
}

func wantAlone(t *testing.T, path string) {
	t.Helper()
	if beside, err := filepath.Glob(path + ".*"); err != nil || len(beside) > 0 {
		t.Errorf("there is left %v, %v", beside, err)
	}
}

func request(ctx context.Context, method, path string) *http.Request {
	return httptest.NewRequestWithContext(ctx, method, path, nil)
}

// TestWhoGoesAwayAmidACopyLeavesNothing: what was sent of it is cut off, so that nobody
// takes it for whole.
func TestWhoGoesAwayAmidACopyLeavesNothing(t *testing.T) {
	a, path := onDisk(t)
	client := newTaking()
	client.gone = errors.New("broken pipe")
	close(client.let)
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler {
				t.Errorf("the answer ends with %v", p)
			}
		}()
		t.Error("it is said to be whole", a.serve(client, request(t.Context(), "GET", "/sidegate/store/backup")))
	}()
	wantAlone(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for path, method := range map[string]string{"backup": "GET", "check": "GET", "compact": "POST"} {
		code, said := a.ask(ctx, method, "/sidegate/store/"+path)
		if code != http.StatusServiceUnavailable {
			t.Errorf("%s: who has gone already is answered %d %s", path, code, said)
		}
	}
	wantAlone(t, path)
	var report sessionstore.FileReport
	if a.want("GET", "/sidegate/store/check", &report); !report.Sound() || report.Live != 50 {
		t.Errorf("the file is %+v", report)
	}
}

// Whoever takes a copy takes it from nobody: a compaction goes on.
func TestACompactionWaitsForNobodyWhoTakesACopy(t *testing.T) {
	a, path := onDisk(t)
	client := newTaking()
	copied, compacted := make(chan error, 1), make(chan error, 2)
	go func() { copied <- a.serve(client, request(t.Context(), "GET", "/sidegate/store/backup")) }()
	<-client.begun
	wantAlone(t, path)
	for range cap(compacted) {
		go func() {
			w := httptest.NewRecorder()
			err := a.serve(w, request(t.Context(), "POST", "/sidegate/store/compact"))
			var sizes Compacted
			if err == nil && (json.Unmarshal(w.Body.Bytes(), &sizes) != nil || sizes.After == 0) {
				err = errors.New(w.Body.String())
			}
			compacted <- err
		}()
	}
	for range cap(compacted) {
		if err := <-compacted; err != nil {
			t.Error(err)
		}
	}
	close(client.let)
	if err := <-copied; err != nil {
		t.Error(err)
	}
	wantAlone(t, path)
	copiedTo := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(copiedTo, client.Body.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := embedded.CheckFile(t.Context(), copiedTo, storetest.NewSealer(t, 'k'), time.Now())
	if err != nil || !report.Sound() || report.Live != 50 {
		t.Errorf("the copy is %+v, %v", report, err)
	}
	if a.want("GET", "/sidegate/store/check", &report); !report.Sound() || report.Live != 50 {
		t.Errorf("the file is %+v", report)
	}
}

// forgetful is a client that takes one part and then nothing, as its connection tells
// of it: a write ends at its deadline.
type forgetful struct {
	*httptest.ResponseRecorder
	deadlines []time.Time
	written   int
}

func (c *forgetful) SetWriteDeadline(at time.Time) error {
	c.deadlines = append(c.deadlines, at)
	return nil
}

func (c *forgetful) Write(b []byte) (int, error) {
	if c.written++; c.written > len(c.deadlines) {
		return 0, errors.New("this part has no deadline")
	}
	if c.written == 1 {
		return c.ResponseRecorder.Write(b)
	}
	return 0, os.ErrDeadlineExceeded
}

// A deadline for all of it would cut off who is merely slow.
func TestEachPartOfACopyHasADeadlineOfItsOwn(t *testing.T) {
	a, path := onDisk(t)
	client := &forgetful{ResponseRecorder: httptest.NewRecorder()}
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler {
				t.Errorf("the answer ends with %v", p)
			}
		}()
		t.Error("it is said to be whole", a.serve(client, request(t.Context(), "GET", "/sidegate/store/backup")))
	}()
	if d := client.deadlines; len(d) != 2 || client.written != 2 || !d[1].After(d[0]) || d[0].Before(time.Now()) {
		t.Errorf("%d parts have the deadlines %v", client.written, d)
	}
	if client.Header().Get("Connection") != "close" {
		t.Error("another request would have the deadline of the last part")
	}
	wantAlone(t, path)
}

// Room beside it is of no use to a file that has lost its place.
func TestAFileThatHasLostItsPlaceIsNotToldToNeedRoom(t *testing.T) {
	a, path := onDisk(t)
	if err := os.Rename(path, path+"-moved"); err != nil {
		t.Fatal(err)
	}
	for route, method := range map[string]string{"store/backup": http.MethodGet, "store/check": http.MethodGet, "store/compact": http.MethodPost, "sessions?all=true": http.MethodGet} {
		code, body := a.ask(t.Context(), method, prefix+route)
		if code != http.StatusServiceUnavailable || !strings.Contains(body, "Stop the gateway, then put the right file back at "+path) || strings.Contains(body, "room") {
			t.Errorf("%s answers %d, %s", route, code, body)
		}
	}
}
