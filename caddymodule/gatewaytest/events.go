package gatewaytest

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// Listening is somebody who listens to server-sent events.
type Listening struct {
	*http.Response
	t     testing.TB
	lines *bufio.Reader
	leave context.CancelFunc
}

// Block is what comes between two empty lines, comments left out.
type Block struct {
	Event, ID, Data string
	Retry           int // milliseconds
}

// Listen opens /auth/events; header holds pairs of names and values. The answer is
// any, and the stream ends with the test.
func (c *Client) Listen(header ...string) *Listening {
	c.T.Helper()
	ctx, leave := context.WithTimeout(context.Background(), Patience)
	c.T.Cleanup(leave)
	req, err := c.request(ctx, http.MethodGet, "/auth/events", "", header...)
	if err != nil {
		c.T.Fatal(err)
	}
	return ListenTo(c.T, NoRedirects, req, leave)
}

// ListenTo is Client.Listen for a request of the test's own.
func ListenTo(t testing.TB, by *http.Client, req *http.Request, leave context.CancelFunc) *Listening {
	t.Helper()
	resp, err := by.Do(req)
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return &Listening{Response: resp, t: t, lines: bufio.NewReader(resp.Body), leave: leave}
}

// Read has what follows read from there, where the body is compressed.
func (l *Listening) Read(from io.Reader) { l.lines = bufio.NewReader(from) }

// Leave goes away without a word.
func (l *Listening) Leave() {
	l.leave()
	_ = l.Body.Close()
}

// Next waits for a block.
func (l *Listening) Next() Block {
	l.t.Helper()
	b, err := l.next()
	if err != nil {
		l.t.Fatalf("waiting for an event: %v", err)
	}
	return b
}

// WantEnd waits until the stream has ended, in good order and with nothing more to
// say.
func (l *Listening) WantEnd() {
	l.t.Helper()
	if b, err := l.next(); err != io.EOF {
		l.t.Errorf("the stream has not ended, but: %+v, %v", b, err)
	}
}

func (l *Listening) next() (b Block, err error) {
	for said := false; ; {
		line, err := l.lines.ReadString('\n')
		if err != nil {
			return b, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "": // a comment, or the end of a block
			if said && line == "\n" {
				return b, nil
			}
			continue
		case "event":
			b.Event = value
		case "id":
			b.ID = value
		case "data":
			b.Data = value
		case "retry":
			if b.Retry, err = strconv.Atoi(value); err != nil {
				return b, err
			}
		default:
			l.t.Errorf("there is a line %q", line)
		}
		said = true
	}
}
