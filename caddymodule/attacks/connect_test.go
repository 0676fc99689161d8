package attacks_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// connecting asks for what an extended CONNECT asks for: the status, and what
// flows then.
type connecting func(t testing.TB, protocol, path string, header ...string) (status string, flow io.ReadWriter)

// connectors are clients of a gateway that takes an extended CONNECT.
func connectors(t *testing.T, upstream, routes string) (*gatewaytest.Secure, map[string]connecting) {
	t.Helper()
	port := gatewaytest.FreePort(t)
	s := gatewaytest.StartSecureProcess(t, gatewaytest.Site{Upstream: upstream, Routes: routes, Options: "role nobody"},
		port, "h1 h2 h3", "GODEBUG=http2xconnect=1")
	return s, map[string]connecting{
		"HTTP/2": func(t testing.TB, protocol, path string, header ...string) (string, io.ReadWriter) {
			t.Helper()
			return openStream(t, s).connect(t, protocol, path, header...)
		},
		"HTTP/3": func(t testing.TB, protocol, path string, header ...string) (string, io.ReadWriter) {
			t.Helper()
			return connect3(t, s, protocol, path, header...)
		},
	}
}

func (s *stream) connect(t testing.TB, protocol, path string, header ...string) (string, io.ReadWriter) {
	t.Helper()
	block := fields(":method", "CONNECT", ":authority", gatewaytest.SecureHost)
	if protocol != "" {
		block = head("CONNECT", path, append([]string{":protocol", protocol}, header...)...)
	}
	if err := s.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndHeaders: true}); err != nil {
		t.Fatal(err)
	}
	for {
		f, err := s.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			return f.PseudoValue("status"), (*flow2)(s)
		case *http2.RSTStreamFrame:
			return "reset", nil
		}
	}
}

// flow2 is the stream when it is opened.
type flow2 stream

func (f *flow2) Write(p []byte) (int, error) { return len(p), f.WriteData(1, false, p) }

func (f *flow2) Read(p []byte) (int, error) {
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return 0, err
		}
		if data, ok := frame.(*http2.DataFrame); ok && len(data.Data()) > 0 {
			return copy(p, data.Data()), nil // the frames here are shorter
		}
		if frame.Header().Type == http2.FrameRSTStream {
			return 0, io.ErrUnexpectedEOF
		}
		if frame.Header().Flags.Has(http2.FlagDataEndStream) && frame.Header().Type == http2.FrameData {
			return 0, io.EOF
		}
	}
}

