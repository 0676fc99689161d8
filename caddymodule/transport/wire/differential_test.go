package wire_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// answers are what apps say, well and ill.
var answers = map[string]script{
	"nothing in the body":                   {answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	"a short body":                          {answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\nhello"},
	"a body as large as the buffer":         {answer: "HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n" + strings.Repeat("x", 4096)},
	"a large body":                          {answer: "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat("y", 300000)},
	"a chunked body":                        {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"},
	"a chunked body of nothing":             {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	"a chunk with an extension":             {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n"},
	"a chunk size in capitals":              {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n"},
	"a large chunk":                         {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n" + strings.Repeat("z", 0x20000) + "\r\n0\r\n\r\n"},
	"a trailer that was announced":          {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 9\r\n\r\n"},
	"a trailer that was not":                {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Other: 9\r\n\r\n"},
	"a trailer that never comes":            {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n0\r\n\r\n"},
	"a trailer that may not be one":         {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n"},
	"a length and chunks":                   {answer: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
	"no length":                             {answer: "HTTP/1.1 200 OK\r\n\r\nuntil the end", closes: true},
	"no length, and it says that it closes": {answer: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", closes: true},
	"a length, and it closes":               {answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", closes: true},
	"it says that it closes, and does not":  {answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"},
	"it closes without a word of it":        {answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", closes: true},
	"HTTP/1.0":                              {answer: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", closes: true},
	"HTTP/1.0 without a length":             {answer: "HTTP/1.0 200 OK\r\nServer: SimpleHTTP\r\n\r\nhello", closes: true},
	"HTTP/1.0 that stays":                   {answer: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello"},
	"HTTP/1.0 with chunks":                  {answer: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", closes: true},
	"204":                                   {answer: "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"},
	"204 with a length":                     {answer: "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"},
	"204 that says chunks":                  {answer: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"},
	"205":                                   {answer: "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"},
	"304":                                   {answer: "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n"},
	"304 with a length":                     {answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n"},
	"404 without a reason":                  {answer: "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n"},
	"a status of its own":                   {answer: "HTTP/1.1 799 Odd\r\nContent-Length: 2\r\n\r\nok"},
	"a redirect":                            {answer: "HTTP/1.1 302 Found\r\nLocation: /x y\r\nContent-Length: 0\r\n\r\n"},
	"100 first":                             {before: "HTTP/1.1 100 Continue\r\n\r\n", answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
	"103 first":                             {before: "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
	"100, 102 and three of 103 first":       {before: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </b.js>\r\n\r\n", 3), answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
	"103 and the answer in one":             {answer: "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
	"199 first":                             {answer: "HTTP/1.1 199 Odd\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
	"101 of nothing":                        {answer: "HTTP/1.1 101 Switching Protocols\r\n\r\n", closes: true},
	"101 and bytes behind it":               {answer: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nwelcome", closes: true},
	"101, bytewise":                         {answer: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nwelcome", bytewise: true, closes: true},
	"bytewise":                              {answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello", bytewise: true},
	"chunks, bytewise":                      {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-S\r\n\r\n5\r\nhello\r\n0\r\nX-S: 1\r\n\r\n", bytewise: true},
	"Pragma: no-cache":                      {answer: "HTTP/1.1 200 OK\r\nPragma: no-cache\r\nContent-Length: 0\r\n\r\n"},
	"many headers":                          {answer: "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Many: value\r\n", 500) + "Content-Length: 0\r\n\r\n"},
	"a long header":                         {answer: "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("v", 20000) + "\r\nContent-Length: 0\r\n\r\n"},
	"lines that end in a bare LF":           {answer: "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"},
	"a header folded over two lines":        {answer: "HTTP/1.1 200 OK\r\nX-F: a\r\n b\r\nContent-Length: 2\r\n\r\nok"},
	"names in small letters":                {answer: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-small: A\r\n\r\nok"},
	"gzip that nobody has asked for":        {answer: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"},
	"the same length twice":                 {answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"},
	"two lengths":                           {answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!", closes: true},
	"a length that is a list":               {answer: "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", closes: true},
	"a length below nothing":                {answer: "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", closes: true},
	"a length with a sign":                  {answer: "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", closes: true},
	"a length of nothing said":              {answer: "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nok", closes: true},
	"chunks twice":                          {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", closes: true},
	"gzip and chunks":                       {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", closes: true},
	"the encoding identity":                 {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok", closes: true},
	"no HTTP at all":                        {answer: "SSH-2.0-OpenSSH\r\n", closes: true},
	"a status of two digits":                {answer: "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", closes: true},
	"a status of four":                      {answer: "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", closes: true},
	"a status that is none":                 {answer: "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", closes: true},
	"HTTP/2":                                {answer: "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", closes: true},
	"HTTP/9":                                {answer: "HTTP/9 200 OK\r\n\r\n", closes: true},
	"a header without a colon":              {answer: "HTTP/1.1 200 OK\r\nX-Nothing\r\n\r\n", closes: true},
	"a header without a name":               {answer: "HTTP/1.1 200 OK\r\n: value\r\nContent-Length: 0\r\n\r\n", closes: true},
	"a space before the colon":              {answer: "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", closes: true},
	"NUL in a header":                       {answer: "HTTP/1.1 200 OK\r\nX-N: a\x00b\r\nContent-Length: 0\r\n\r\n", closes: true},
	"it closes at once":                     {closes: true},
	"it closes in the status":               {answer: "HTTP/1.1 2", closes: true},
	"it closes in the header":               {answer: "HTTP/1.1 200 OK\r\nContent-Le", closes: true},
	"it closes behind 100":                  {answer: "HTTP/1.1 100 Continue\r\n\r\n", closes: true},
	"it closes in the body":                 {answer: "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", closes: true},
	"it closes in a chunk":                  {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello", closes: true},
	"it closes before the last chunk":       {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", closes: true},
	"it closes in the trailer":              {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-S: ", closes: true},
	"a chunk size that is none":             {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n", closes: true},
	"a chunk longer than it says":           {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", closes: true},
	"a chunk size beyond all":               {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n", closes: true},
	"it answers before the body, and stays": {ignores: true, answer: "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"},
	"a header beyond what is allowed":       {answer: "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("v", 11<<20) + "\r\n\r\n", closes: true},
	"a reset":                               {resets: true},
}

// requests are what clients send. Each makes a new one.
var requests = map[string]func(to string) *http.Request{
	"GET":                 func(to string) *http.Request { return newRequest("GET", to, nil, 0) },
	"HEAD":                func(to string) *http.Request { return newRequest("HEAD", to, nil, 0) },
	"OPTIONS":             func(to string) *http.Request { return newRequest("OPTIONS", to, nil, 0) },
	"DELETE":              func(to string) *http.Request { return newRequest("DELETE", to, nil, 0) },
	"a method of its own": func(to string) *http.Request { return newRequest("PURGE", to, nil, 0) },
	"POST of nothing":     func(to string) *http.Request { return newRequest("POST", to, nil, 0) },
	"POST":                func(to string) *http.Request { return newRequest("POST", to, strings.NewReader("a=b"), 3) },
	"a large PUT": func(to string) *http.Request {
		return newRequest("PUT", to, strings.NewReader(strings.Repeat("p", 50000)), 50000)
	},
	"a POST of unknown length": func(to string) *http.Request {
		return newRequest("POST", to, io.MultiReader(strings.NewReader("one"), strings.NewReader("two")), -1)
	},
	"a GET of unknown length that has none": func(to string) *http.Request {
		return newRequest("GET", to, strings.NewReader(""), -1)
	},
	"a POST with a trailer": func(to string) *http.Request {
		r := newRequest("POST", to, strings.NewReader("summed"), -1)
		r.Trailer = http.Header{"X-Sum": {"7"}}
		return r
	},
	"a POST with a large header": func(to string) *http.Request {
		r := newRequest("POST", to, strings.NewReader("a=b"), 3)
		r.Header.Set("X-Large", strings.Repeat("h", 100000))
		return r
	},
	"a request that closes": func(to string) *http.Request {
		r := newRequest("GET", to, nil, 0)
		r.Close = true
		return r
	},
	"an upgrade": func(to string) *http.Request {
		r := newRequest("GET", to, nil, 0)
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "echo")
		return r
	},
}

func newRequest(method, to string, body io.Reader, length int64) *http.Request {
	r, err := http.NewRequest(method, to+"/first?a=%20b&c", nil)
	if err != nil {
		panic(err)
	}
	if body != nil {
		r.Body, r.ContentLength = io.NopCloser(struct{ io.Reader }{body}), length
	}
	r.Host = "app.example"
	r.Header = http.Header{"X-Forwarded-For": {"1.2.3.4"}, "Cookie": {"a=b; c=d", "e=f"}, "User-Agent": {""}, "Sec-WebSocket-Key": {"x"}}
	return r
}

// Every request of the table with every answer, and one more behind it, which
// goes over the same connection exactly where net/http's does.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	exchanges := 0
	for answer, do := range answers {
		for request, make := range requests {
			exchanges++
			t.Run(request+", "+answer, func(t *testing.T) {
				t.Parallel()
				compare(t, do, make)
			})
		}
	}
	if exchanges < 300 {
		t.Errorf("%d exchanges", exchanges)
	}
}

func compare(t *testing.T, do script, make func(to string) *http.Request) {
	t.Helper()
	dialer := &net.Dialer{Timeout: patience}
	theirs, ours := transports(dialer.DialContext)
	defer theirs.CloseIdleConnections()
	defer ours.CloseIdleConnections()
	want, wantSent := through(t, theirs, do, make)
	got, gotSent := through(t, ours, do, make)
	for i, name := range []string{"the answer", "the next answer"} {
		if !reflect.DeepEqual(plain(got[i]), plain(want[i])) {
			t.Errorf("%s is\n%s\nand net/http's is\n%s", name, brief(got[i]), brief(want[i]))
		}
	}
	if !reflect.DeepEqual(gotSent, wantSent) {
		t.Errorf("the app got\n%.2000q\nand of net/http\n%.2000q", gotSent, wantSent)
	}
}

// plain leaves out what is for people, and what a failure leaves to chance.
func plain(o outcome) outcome {
	o.err = nil
	return o
}

func brief(o outcome) string { return fmt.Sprintf("%.1000v, %v", plain(o), o.err) }

// through asks twice, and returns what was answered and what the app has got.
func through(t *testing.T, rt http.RoundTripper, do script, make func(to string) *http.Request) (seen [2]outcome, sent []string) {
	t.Helper()
	a := newApp(t, do)
	to := a.url()
	seen[0] = ask(rt, make(to))
	r, err := http.NewRequest("GET", to+"/next", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "app.example"
	seen[1] = ask(rt, r)
	all, _ := a.connections()
	return seen, append(a.requests(), fmt.Sprintf("%d connections", all))
}
