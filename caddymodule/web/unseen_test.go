package web_test

import (
	"encoding/json"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

func TestWhatIsNotSeenIsEscapedInJSONAndStaysWhatItIs(t *testing.T) {
	for text, want := range map[string]string{
		"\u009b2J":            `"\u009b2J"`,
		"a\u202eb\u2066":      `"a\u202eb\u2066"`,
		"\x7f\ufeff\u200b":    `"\u007f\ufeff\u200b"`,
		"\U000e0041":          `"\udb40\udc41"`,
		"\x1b\n\"\\":          `"\u001b\n\"\\"`,
		"Ünïcode 漢字 👩\u200d💻": "\"Ünïcode 漢字 👩\u200d💻\"",
	} {
		marshalled, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		got := web.EscapeUnseen(marshalled)
		var back string
		if err := json.Unmarshal(got, &back); err != nil || back != text || string(got) != want {
			t.Errorf("%q is written as %s, and read as %q: %v", text, got, back, err)
		}
		if strings.ContainsAny(string(got), "\u009b\u202e\u2066\x7f\ufeff\u200b\U000e0041") {
			t.Errorf("%s has what is not seen", got)
		}
	}
}
