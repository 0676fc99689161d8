package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// conn is one connection to an app. One exchange has it at a time, or the pool.
type conn struct {
	net  net.Conn
	pool *pool
	host *host
	in   *bufio.Reader
	out  *bufio.Writer

	// left is how many bytes the header that is read may still have.
	left int64
	// ended says that the app has ended its side.
	ended bool
	// sent is how much of the request has left, and failed why no more has. They
	// are the writer's until it is done.
	sent   int64
	failed error

	used   bool      // whether it has had an exchange
	idleAt time.Time // since when the pool has it
	gone   atomic.Bool
	die    func() // kill, made once
	look   look
}

func newConn(n net.Conn, p *pool, h *host, t *Transport) *conn {
	c := &conn{net: n, pool: p, host: h}
	c.in = bufio.NewReaderSize(c, orDefault(t.ReadBuffer, 4<<10))
	c.out = bufio.NewWriterSize(c, orDefault(t.WriteBuffer, 4<<10))
	c.die = c.kill
	if raw, ok := n.(syscall.Conn); ok {
		c.look.prepare(raw)
	}
	return c
}

// kill closes both directions at once, whoever reads or writes, and gives its
// place to who waits for one.
func (c *conn) kill() {
	if c.gone.CompareAndSwap(false, true) {
		c.net.Close()
		c.pool.release(c.host)
	}
}

// handOver leaves the connection to who has been told that it speaks another
// protocol now.
func (c *conn) handOver() bool {
	if !c.gone.CompareAndSwap(false, true) {
		return false
	}
	c.pool.release(c.host)
	return true
}

// quiet reports whether the app has neither closed nor said anything.
func (c *conn) quiet() bool {
	return c.in.Buffered() == 0 && c.look.quiet()
}

// noLimit is that of a body.
const noLimit = math.MaxInt64

// errTooLarge is for who reads a header; it is told as net/http tells it.
var errTooLarge = errors.New("the header is too large")

// Read counts what belongs to a header.
func (c *conn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.net.Read(p)
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		c.ended = true
	}
	return n, err
}

// ReadFrom has a body leave as it is read, as it does by net/http: who sends it may wait
// for what the app says to a part of it. The writer in front of the connection passes
// bodies on to it.
func (c *conn) ReadFrom(body io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, body)
}

// Write counts what has left.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.net.Write(p)
	c.sent += int64(n)
	if err != nil && c.failed == nil {
		c.failed = fmt.Errorf("writing to the app: %w", err)
	}
	return n, err
}
