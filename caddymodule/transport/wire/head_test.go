package wire_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/transport/wire"
)

// written is what a transport sends of a request, and how it failed to.
func written(t testing.TB, r *http.Request) (text string, failed error) {
	t.Helper()
	client, app := net.Pipe()
	ours := &wire.Transport{Dial: dialed(client)}
	var got bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer app.Close()
		buffer := make([]byte, 64<<10)
		for !bytes.HasSuffix(got.Bytes(), []byte("\r\n\r\n")) {
			n, err := app.Read(buffer)
			got.Write(buffer[:n])
			if err != nil {
				return
			}
		}
		_, _ = app.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
	}()
	resp, err := ours.RoundTrip(r)
	client.Close()
	<-done
	if err == nil {
		resp.Body.Close()
	}
	return got.String(), err
}

// asNetHTTP is what Request.Write makes of it.
func asNetHTTP(r *http.Request) (string, error) {
	var b bytes.Buffer
	err := r.Write(&b)
	return b.String(), err
}

// bare are requests of the kind that is written without Request.Write, and their
// neighbours.
var bare = map[string]func(*http.Request){
	"nothing but a name":          func(r *http.Request) { r.Header = http.Header{"User-Agent": {"me"}} },
	"no name of a client":         func(r *http.Request) { r.Header = http.Header{"Accept": {"*/*"}} },
	"a client that wants no name": func(r *http.Request) { r.Header["User-Agent"] = []string{""} },
	"a client of spaces":          func(r *http.Request) { r.Header["User-Agent"] = []string{"  "} },
	"a client of two names":       func(r *http.Request) { r.Header["User-Agent"] = []string{"a", "b"} },
	"a client without a name":     func(r *http.Request) { r.Header["User-Agent"] = []string{} },
	"values with spaces around":   func(r *http.Request) { r.Header["X-A"] = []string{" \ta b\t ", "", " "} },
	"names that begin alike": func(r *http.Request) {
		add(r, "X-User-Id", "X-User-Email", "X-User", "X-Use", "X-User-I", "X-User-Ids")
	},
	"names in small letters and large":     func(r *http.Request) { add(r, "x-a", "X-A", "host", "content-length", "X_A", "~", "!") },
	"names with what ends sorting":         func(r *http.Request) { add(r, "A", "AA", "AAAAAAAA", "AAAAAAA", "AAAAAAAAA", "AAAAAAAB") },
	"fields that are not the header's":     func(r *http.Request) { add(r, "Host", "Content-Length", "Transfer-Encoding", "Trailer") },
	"a connection that is to close":        func(r *http.Request) { r.Close = true },
	"a header that says close":             func(r *http.Request) { r.Header["Connection"] = []string{"close"} },
	"a query, a fragment and marks":        func(r *http.Request) { r.URL, _ = url.Parse("http://app/a%2Fb/ü?q=1&x=%00#f") },
	"an empty query":                       func(r *http.Request) { r.URL.ForceQuery = true },
	"a path of another writing":            func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/a b", "/a%20b" },
	"an opaque address":                    func(r *http.Request) { r.URL.Opaque = "//other/x" },
	"a control character in the query":     func(r *http.Request) { r.URL.RawQuery = "a\x01b" },
	"a new line in the query":              func(r *http.Request) { r.URL.RawQuery = "a HTTP/1.1\r\nX-Evil: 1\r\n" },
	"a host of another script":             func(r *http.Request) { r.Host = "bücher.example" },
	"a host with a zone":                   func(r *http.Request) { r.Host = "[fe80::1%25en0]:80" },
	"a host that is none":                  func(r *http.Request) { r.Host = "a b/c" },
	"a host with a new line":               func(r *http.Request) { r.Host = "a\r\nX-Evil: 1" },
	"no host of its own":                   func(r *http.Request) { r.Host = "" },
	"a length without a body":              func(r *http.Request) { r.ContentLength = 5 },
	"a trailer without a body":             func(r *http.Request) { r.Trailer = http.Header{"X-T": nil} },
	"a trailer of nothing":                 func(r *http.Request) { r.Trailer = http.Header{} },
	"chunks of nothing":                    func(r *http.Request) { r.TransferEncoding = []string{"chunked"} },
	"a body of nothing":                    func(r *http.Request) { r.Body = http.NoBody },
	"HEAD":                                 func(r *http.Request) { r.Method = "HEAD" },
	"no method":                            func(r *http.Request) { r.Method = "" },
	"a header that is larger than a frame": func(r *http.Request) { r.Header["X-L"] = []string{strings.Repeat("l", 20_000)} },
	"many fields": func(r *http.Request) {
		for i := range 600 {
			r.Header["X-"+strings.Repeat("n", i)] = []string{"1"}
		}
	},
}

