package refusal_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/refusal"
)

// TestAnswersOverHTTP2AndHTTP3SayNothingOfConnections: a client takes such an
// answer for malformed (RFC 9113 section 8.2.2, RFC 9114 section 4.2).
func TestAnswersOverHTTP2AndHTTP3SayNothingOfConnections(t *testing.T) {
	for name, why := range map[string]*refusal.Refusal{
		"a large body": refusal.TooLarge, "a slow body": refusal.Slow, "an early request": refusal.TooEarly, "no such page": refusal.NotFound,
	} {
		for major, want := range map[int]string{1: "close", 2: "", 3: ""} {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("a body"))
			r.ProtoMajor = major
			w := httptest.NewRecorder()
			refusal.CloseUnread(w, r)
			why.Write(w, r, nil)
			if got := w.Header().Get("Connection"); got != want {
				t.Errorf("%s over HTTP/%d: Connection is %q; want %q", name, major, got, want)
			}
		}
	}
}
