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

// Whoever of the table is shown to a person, its page does not repeat its heading, and
// leads on.
func TestTheWholeTableAsPages(t *testing.T) {
	statuses := map[string]int{
		"BadRequest": 400, "Unauthorized": 401, "Forbidden": 403, "NotFound": 404, "MethodNotAllowed": 405, "RequestTimeout": 408,
		"RequestEntityTooLarge": 413, "UnsupportedMediaType": 415, "TooEarly": 425, "TooManyRequests": 429,
		"InternalServerError": 500, "BadGateway": 502, "ServiceUnavailable": 503,
	}
	for name, entry := range entries(t) {
		for _, language := range []string{"en", "de"} {
			t.Run(name+" in "+language, func(t *testing.T) {
				status, known := statuses[strings.TrimPrefix(entry["Status"], "http.Status")]
				if !known {
					t.Fatalf("the status is %s", entry["Status"])
				}
				why := &refusal.Refusal{Status: status, Text: strings.Trim(entry["Text"], `"`)}
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					r, w := asking(language), httptest.NewRecorder()
					if r.Method = method; method == http.MethodPost {
						r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					}
					why.Write(w, r, nil)
					_, rest, _ := strings.Cut(w.Body.String(), "<h1>")
					title, rest, _ := strings.Cut(rest, "</h1>\n<p>")
					detail, ways, found := strings.Cut(rest, "</p>")
					if !found || !strings.Contains(ways, "<a ") {
						t.Errorf("%s: the page leads nowhere:\n%s", method, w.Body)
					}
					if first, _, _ := strings.Cut(detail, "."); strings.HasPrefix(strings.ToLower(first), strings.ToLower(title)) {
						t.Errorf("under %q stands %q", title, detail)
					}
				}
			})
		}
	}
}
