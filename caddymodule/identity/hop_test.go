package identity_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/identity"
)

func TestReduceConnection(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []string
		want []string
	}{
		{"keep-alive stays as it is", []string{"Keep-Alive"}, []string{"Keep-Alive"}},
		{"a websocket's upgrade stays as it is", []string{"keep-alive, Upgrade"}, []string{"keep-alive, Upgrade"}},
		{"several lines that are in order stay", []string{"close", "upgrade"}, []string{"close", "upgrade"}},
		{"empty elements are in order", []string{" , close ,,"}, []string{" , close ,,"}},
		{"another token goes", []string{"close, X-Session-Email"}, []string{"close"}},
		{"with nothing else the header goes", []string{"X-Session-Email"}, nil},
		{"case and spaces do not hide a token", []string{"KEEP-ALIVE\t ,\tx-session-roles , uPgrade"}, []string{"keep-alive, upgrade"}},
		{"a token on another line goes", []string{"keep-alive", "X-Session-Roles", "upgrade"}, []string{"keep-alive, upgrade"}},
		{"all three are kept beside a foreign one", []string{"te, upgrade, keep-alive, close"}, []string{"close, keep-alive, upgrade"}},
		{"what only contains a known token goes", []string{"closed, not-upgrade"}, nil},
		{"a token with a parameter is not the token", []string{"close;x"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{"Connection": tt.in, "X-Session-Email": {"ada@example.com"}}
			identity.ReduceConnection(h)
			if !slices.Equal(h["Connection"], tt.want) {
				t.Errorf("got %q, want %q", h["Connection"], tt.want)
			}
			if tt.want == nil && h["Connection"] != nil {
				t.Error("an empty header is left")
			}
		})
	}
	t.Run("Proxy-Connection goes", func(t *testing.T) {
		h := http.Header{"Proxy-Connection": {"X-Session-Email"}}
		identity.ReduceConnection(h)
		if len(h) != 0 {
			t.Errorf("%v is left", h)
		}
	})
}

func TestReduceConnectionRefusesUpgradeToHTTP2(t *testing.T) {
	for _, protocol := range []string{"h2c", "H2C", "websocket, h2c", "h2", "HTTP/2.0"} {
		t.Run("Upgrade: "+protocol+" goes", func(t *testing.T) {
			h := http.Header{"Connection": {"Upgrade, HTTP2-Settings"}, "Upgrade": {protocol}, "Http2-Settings": {"AAMA"}}
			identity.ReduceConnection(h)
			if len(h) != 0 {
				t.Errorf("%v is left", h)
			}
		})
	}
	t.Run("keep-alive stays", func(t *testing.T) {
		h := http.Header{"Connection": {"keep-alive, upgrade"}, "Upgrade": {"h2c"}}
		identity.ReduceConnection(h)
		if want := (http.Header{"Connection": {"keep-alive"}}); !reflect.DeepEqual(h, want) {
			t.Errorf("got %v", h)
		}
	})
	for _, protocol := range []string{"websocket", "WebSocket", "SPDY/3.1"} {
		t.Run("Upgrade: "+protocol+" stays", func(t *testing.T) {
			h := http.Header{"Connection": {"Upgrade"}, "Upgrade": {protocol}}
			identity.ReduceConnection(h)
			if h.Get("Upgrade") != protocol || h.Get("Connection") != "Upgrade" {
				t.Errorf("got %v", h)
			}
		})
	}
}

