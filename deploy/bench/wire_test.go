package main

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func TestReadAnswer(t *testing.T) {
	for _, c := range []struct{ name, text, fail string }{
		{"an answer is read to its end", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", ""},
		{"the name of a header is read in any case", "HTTP/1.1 200 OK\r\ncontent-LENGTH:5\r\n\r\nhello", ""},
		{"an empty body is one", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
		{"another status is an error", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "401"},
		{"a redirect is an error", "HTTP/1.1 303 See Other\r\nContent-Length: 0\r\n\r\n", "303"},
		{"chunks are an error rather than a wrong figure", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "no Content-Length"},
		{"a length below nothing is an error", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "no number"},
		{"a body that breaks off is an error", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", "reading the body"},
		{"a header that breaks off is an error", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n", "reading the header"},
		{"a connection that was closed is an error", "", "reading the status"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// What follows on the connection is left for the next.
			more := ""
			if c.fail == "" {
				more = "HTTP/1.1 "
			}
			r := bufio.NewReader(strings.NewReader(c.text + more))
			err := readAnswer(r)
			if (err != nil) != (c.fail != "") || err != nil && !strings.Contains(err.Error(), c.fail) {
				t.Fatalf("got %v, want %q", err, c.fail)
			}
			if rest, _ := io.ReadAll(r); c.fail == "" && string(rest) != more {
				t.Errorf("%q is left", rest)
			}
		})
	}
}

// FuzzReadAnswer holds the load's own reader to net/http's: what it takes for
// a good answer is one, and as long.
func FuzzReadAnswer(f *testing.F) {
	f.Add("Content-Type: text/plain\r\nContent-Length: 5", "hello")
	f.Add("Content-Length: 0", "")
	f.Add("X: y\r\ncontent-length:  2 ", "ab")
	f.Fuzz(func(t *testing.T, header, body string) {
		text := "HTTP/1.1 200 OK\r\n" + header + "\r\n\r\n" + body
		own := bufio.NewReader(strings.NewReader(text))
		if readAnswer(own) != nil {
			return // refused, which is the safe side
		}
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
		if err != nil || len(resp.TransferEncoding) > 0 {
			return // nothing that a server of ours would send
		}
		left, _ := io.ReadAll(own)
		got := len(text) - len(left)
		want := strings.Index(text, "\r\n\r\n") + 4
		if n, err := strconv.Atoi(resp.Header.Get("Content-Length")); err == nil && !strings.Contains(header, "\n\n") && got != want+n {
			t.Errorf("read %d bytes of %q, want %d", got, text, want+n)
		}
	})
}
