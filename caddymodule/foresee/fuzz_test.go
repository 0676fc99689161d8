package foresee_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/gatewaytest"
)

// FuzzWhatIsForeseenOfAPath asks about any path, and then for it: each that a client
// could send is answered as it was foreseen, and no other is asked about.
func FuzzWhatIsForeseenOfAPath(f *testing.F) {
	s, h := gatewaytest.InProcess(f, gatewaytest.Site{Options: "why", Routes: `session_endpoints
		@admin path /admin/*
		session_auth @admin {
			role admin
		}
		handle_path /strip/* {
			session_auth {
				public /open/*
				path /secret/* {
					role admin
				}
			}
			respond 418
		}
		handle {
			session_auth {
				path /orders/* {
					role admin
				}
			}
			respond 418
		}`})
	cookie := s.WithCookie(f, gatewaytest.Grace).Cookie
	for _, seed := range []string{"/", "/x?a=b", "/admin/x", "/admin/..;/x", "/ADMIN/x", "/strip/secret/x", "/strip/open/../secret", "/strip%2fsecret/x", "/strip/%2e%2e/orders/7",
		"/orders", "//orders/x", "/orders%2f7", "/%6frders/7", `/a\orders/7`, "/auth/session", "/auth/%73ession", "/auth/verify/x", "/a%00", "/a b", "/%zz", "http://a/b", "*",
		"/a#b", "/?", "/ü", "/%ff", "/\xff", "/a\x7f", "/auth/why?path=/x", "/strip", "/strip/", "/" + strings.Repeat("a", 8<<10)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		foreseen, status := foresees(t, h, s, cookie, target)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: " + s.Address() + "\r\nCookie: " + cookie + "\r\n\r\n")))
		switch {
		case err != nil, r.RequestURI != target, !strings.HasPrefix(target, "/"), len(target) > 8<<10:
			if status != http.StatusBadRequest && err != nil {
				t.Errorf("%q, which nobody can send (%v), is asked about: %d, %+v", target, err, status, foreseen)
			}
			return
		case status == http.StatusBadRequest:
			if !strings.ContainsFunc(target, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
				t.Errorf("%q cannot be asked about", target)
			}
			return
		}
		w := httptest.NewRecorder()
		r.RemoteAddr = "127.0.0.1:1"
		h.ServeHTTP(w, r)
		agrees := map[string]bool{
			demand.WouldBeRefused: w.Code == foreseen.Status, demand.WouldPass: w.Code == http.StatusTeapot, demand.WouldPassAnybody: w.Code == http.StatusTeapot,
			demand.WouldBeAnswered: w.Code != http.StatusTeapot,
		}
		if !agrees[foreseen.Decision] {
			t.Errorf("%q is answered %d, foreseen was %+v", target, w.Code, foreseen)
		}
	})
}

func foresees(t *testing.T, h http.Handler, s *gatewaytest.Server, cookie, target string) (*demand.Foreseen, int) {
	t.Helper()
	r := httptest.NewRequest("GET", s.URL+"/auth/why?"+url.Values{"path": {target}}.Encode(), nil)
	r.Header.Set("Cookie", cookie)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code == http.StatusBadRequest {
		return nil, w.Code
	}
	var said told
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || w.Code != http.StatusOK || said.Path == nil {
		t.Fatalf("of %q it is said %d, %v: %s", target, w.Code, err, w.Body)
	}
	return said.Path, w.Code
}