func TestDropTrailers(t *testing.T) {
	t.Run("what was announced goes, with the announcement", func(t *testing.T) {
		r := httptest.NewRequest("POST", "/", strings.NewReader("x"))
		r.Header = http.Header{"Trailer": {"X-Session-Email"}, "Te": {"trailers, gzip"}, "Accept": {"*/*"}}
		r.Trailer = http.Header{"X-Session-Email": nil}
		identity.DropTrailers(r)
		if r.Trailer != nil || !reflect.DeepEqual(r.Header, http.Header{"Accept": {"*/*"}}) {
			t.Errorf("left: %v, %v", r.Trailer, r.Header)
		}
	})
	t.Run("a gRPC call keeps TE, which its server insists on", func(t *testing.T) {
		for media, want := range map[string]string{"application/grpc+proto": "trailers", "application/json": "", "app": ""} {
			r := httptest.NewRequest("POST", "/", nil)
			r.Header = http.Header{"Te": {"trailers"}, "Content-Type": {media}}
			identity.DropTrailers(r)
			if got := r.Header.Get("Te"); got != want {
				t.Errorf("%s: TE is %q", media, got)
			}
		}
	})
	t.Run("a request without a body is left alone", func(t *testing.T) {
		r := httptest.NewRequest("GET", "/", nil)
		identity.DropTrailers(r)
		if r.Body != http.NoBody {
			t.Error("the body was wrapped")
		}
	})
}

// receivedTrailers is what a handler's request has when its body has ended.
func receivedTrailers(t *testing.T, announced bool, prepare func(*http.Request) *http.Request) http.Header {
	t.Helper()
	got := make(chan http.Header, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		r = prepare(r)
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != "hello" {
			t.Errorf("body %q, %v", body, err)
		}
		got <- r.Trailer
	}))
	defer srv.Close()
	raw := "POST / HTTP/1.1\r\nHost: app.example.com\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
	if announced {
		raw += "Trailer: X-Session-Email\r\n"
	}
	sendRaw(t, srv.Listener.Addr().String(), raw+"\r\n5\r\nhello\r\n0\r\nX-Session-Email: mallory@example.com\r\n\r\n")
	select {
	case trailers := <-got:
		return trailers
	default:
		t.Fatal("the request never reached the handler")
		return nil
	}
}

func TestTrailersReachTheHandlerUnlessDropped(t *testing.T) {
	for name, announced := range map[string]bool{"announced": true, "unannounced": false} {
		keep := func(r *http.Request) *http.Request { return r }
		if got := receivedTrailers(t, announced, keep); got.Get("X-Session-Email") == "" {
			t.Errorf("an %s trailer never came, so this test says nothing", name)
		}
		t.Run("an "+name+" trailer is dropped from the server's own request", func(t *testing.T) {
			drop := func(r *http.Request) *http.Request { identity.DropTrailers(r); return r }
			if got := receivedTrailers(t, announced, drop); len(got) != 0 {
				t.Errorf("got %v", got)
			}
		})
		t.Run("an "+name+" trailer is dropped from a copy, as Caddy's handlers have", func(t *testing.T) {
			drop := func(r *http.Request) *http.Request {
				r = r.WithContext(context.WithoutCancel(r.Context()))
				identity.DropTrailers(r)
				return r
			}
			if got := receivedTrailers(t, announced, drop); len(got) != 0 {
				t.Errorf("got %v", got)
			}
		})
	}
}

// FuzzReduceConnection splits by itself: whatever a proxy may read as a token
// is one of the three, and none of those that were there is lost.
func FuzzReduceConnection(f *testing.F) {
	f.Add("keep-alive, Upgrade", "X-Session-Email")
	f.Add(" ,\t,close", "te")
	f.Add("CLOSE;upgrade", "")
	f.Fuzz(func(t *testing.T, first, second string) {
		h := http.Header{"Connection": {first, second}}
		before := tokens(h["Connection"])
		identity.ReduceConnection(h)
		after := tokens(h["Connection"])
		for _, known := range []string{"close", "keep-alive", "upgrade"} {
			if slices.Contains(before, known) != slices.Contains(after, known) {
				t.Fatalf("%s: %q became %q", known, before, after)
			}
		}
		for _, token := range after {
			if token != "close" && token != "keep-alive" && token != "upgrade" {
				t.Fatalf("%q is left of %q", token, before)
			}
		}
	})
}

func tokens(lines []string) []string {
	var found []string
	for token := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		if token = strings.Trim(token, " \t"); token != "" {
			// ASCII folding only: other letters make other tokens.
			found = append(found, strings.Map(func(r rune) rune {
				if 'A' <= r && r <= 'Z' {
					return r + 'a' - 'A'
				}
				return r
			}, token))
		}
	}
	return found
}
