package adminapi

import (
	"strings"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

func TestACursorReadsBackAsItWasWritten(t *testing.T) {
	for _, at := range []time.Time{time.Now(), time.UnixMilli(0), time.UnixMilli(-1), time.UnixMilli(1 << 52)} {
		c := cursorOf(&sessionstore.Session{Key: sessionstore.NewSecret(1).Key(), CreatedAt: at})
		if got, ok := parseCursor(c.String()); !ok || got != c {
			t.Errorf("%v is read back as %v", c, got)
		}
	}
}

func TestACursorHasOneSpelling(t *testing.T) {
	good := cursorOf(&sessionstore.Session{Key: sessionstore.NewSecret(1).Key(), CreatedAt: time.Now()}).String()
	if _, ok := parseCursor(good); !ok {
		t.Fatal("a good one is refused")
	}
	for name, text := range map[string]string{
		"an empty one":               "",
		"one that is too short":      good[:len(good)-1],
		"one that is too long":       good + "A",
		"one with padding":           good[:len(good)-1] + "=",
		"one of another format":      "Ag" + good[2:],
		"standard base64":            good[:10] + "+/" + good[12:],
		"one with a line break":      good[:10] + "\n" + good[11:],
		"one with a line break more": good[:10] + "\r\n" + good[10:],
		"one beyond all use":         strings.Repeat("A", 4000),
		"a session's id":             sessionstore.NewSecret(1).Key().ID(),
	} {
		if _, ok := parseCursor(text); ok {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add(cursorOf(&sessionstore.Session{CreatedAt: time.UnixMilli(1)}).String())
	f.Add("")
	f.Add("AQAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if c, ok := parseCursor(text); ok && c.String() != text {
			t.Errorf("%q is read as %q", text, c)
		}
	})
}
