package faults_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// asUpstream makes this test binary the app of an audience, at that address: ten
// thousand connections have no room beside those of the clients in one process.
const asUpstream = "SIDEGATE_TEST_AUDIENCE_UPSTREAM"

// begun is what the app says before it falls silent.
const begun = "data: begun\n\n"

// serveAudience is an app whose event streams say one thing and then nothing. It
// ends with its standard input, and so with the test.
func serveAudience(address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			go beQuiet(conn)
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// beQuiet answers one request, and waits until whoever has made it goes away.
func beQuiet(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 4<<10)
	have := 0
	for !bytes.Contains(buf[:have], []byte("\r\n\r\n")) {
		n, err := conn.Read(buf[have:])
		if err != nil {
			return
		}
		have += n
	}
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(begun), begun)
	_, _ = conn.Read(buf)
}

// startAudienceUpstream runs that app until the test ends.
func startAudienceUpstream(t *testing.T) (address string) {
	t.Helper()
	address = fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asUpstream+"="+address)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	gatewaytest.Await(t, "the app listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return address
}

// fitting is how many streams of those a gateway has room for: each is a connection
// to the client and one to the app, and some are for all else.
func fitting(t *testing.T, streams int) int {
	t.Helper()
	const others = 200
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if most := int(min(limit.Max, 1<<20)-others) / 2; streams > most {
		t.Logf("a process may have %d files open here (ulimit -Hn): %d streams instead of %d", limit.Max, most, streams)
		return most
	}
	return streams
}

// audience is event streams that are open at a gateway.
type audience struct {
	t         *testing.T
	listeners []*listener
	open      atomic.Int64
	reading   sync.WaitGroup
}

// listener is one of them, as its client sees it.
type listener struct {
	conn  net.Conn
	ended time.Time // when reading it has failed
	whole bool      // it came to its end as if the app had ended it
}

// openAudience opens that many streams at the gateway, those of the sessions in
// turns.
func openAudience(t *testing.T, at *gatewaytest.Server, count int, cookies ...string) *audience {
	t.Helper()
	a := &audience{t: t, listeners: make([]*listener, count)}
	t.Cleanup(a.close)
	var opening sync.WaitGroup
	const atOnce = 64
	for first := range atOnce {
		opening.Go(func() {
			for i := first; i < count && !t.Failed(); i += atOnce {
				l, err := openListener(at.Address(), cookies[i%len(cookies)])
				if err != nil {
					t.Errorf("opening stream %d: %v", i, err)
					return
				}
				a.listeners[i] = l
				a.open.Add(1)
				a.reading.Go(func() {
					l.listen()
					a.open.Add(-1)
				})
			}
		})
	}
	opening.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return a
}

func openListener(address, cookie string) (*listener, error) {
	conn, err := net.DialTimeout("tcp", address, gatewaytest.Patience)
	if err != nil {
		return nil, err
	}
	if _, err = io.WriteString(conn, gatewaytest.CRLF("GET /events HTTP/1.1\nHost: 127.0.0.1\nAccept: text/event-stream\nCookie: "+cookie+"\n\n")); err != nil {
		return nil, err
	}
	in, said := bufio.NewReaderSize(conn, 512), ""
	for !strings.Contains(said, strings.TrimSuffix(begun, "\n")) {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("%w after %q", err, said)
		}
		said += line
	}
	return &listener{conn: conn}, nil
}

// listen reads to the end.
func (l *listener) listen() {
	defer l.conn.Close()
	buf := make([]byte, 128)
	for {
		n, err := l.conn.Read(buf)
		if err != nil {
			l.ended = time.Now()
			return
		}
		l.whole = l.whole || bytes.HasSuffix(buf[:n], []byte("0\r\n\r\n"))
	}
}

// awaitCut waits until all streams have ended, and returns how long after that
// moment each of them has.
func (a *audience) awaitCut(since time.Time) (took spread) {
	a.t.Helper()
	gatewaytest.Await(a.t, "every stream is cut", func() bool { return a.open.Load() == 0 },
		func() string { return fmt.Sprintf("%d of %d are open", a.open.Load(), len(a.listeners)) })
	a.reading.Wait()
	whole := 0
	for _, l := range a.listeners {
		took = append(took, max(0, l.ended.Sub(since)))
		whole += toInt(l.whole)
	}
	if whole > 0 {
		a.t.Errorf("%d streams end as if they were whole", whole)
	}
	return took
}

// wantOpen demands that none was cut.
func (a *audience) wantOpen(when string) {
	a.t.Helper()
	if n := a.open.Load(); n != int64(len(a.listeners)) {
		a.t.Errorf("%s %d of %d streams are open: the others were cut wrongly", when, n, len(a.listeners))
	}
}

// close ends the streams from the client's side.
func (a *audience) close() {
	for _, l := range a.listeners {
		if l != nil {
			_ = l.conn.Close()
		}
	}
	a.reading.Wait()
}
