package unread

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/refusal"
)

// patience bounds every wait.
const patience = time.Minute

// refusing is a server that refuses every request before its body was read.
func refusing(t *testing.T, d *Drains, read int64) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w, done := d.Answer(w, r)
		defer done()
		_, _ = io.CopyN(io.Discard, r.Body, read) // an endpoint that reads before it refuses
		refusal.CloseUnread(w, r)
		refusal.Anonymous.WriteJSON(w)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func dial(t *testing.T, to, head string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n", head)
	return c, bufio.NewReader(c)
}

// answered reads the answer, which must be whole while the body still comes.
func answered(t *testing.T, in *bufio.Reader) {
	t.Helper()
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusUnauthorized || !resp.Close {
		t.Fatalf("got %s, %v, closes %v", resp.Status, err, resp.Close)
	}
}

func TestTheAnswerIsWholeBeforeTheBodyHasCome(t *testing.T) {
	for name, length := range map[string]string{"with a length": fmt.Sprintf("Content-Length: %d\r\n", 1<<20), "in chunks": "Transfer-Encoding: chunked\r\n"} {
		t.Run(name, func(t *testing.T) {
			c, in := dial(t, refusing(t, New(), 0), length)
			answered(t, in)
			if _, err := io.WriteString(c, "more"); err != nil {
				t.Errorf("what comes behind the answer is not read: %v", err)
			}
		})
	}
}

// RFC 9110 section 10.1.1: it sends no body when it is refused first.
func TestWhoWaitsForAWordIsNotWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		read  int64
		first string
	}{"and was given none": {0, ""}, "and sends since it was given it": {10, "HTTP/1.1 100 Continue\r\n\r\n"}} {
		t.Run(name, func(t *testing.T) {
			conn, in := dial(t, refusing(t, New(), c.read), fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n", 1<<20))
			if c.first != "" {
				said := make([]byte, len(c.first))
				if _, err := io.ReadFull(in, said); err != nil || string(said) != c.first {
					t.Fatalf("got %q, %v", said, err)
				}
				if _, err := io.WriteString(conn, strings.Repeat("x", 1<<20)); err != nil {
					t.Errorf("what comes behind the answer is not read: %v", err)
				}
			}
			answered(t, in)
			if rest, err := io.ReadAll(in); len(rest) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %q, %v", rest, err)
			}
		})
	}
}

func TestStrangersHaveSoManyBodiesReadAtATime(t *testing.T) {
	for range AtOnce {
		slots <- struct{}{}
	}
	t.Cleanup(func() {
		for range AtOnce {
			<-slots
		}
	})
	_, in := dial(t, refusing(t, New(), 0), fmt.Sprintf("Content-Length: %d\r\n", 1<<20))
	answered(t, in)
	if _, err := in.ReadByte(); err == nil {
		t.Error("the connection goes on")
	}
}

// slow is a client that sends a byte every second, and the server's connection.
type slow struct {
	*httptest.ResponseRecorder
	sent  int
	mu    sync.Mutex
	until time.Time
	reset bool // the server puts the deadline off with each byte
}

func (s *slow) SetReadDeadline(until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = until
	return nil
}

func (s *slow) Read(p []byte) (int, error) {
	<-time.After(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.reset && !time.Now().Before(s.until) {
		return 0, errors.New("the deadline is over")
	}
	s.sent++
	return 1, nil
}

func TestASlowBodyIsReadForTenSeconds(t *testing.T) {
	for name, reset := range map[string]bool{"by the connection's deadline": false, "by our own clock": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &slow{ResponseRecorder: httptest.NewRecorder(), reset: reset}
				begun := time.Now()
				New().read(s, s)
				if took := time.Since(begun); took != Time || s.sent < 9 {
					t.Errorf("%v, %d bytes", took, s.sent)
				}
			})
		})
	}
}

func TestNothingIsReadBehindAShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := &slow{ResponseRecorder: httptest.NewRecorder()}, New()
		begun := time.Now()
		time.AfterFunc(2500*time.Millisecond, d.Stop)
		if d.read(s, s); time.Since(begun) > 3*time.Second {
			t.Errorf("it was read for %v", time.Since(begun))
		}
		begun = time.Now()
		if d.read(s, s); time.Since(begun) > time.Second {
			t.Errorf("one that came later was read for %v", time.Since(begun))
		}
	})
}

func TestNoMoreIsReadThanTheBound(t *testing.T) {
	endless := &endless{ResponseRecorder: httptest.NewRecorder()}
	New().read(endless, endless)
	if endless.sent != Bytes {
		t.Errorf("%d bytes were read", endless.sent)
	}
}

type endless struct {
	*httptest.ResponseRecorder
	sent int
}

func (e *endless) SetReadDeadline(time.Time) error { return nil }

func (e *endless) Read(p []byte) (int, error) {
	e.sent += len(p)
	return len(p), nil
}

// What needs nothing read is answered as ever: by the server's own response.
func TestARequestWithoutALongBodyIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		major int
		size  int64
		alone bool
	}{
		"no body": {1, 0, true}, "a body that the server reads itself": {1, serverReads, true}, "HTTP/2": {2, 1 << 30, true}, "HTTP/3": {3, -1, true},
		"a longer one": {1, serverReads + 1, false}, "chunks": {1, -1, false},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
		r.ProtoMajor, r.ContentLength = c.major, c.size
		w := httptest.NewRecorder()
		got, done := New().Answer(w, r)
		done()
		if (got == http.ResponseWriter(w)) != c.alone {
			t.Errorf("%s: wrapped is %v", name, got != http.ResponseWriter(w))
		}
	}
}

func TestALongAnswerGoesOutAsItComes(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	r.ContentLength = 1 << 20
	for name, write := range map[string]func(w http.ResponseWriter){
		"longer than is held": func(w http.ResponseWriter) { _, _ = io.WriteString(w, strings.Repeat("x", maxHeld+1)) },
		"a file":              func(w http.ResponseWriter) { _, _ = io.Copy(w, strings.NewReader(strings.Repeat("x", maxHeld+1))) },
		"bit by bit": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
		},
	} {
		w := httptest.NewRecorder()
		got, done := New().Answer(w, r)
		refusal.CloseUnread(got, r)
		got.WriteHeader(http.StatusUnauthorized)
		write(got)
		if w.Code != http.StatusUnauthorized || w.Body.Len() == 0 {
			t.Errorf("%s is held back", name)
		}
		if done(); w.Header().Get("Content-Length") != "" {
			t.Errorf("%s has a length that is not its own", name)
		}
	}
}