func add(r *http.Request, names ...string) {
	for i, name := range names {
		r.Header[name] = []string{strings.Repeat("v", i)}
	}
}

func TestARequestIsWrittenAsRequestWriteWritesIt(t *testing.T) {
	for name, change := range bare {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), "GET", "http://app.example/path?q", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header = http.Header{"User-Agent": {"test"}, "Accept": {"*/*"}, "Cookie": {"a=b; c=d"}}
			change(r)
			same(t, r)
		})
	}
}

// same holds what is sent to net/http's.
func same(t *testing.T, r *http.Request) {
	t.Helper()
	want, wantErr := asNetHTTP(r.Clone(r.Context()))
	got, err := written(t, r)
	if (err != nil) != (wantErr != nil) || wantErr == nil && got != want {
		t.Errorf("sent is\n%q, %v\nand of Request.Write\n%q, %v", got, err, want, wantErr)
	}
}

// TestNothingThatIsRefusedLeaves: a field that another reads as two would be a
// request of its own to the app.
func TestNothingThatIsRefusedLeaves(t *testing.T) {
	for name, header := range map[string]http.Header{
		"a new line in a value":          {"X-A": {"a\r\nX-Evil: 1"}},
		"a line feed in a value":         {"X-A": {"a\nX-Evil: 1"}},
		"a NUL in a value":               {"X-A": {"a\x00"}},
		"a new line in a name":           {"X-A\r\nX-Evil": {"1"}},
		"a colon in a name":              {"X-A:": {"1"}},
		"a space in a name":              {"X A": {"1"}},
		"no name":                        {"": {"1"}},
		"a new line in what is left out": {"Content-Length": {"1\r\nX-Evil: 1"}},
		"a new line in the client":       {"User-Agent": {"a\r\nX-Evil: 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRequest("GET", "http://app.example", nil, 0)
			r.Header = header
			if header["User-Agent"] == nil {
				r.Header["User-Agent"] = []string{"test"}
			}
			if got, err := written(t, r); err == nil || got != "" {
				t.Errorf("sent is %q, %v", got, err)
			}
		})
	}
}

// A request that is tried again over another connection is what it was, whoever
// else was written down meanwhile.
func TestARequestIsTheSameTheSecondTime(t *testing.T) {
	a := newApp(t, script{answer: next}, script{closes: true}, script{answer: next})
	ours := &wire.Transport{Dial: new(net.Dialer).DialContext, IdlePerHost: 2}
	defer ours.CloseIdleConnections()
	for _, name := range []string{"first", "second"} {
		r := newRequest("GET", a.url()+"/"+name, nil, 0)
		r.Header["X-Name"] = []string{name}
		if o := ask(ours, r); o.Body != "next" {
			t.Fatalf("%s: %+v", name, o)
		}
	}
	got := a.requests()
	if len(got) != 3 || got[1] != got[2] || !strings.Contains(got[2], "GET /second") {
		t.Errorf("the app got %q", got)
	}
}

func TestWhoListensHearsOfEveryField(t *testing.T) {
	var heard []string
	r := newRequest("GET", "http://app.example", nil, 0)
	r.Header = http.Header{"User-Agent": {"test"}, "X-B": {"1"}, "X-A": {"1"}}
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		WroteHeaderField: func(name string, _ []string) { heard = append(heard, name) },
	})
	if _, err := written(t, r.WithContext(ctx)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"Host", "User-Agent", "X-A", "X-B"}; !slices.Equal(heard, want) {
		t.Errorf("heard of %v", heard)
	}
}

// FuzzHead gives requests to Request.Write and to ours.
func FuzzHead(f *testing.F) {
	f.Add("GET", "app.example", "/a?b=c", "X-A", "1", "X-B", " 2 ", "Mozilla/5.0")
	f.Add("HEAD", "[::1]:80", "/%00/ü", "Host", "x", "Content-Length", "3", "")
	f.Add("POST", "a\r\nb", "/?\r\n", "X-\r\n", "1\r\n2", "x-a", "\x7f", " ")
	f.Fuzz(func(t *testing.T, method, host, target, name, value, other, otherValue, agent string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return // no request has such a target
		}
		u.Scheme, u.Host = "http", "app.example"
		r := (&http.Request{
			Method: method, URL: u, Host: host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{name: {value, otherValue}, other: {otherValue}, "User-Agent": {agent}},
		}).WithContext(t.Context())
		theirs := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errBody }}
		if _, err := theirs.RoundTrip(r.Clone(r.Context())); err != nil && !strings.Contains(err.Error(), errBody.Error()) {
			// It would not even have connected, and nor may we.
			if got, err := written(t, r); err == nil || got != "" {
				t.Errorf("sent is %q, %v", got, err)
			}
			return
		}
		same(t, r)
	})
}
