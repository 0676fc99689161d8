package unread

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
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

// RFC 9110 section 10.1.1: it sends no body when it is refused first. The server
// itself would wait for a short one, for as long as our deadline lets it.
func TestWhoWaitsForAWordIsNotWaitedFor(t *testing.T) {
	const said = "HTTP/1.1 100 Continue\r\n\r\n"
	for name, c := range map[string]struct {
		length int
		read   int64
		first  string
	}{
		"and was given none": {1 << 20, 0, ""}, "nor with a short body": {1 << 10, 0, ""}, "nor with one that the server reads itself": {serverReads, 0, ""},
		"and sends since it was given it": {1 << 20, 10, said}, "and sends a short one": {1 << 10, 10, said},
	} {
		t.Run(name, func(t *testing.T) {
			conn, in := dial(t, refusing(t, New(), c.read), fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n", c.length))
			if c.first != "" {
				said := make([]byte, len(c.first))
				if _, err := io.ReadFull(in, said); err != nil || string(said) != c.first {
					t.Fatalf("got %q, %v", said, err)
				}
				if _, err := io.WriteString(conn, strings.Repeat("x", c.length)); err != nil {
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

// leaves is a response whose server looks at its deadline.
type leaves struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (l *leaves) SetReadDeadline(until time.Time) error {
	l.until = until
	return nil
}

// A server waits until then, whoever writes the answer.
func TestWhoWaitsForAWordHasTheServerWaitForNothing(t *testing.T) {
	expecting := func(length int64) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
		r.ContentLength = length
		r.Header.Set("Expect", "100-continue")
		return r
	}
	for name, length := range map[string]int64{"a short body": 1, "a long one": 1 << 20, "in chunks": -1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for who, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
					"we do": func(w http.ResponseWriter, r *http.Request) {
						w, done := New().Answer(w, r)
						refusal.CloseUnread(w, r)
						refusal.Anonymous.WriteJSON(w)
						done()
					},
					"others do": func(w http.ResponseWriter, r *http.Request) {
						refusal.CloseUnread(w, r)
						New().Before(w, r)
					},
				} {
					l := &leaves{ResponseRecorder: httptest.NewRecorder()}
					if answer(l, expecting(length)); !l.until.Equal(time.Now()) {
						t.Errorf("when %s answer, it waits until %v from now", who, time.Until(l.until))
					}
				}
			})
		})
	}
}

// full has the slots taken by so many clients, each its share.
func full(t *testing.T, whose ...netip.Prefix) {
	t.Helper()
	for _, one := range whose {
		for range EachAtOnce {
			if !reading.take(one) {
				t.Fatalf("%v has not its share", one)
			}
			t.Cleanup(func() { reading.give(one) })
		}
	}
}

func TestStrangersHaveSoManyBodiesReadAtATime(t *testing.T) {
	for i := range AtOnce / EachAtOnce {
		full(t, netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/32", i)))
	}
	_, in := dial(t, refusing(t, New(), 0), fmt.Sprintf("Content-Length: %d\r\n", 1<<20))
	answered(t, in)
	if _, err := in.ReadByte(); err == nil {
		t.Error("the connection goes on")
	}
}

// All that are read at a time would be those of one stranger else.
func TestOneClientHasAnEighthOfTheBodiesThatAreReadAtATime(t *testing.T) {
	network := func(text string) netip.Prefix { return networkOf(netip.MustParseAddr(text)) }
	full(t, network("192.0.2.1"), network("2001:db8::1"), netip.Prefix{})
	for name, c := range map[string]struct {
		whose netip.Prefix
		room  bool
	}{
		"the same address": {network("192.0.2.1"), false}, "the same, mapped": {network("::ffff:192.0.2.1"), false}, "the next address": {network("192.0.2.2"), true},
		"the same /64": {network("2001:db8::ffff:0:0:1"), false}, "the next /64": {network("2001:db8:0:1::1"), true}, "nobody knows": {networkOf(netip.Addr{}), false},
	} {
		if got := reading.take(c.whose); got != c.room {
			t.Errorf("%s: has room %v", name, got)
		} else if got {
			reading.give(c.whose)
		}
	}
	if len(reading.of) != 3 {
		t.Errorf("%d clients are remembered", len(reading.of))
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

func overHTTP1() *http.Request { return httptest.NewRequest(http.MethodPost, "/", http.NoBody) }

func TestASlowBodyIsReadForTenSeconds(t *testing.T) {
	for name, reset := range map[string]bool{"by the connection's deadline": false, "by our own clock": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &slow{ResponseRecorder: httptest.NewRecorder(), reset: reset}
				begun := time.Now()
				New().read(s, overHTTP1(), s)
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
		if d.read(s, overHTTP1(), s); time.Since(begun) > 3*time.Second {
			t.Errorf("it was read for %v", time.Since(begun))
		}
		begun = time.Now()
		if d.read(s, overHTTP1(), s); time.Since(begun) > time.Second {
			t.Errorf("one that came later was read for %v", time.Since(begun))
		}
	})
}

func TestNoMoreIsReadThanTheBound(t *testing.T) {
	endless := &endless{ResponseRecorder: httptest.NewRecorder()}
	New().read(endless, overHTTP1(), endless)
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
		"no body": {1, 0, true}, "a body that the server reads itself": {1, serverReads, true}, "HTTP/3": {3, -1, true},
		"a body of HTTP/2 that is sent already": {2, serverReads, true}, "a longer one": {1, serverReads + 1, false}, "chunks": {1, -1, false},
		"a longer one of HTTP/2": {2, serverReads + 1, false}, "one of HTTP/2 without a length": {2, -1, false},
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
