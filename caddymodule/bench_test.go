package caddymodule_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// discard is a response writer that keeps nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// benchmark measures a request through the whole server, sockets excluded.
// What the gateway adds is the difference to "nothing in front".
func benchmark(b *testing.B, h http.Handler, path string, header http.Header) {
	b.Helper()
	req := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, http.NoBody)
	w := &discard{make(http.Header)}
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		// A server makes a header of its own for each request.
		req.Header = make(http.Header, len(header))
		for name, values := range header {
			req.Header[name] = values
		}
		clear(w.header)
		h.ServeHTTP(w, req)
	}
}

func BenchmarkRequest(b *testing.B) {
	ordinary := http.Header{
		"Accept": {"text/html"}, "Accept-Encoding": {"gzip"}, "Accept-Language": {"en"}, "User-Agent": {"benchmark"},
		"Cache-Control": {"no-cache"}, "Referer": {"http://127.0.0.1/"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Site": {"same-origin"},
	}
	with := func(name, value string) http.Header {
		h := ordinary.Clone()
		h.Set(name, value)
		return h
	}
	for _, arm := range []struct{ name, routes string }{
		{"nothing in front", "respond ok"},
		{"session_auth", "session_auth\nrespond ok"},
		{"rules by path", "session_auth {\npath /admin/* {\nrole admin\n}\npath /assets/* {\npublic\n}\n}\nrespond ok"},
		{"a demand behind a matcher", "session_auth\nsession_auth /admin/* {\nrole admin\n}\nrespond ok"},
		{"session_endpoints and session_auth", "session_endpoints\nsession_auth\nrespond ok"},
	} {
		b.Run(arm.name, func(b *testing.B) {
			// People sign in at a site of their own, so that the arms differ
			// in nothing else.
			s, h := gatewaytest.InProcess(b, gatewaytest.Site{Routes: "handle /auth/* {\nsession_endpoints\n}\nhandle {\nroute {\n" + arm.routes + "\n}\n}"})
			c := s.Client(b)
			token := c.SignIn(gatewaytest.Ada).Token
			b.Run("cookie", func(b *testing.B) { benchmark(b, h, "/app", with("Cookie", c.Cookie)) })
			b.Run("cookie among others", func(b *testing.B) { benchmark(b, h, "/app", with("Cookie", "a=b; "+c.Cookie+"; theme=dark")) })
			b.Run("bearer", func(b *testing.B) { benchmark(b, h, "/app", with("Authorization", "Bearer "+token)) })
		})
	}
	b.Run("GET /auth/session", func(b *testing.B) {
		s, h := gatewaytest.InProcess(b, gatewaytest.Site{Routes: "session_endpoints\nrespond ok"})
		c := s.Client(b)
		c.SignIn(gatewaytest.Ada)
		benchmark(b, h, "/auth/session", with("Cookie", c.Cookie))
	})
	b.Run("GET /auth/verify", func(b *testing.B) {
		s, h := gatewaytest.InProcess(b, gatewaytest.Site{Routes: "session_endpoints\nrespond ok", Global: "servers {\ntrusted_proxies static 192.0.2.0/24\n}"})
		c := s.Client(b)
		c.SignIn(gatewaytest.Ada)
		asked := with("Cookie", c.Cookie) // httptest's client is 192.0.2.1
		asked["X-Forwarded-Method"], asked["X-Forwarded-Uri"], asked["X-Forwarded-Host"] = []string{"GET"}, []string{"/app"}, []string{"app.example"}
		asked["X-Forwarded-Proto"], asked["X-Forwarded-For"] = []string{"https"}, []string{"203.0.113.7"}
		benchmark(b, h, "/auth/verify", asked)
	})
}
