package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// exchangeWithin bounds one request, so that an arm that hangs fails a round
// instead of holding it up for ever.
const exchangeWithin = time.Minute

// wire is one kept-alive HTTP/1.1 connection. It understands just what the
// arms answer, which costs far less CPU than net/http: the load shares the
// machine with what it measures.
type wire struct {
	conn  net.Conn
	r     *bufio.Reader
	until time.Time // the deadline that is set
}

// connect waits no longer for a connection than for an answer.
func connect(network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: exchangeWithin}
	return d.DialContext(context.Background(), network, address)
}

func dial(network, address string) (*wire, error) {
	conn, err := connect(network, address)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, r: bufio.NewReaderSize(conn, 16<<10)}, nil
}

func (w *wire) close() { _ = w.conn.Close() }

// exchange sends a request and reads its answer, whose body is dropped. Any
// status but 200 is an error.
func (w *wire) exchange(request []byte, now time.Time) error {
	// Moving a deadline costs, so it is moved seldom.
	if w.until.Sub(now) < exchangeWithin {
		w.until = now.Add(2 * exchangeWithin)
		if err := w.conn.SetDeadline(w.until); err != nil {
			return err
		}
	}
	if _, err := w.conn.Write(request); err != nil {
		return err
	}
	return readAnswer(w.r)
}

var (
	statusOK      = []byte("HTTP/1.1 200 ")
	contentLength = []byte("content-length:")
)

// readAnswer reads one answer off the connection.
func readAnswer(r *bufio.Reader) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("reading the status: %w", err)
	}
	if !bytes.HasPrefix(line, statusOK) {
		return fmt.Errorf("the answer is %q", bytes.TrimSpace(line))
	}
	length := -1
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return fmt.Errorf("reading the header: %w", err)
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
		if n := len(contentLength); len(line) > n && bytes.EqualFold(line[:n], contentLength) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[n:]))); err != nil || length < 0 {
				return errors.New("the answer has a Content-Length that is no number")
			}
		}
	}
	if length < 0 {
		return errors.New("the answer has no Content-Length: the load reads no chunks")
	}
	if _, err = r.Discard(length); err != nil {
		return fmt.Errorf("reading the body: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	return nil
}
