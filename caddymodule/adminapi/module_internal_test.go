package adminapi

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// patient is a client whose connection has a deadline until it is taken away.
type patient struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (p *patient) SetReadDeadline(until time.Time) error {
	p.until = until
	return nil
}

// Caddy has net/http take whoever waits for longer than ten seconds for gone, and an end
// of many sessions may take longer.
func TestWhoWaitsForLongIsNotTakenForGone(t *testing.T) {
	w := &patient{httptest.NewRecorder(), time.Now().Add(10 * time.Second)}
	if err := serve(w, httptest.NewRequestWithContext(t.Context(), "GET", "/sidegate/live", nil)); err == nil || !w.until.IsZero() {
		t.Errorf("until %v; %v", w.until, err)
	}
}

func TestWhatOthersSayIsShownWithoutCredentials(t *testing.T) {
	for text, want := range map[string]string{
		"dial redis://gateway:hunter2@db:6379/0: refused": "dial redis://db:6379/0: refused",
		"rediss://:hunter2@db: refused, redis://x:y@z":    "rediss://db: refused, redis://z",
		"a\r\nline \x1b[2J \u202e \xff":                   "a\uFFFD\uFFFDline \uFFFD[2J \uFFFD \uFFFD",
		strings.Repeat("ä", maxShown+5):                   strings.Repeat("ä", maxShown) + "…",
		"mailto ada@example.com":                          "mailto ada@example.com",
	} {
		if got := shown(text); got != want {
			t.Errorf("%q is shown as %q; want %q", text, got, want)
		}
	}
}