func connect3(t testing.TB, s *gatewaytest.Secure, protocol, path string, header ...string) (string, io.ReadWriter) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), gatewaytest.Patience)
	t.Cleanup(cancel)
	c, err := quic.DialAddr(ctx, s.Address, &tls.Config{ServerName: gatewaytest.SecureHost, RootCAs: s.Roots, NextProtos: []string{http3.NextProtoH3}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseWithError(0, "") })
	h3 := new(http3.Transport).NewClientConn(c)
	<-h3.ReceivedSettings()
	r, err := http.NewRequestWithContext(ctx, http.MethodConnect, "https://"+gatewaytest.SecureHost+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Proto = protocol
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	st, err := h3.OpenRequestStream(ctx)
	if err == nil {
		err = st.SendRequestHeader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	resp, err := st.ReadResponse()
	if err != nil {
		return "reset", nil
	}
	return fmt.Sprint(resp.StatusCode), st
}

const connectRoutes = `session_endpoints
	session_auth {
		public /public/*
		path /denied/* {
			method GET
			role nobody
		}
	}
	reverse_proxy {upstream}`

// TestAWebsocketByAnExtendedConnectIsDecidedAsAnyOther: by HTTP/2 (RFC 8441) and
// HTTP/3 (RFC 9220) as by HTTP/1.1, and every other tunnel is refused.
func TestAWebsocketByAnExtendedConnectIsDecidedAsAnyOther(t *testing.T) {
	s, clients := connectors(t, gatewaytest.NewSwitching(t), connectRoutes)
	c := s.Client(t)
	token := c.SignIn(gatewaytest.Ada).Token
	const own, other = "https://" + gatewaytest.SecureHost, "https://evil.example.net"
	cookie := []string{"cookie", c.Cookie}
	for version, open := range clients {
		for name, header := range map[string][]string{
			"by cookie":                    slices.Concat(cookie, []string{"origin", own}),
			"by cookie, a program":         cookie,
			"by token":                     {"authorization", "Bearer " + token},
			"by token, another page":       {"authorization", "Bearer " + token, "origin", other},
			"with headers that it made up": slices.Concat(cookie, []string{"x-session-email", forged, "x_session_email", forged}),
		} {
			t.Run(version+": bytes flow both ways "+name, func(t *testing.T) {
				status, flow := open(t, "websocket", "/live", header...)
				if status != "200" {
					t.Fatalf("answered %s", status)
				}
				in := bufio.NewReader(flow)
				line, err := in.ReadString('\n')
				if got := strings.Split(line, "|"); err != nil || len(got) != 3 || got[0] != gatewaytest.Ada || got[1] != "" || len(got[2]) < 24 {
					t.Fatalf("the app was told %q, %v", line, err)
				}
				for _, said := range []string{"one\n", "\x81\x05hello\n", "three\n"} {
					if _, err := io.WriteString(flow, said); err != nil {
						t.Fatal(err)
					}
					if line, err := in.ReadString('\n'); err != nil || line != said {
						t.Fatalf("got %q, %v; want %q", line, err, said)
					}
				}
			})
		}
		for name, c := range map[string]struct {
			protocol, path, status string
			header                 []string
		}{
			"no session":                           {"websocket", "/live", "401", nil},
			"a bad cookie":                         {"websocket", "/live", "401", []string{"cookie", "sidegate=x"}},
			"a bad token beside a cookie":          {"websocket", "/live", "401", append([]string{"authorization", "Bearer x"}, cookie...)},
			"a page of another site":               {"websocket", "/live", "403", append([]string{"origin", other}, cookie...)},
			"another site's, and the path is open": {"websocket", "/public/live", "403", append([]string{"origin", other}, cookie...)},
			"a role that is missing, for GET":      {"websocket", "/denied/x", "403", cookie},
			"an endpoint":                          {"websocket", "/auth/session", "405", cookie},
			"another protocol":                     {"connect-udp", "/live", "405", cookie},
			"another spelling":                     {"WebSocket", "/live", "405", cookie},
			"another protocol on an open path":     {"connect-ip", "/public/live", "405", nil},
			"early data":                           {"websocket", "/live", "425", append([]string{"early-data", "1"}, cookie...)},
			"no protocol":                          {"", "", "405", cookie},
		} {
			t.Run(version+": refused: "+name, func(t *testing.T) {
				status, _ := open(t, c.protocol, c.path, c.header...)
				if status != c.status && !(strings.Contains(name, "protocol") && status == "reset") {
					t.Errorf("answered %s; want %s", status, c.status)
				}
			})
		}
	}
}

// What a matcher demands of a GET, Caddy does not demand of a CONNECT, and the app
// gets a GET; and a websocket by CONNECT has no headers that ask for an upgrade.
func TestAnExtendedConnectDoesNotPassAMatcherOnTheMethodOrTheUpgrade(t *testing.T) {
	for name, matcher := range map[string]string{"the method": "method GET", "the upgrade": "header Upgrade websocket"} {
		s, clients := connectors(t, gatewaytest.NewSwitching(t), `session_endpoints
		@read `+matcher+`
		session_auth @read {
			role nobody
		}
		reverse_proxy {upstream}`)
		cookie := s.WithCookie(t, gatewaytest.Ada).Cookie
		for version, open := range clients {
			if status, _ := open(t, "websocket", "/live", "cookie", cookie); status != "405" {
				t.Errorf("%s, %s: answered %s", name, version, status)
			}
		}
	}
}
