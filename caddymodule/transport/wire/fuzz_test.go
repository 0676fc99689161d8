package wire_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/transport/wire"
)

// FuzzAnswer gives the bytes to net/http's Transport and to ours as what an app
// says before it closes: what is seen of them is the same.
func FuzzAnswer(f *testing.F) {
	for _, do := range answers {
		if text := do.before + do.answer; len(text) < 1000 {
			for method := range byte(3) {
				f.Add(method, text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, method byte, answer string) {
		request := requests[[]string{"GET", "HEAD", "POST"}[method%3]]
		var seen [2]outcome
		for i := range seen {
			client, app := net.Pipe()
			go say(app, answer)
			var rt http.RoundTripper = &http.Transport{DialContext: dialed(client), DisableCompression: true}
			if i == 1 {
				rt = &wire.Transport{Dial: dialed(client)}
			}
			r := request("http://app.example")
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Upgrade", "echo")
			seen[i] = plain(ask(rt, r))
			client.Close()
		}
		if !reflect.DeepEqual(seen[0], seen[1]) {
			t.Errorf("seen is\n%.2000v\nand of net/http\n%.2000v", seen[1], seen[0])
		}
	})
}

// say is an app that says it and closes.
func say(c net.Conn, answer string) {
	defer c.Close()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.Copy(c, strings.NewReader(answer))
}
