package redis_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// fake is a server that speaks Redis' protocol just enough to misbehave.
type fake struct {
	net.Listener
	// answer says what to send back for a command; hang up instead if not ok.
	answer func(command []string) (reply string, ok bool)

	mu   sync.Mutex
	seen []string
}

// newFake starts a fake. HELLO is always answered as an old server would.
func newFake(t *testing.T, answer func(command []string) (string, bool)) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	f := &fake{Listener: l, answer: answer}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			go f.serve(conn)
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return f
}

func (f *fake) url() string { return "redis://" + f.Addr().String() }

// commands are those that were sent so far, by name.
func (f *fake) commands() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.seen...)
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		command, err := readCommand(r)
		if err != nil {
			return
		}
		name := strings.ToUpper(command[0])
		f.mu.Lock()
		f.seen = append(f.seen, name)
		f.mu.Unlock()
		reply, ok := "-ERR unknown command 'HELLO'\r\n", true
		if name != "HELLO" {
			reply, ok = f.answer(command)
		}
		if !ok {
			return
		}
		if _, err := io.WriteString(conn, reply); err != nil {
			return
		}
	}
}

// readCommand reads a list of strings, which is all that a client sends.
func readCommand(r *bufio.Reader) ([]string, error) {
	var n int
	if _, err := fmt.Fscanf(r, "*%d\r\n", &n); err != nil || n < 1 {
		return nil, io.ErrUnexpectedEOF
	}
	command := make([]string, n)
	for i := range command {
		var size int
		if _, err := fmt.Fscanf(r, "$%d\r\n", &size); err != nil {
			return nil, err
		}
		text := make([]byte, size+len("\r\n"))
		if _, err := io.ReadFull(r, text); err != nil {
			return nil, err
		}
		command[i] = string(text[:size])
	}
	return command, nil
}

// port is the fake's own.
func (f *fake) port() string {
	_, port, _ := net.SplitHostPort(f.Addr().String())
	return port
}
