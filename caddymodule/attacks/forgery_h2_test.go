package attacks_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// stream is one HTTP/2 connection on which a test writes frames of its own.
type stream struct {
	*http2.Framer
	conn net.Conn
	next uint32
}

func openStream(t testing.TB, s *gatewaytest.Secure) *stream {
	t.Helper()
	c, err := tls.Dial("tcp", s.Address, &tls.Config{ServerName: gatewaytest.SecureHost, RootCAs: s.Roots, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(gatewaytest.Patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	f := http2.NewFramer(c, c)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return &stream{f, c, 1}
}

// fields packs names and values, exactly as they are given.
func fields(pairs ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(pairs); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}) // a buffer takes everything
	}
	return b.Bytes()
}

// request sends a whole request, with trailers where there are any, and
// returns its status, or "reset" when the server refused the stream.
func (s *stream) request(t testing.TB, head, body, trailers []byte) string {
	t.Helper()
	id := s.next
	s.next += 2
	err := s.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head, EndHeaders: true, EndStream: body == nil})
	if err == nil && body != nil {
		err = s.WriteData(id, trailers == nil, body)
	}
	if err == nil && trailers != nil {
		err = s.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: trailers, EndHeaders: true, EndStream: true})
	}
	if err != nil {
		t.Fatal(err)
	}
	return s.status(t, id)
}

// status reads frames until the stream has ended.
func (s *stream) status(t testing.TB, id uint32) (status string) {
	t.Helper()
	for {
		f, err := s.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if f.Header().StreamID != id {
			continue
		}
		switch f := f.(type) {
		case *http2.RSTStreamFrame:
			if status == "" {
				status = "reset"
			}
			return status
		case *http2.MetaHeadersFrame:
			status = f.PseudoValue("status")
			if f.StreamEnded() {
				return status
			}
		case *http2.DataFrame:
			if f.StreamEnded() {
				return status
			}
		}
	}
}

func head(method, path string, pairs ...string) []byte {
	pseudo := []string{":method", method, ":scheme", "https", ":authority", gatewaytest.SecureHost, ":path", path}
	return fields(append(pseudo, pairs...)...)
}

// spoofs are all identity headers in one spelling, in lower case as HTTP/2
// demands, and trailers of the same names.
func spoofs(spelling int) (headers, trailers []string) {
	for _, name := range identityNames {
		if name != "X-Account-Id" {
			headers = append(headers, strings.ToLower(spellings(name)[spelling]), forged)
			trailers = append(trailers, strings.ToLower(name), forged)
		}
	}
	return headers, trailers
}

func TestForgeryOverHTTP2(t *testing.T) {
	up := gatewaytest.NewWire(t)
	s := gatewaytest.StartSecure(t, gatewaytest.Site{Upstream: up.Address(), Routes: guarded})
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
	for _, k := range kinds {
		t.Run("no spelling of a header and no trailer is believed on "+k.name, func(t *testing.T) {
			// One spelling at a time: all of them are too many headers for HTTP/2.
			for spelling := range spellings("x") {
				headers, trailers := spoofs(spelling)
				if k.signedIn {
					headers = append(headers, "cookie", "theme=dark", "cookie", c.Cookie, "cookie", "a=b")
				}
				status := openStream(t, s).request(t, head("POST", k.path, headers...), []byte("body"), fields(trailers...))
				if status != "200" {
					t.Fatalf("answered %s", status)
				}
				a := up.One(t)
				k.wantTrue(t, a)
				if _, secret, _ := strings.Cut(c.Cookie, "="); strings.Contains(a.Raw, secret) {
					t.Errorf("the secret arrived:\n%s", a.Raw)
				}
			}
		})
	}
	for name, frame := range map[string][]byte{
		"a name in upper case":          head("GET", "/public/x", "X-Session-Email", forged),
		"a connection header":           head("GET", "/public/x", "connection", "x-session-email"),
		"a line feed in a value":        head("GET", "/public/x", "a", "b\r\nX-Session-Email: forged"),
		"NUL in a value":                head("GET", "/public/x", "a", "b\x00"),
		"a colon in a name":             head("GET", "/public/x", "x-session-email:", forged),
		"a length beside chunks":        head("GET", "/public/x", "transfer-encoding", "chunked"),
		"a path that is none":           head("GET", "public/x"),
		"a path with a line feed":       head("GET", "/public/x HTTP/1.1\r\nX-Session-Email: forged\r\n\r\n"),
		"a path given twice":            head("GET", "/public/x", ":path", "/app"),
		"an authority with a line feed": fields(":method", "GET", ":scheme", "https", ":authority", gatewaytest.SecureHost+"\r\nX-Session-Email: forged", ":path", "/public/x"),
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			if got := openStream(t, s).request(t, frame, nil, nil); got != "reset" && !strings.HasPrefix(got, "4") {
				t.Errorf("answered %s", got)
			}
			up.None(t)
		})
	}
	for name, frame := range map[string][]byte{
		"a tunnel":                    fields(":method", "CONNECT", ":authority", gatewaytest.SecureHost),
		"a tunnel of somebody":        fields(":method", "CONNECT", ":authority", gatewaytest.SecureHost, "cookie", c.Cookie),
		"a websocket inside a tunnel": head("CONNECT", "/public/x", ":protocol", "websocket"),
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			if got := openStream(t, s).request(t, frame, nil, nil); got != "reset" && got != "405" {
				t.Errorf("answered %s", got)
			}
			up.None(t)
		})
	}
}

// TestTwoPeopleOnOneConnection: what is kept of one request must not show in
// the next one of the same connection.
func TestTwoPeopleOnOneConnection(t *testing.T) {
	var wrongProto atomic.Int32
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("X-Session-Email")+" "+r.Header.Get("X-Session-Account-Id"))
	}))
	t.Cleanup(echo.Close)
	s := gatewaytest.StartSecure(t, gatewaytest.Site{Upstream: strings.TrimPrefix(echo.URL, "http://")})
	var dials atomic.Int32
	h2 := oneConnection(t, s, &dials)

	var work sync.WaitGroup
	for i, who := range []string{gatewaytest.Ada, gatewaytest.Grace, gatewaytest.Ada, gatewaytest.Grace} {
		c := s.Client(t)
		c.SignIn(who)
		want := []string{gatewaytest.Ada + " acme", gatewaytest.Grace + " "}[i%2]
		for range 15 {
			work.Go(func() {
				for range 20 {
					resp, body, err := getOver(h2, s.Address, c.Cookie)
					switch {
					case err != nil:
						t.Error(err)
						return
					case body != want:
						t.Errorf("%s was answered %q", who, body)
					case resp.ProtoMajor != 2:
						wrongProto.Add(1)
					}
				}
			})
		}
	}
	work.Wait()
	if n := wrongProto.Load(); n > 0 {
		t.Errorf("%d answers were not HTTP/2", n)
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections, want all requests on one", n)
	}
}

func oneConnection(t testing.TB, s *gatewaytest.Secure, dials *atomic.Int32) *http.Client {
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		MaxConnsPerHost:   1,
		TLSClientConfig:   &tls.Config{RootCAs: s.Roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			dials.Add(1)
			return new(net.Dialer).DialContext(ctx, network, s.Address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func getOver(c *http.Client, address, cookie string) (*http.Response, string, error) {
	_, port, _ := net.SplitHostPort(address)
	req, err := http.NewRequest(http.MethodGet, "https://"+gatewaytest.SecureHost+":"+port+"/app", nil)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Cookie", cookie)
	resp, err := c.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}
