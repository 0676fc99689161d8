package terminal_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/sidegate/caddymodule/terminal"
)

// A user agent is what a stranger says: it may clear the screen, or turn a line so
// that it reads otherwise (CVE-2021-42574).
func TestWhatStrangersSayIsNoCommandToTheTerminal(t *testing.T) {
	for name, text := range map[string]string{
		"an escape": "\x1b[2J", "a line break": "a\nb", "a carriage return": "a\rb", "a bell": "\a", "a tab": "a\tb", "C1": "\u009b2J", "DEL": "\x7f",
		"a turn to the right": "\u202eabc", "an isolate": "\u2066abc", "a mark": "\u200f", "the end of a line": "\u2028", "bytes that are no text": "\xff\xfe",
		"a joiner of nothing": "\u200da", "joiners without end": "a" + strings.Repeat("\u200d", 40), "pictures without end": "a" + strings.Repeat("\ufe0f", 40),
		"accents without end": "a" + strings.Repeat("\u0301", 40), "a zero width": "\u200b", "a tag": "\U000e0041",
	} {
		got := terminal.Printable(text)
		if !strings.Contains(got, "\uFFFD") || strings.ContainsAny(got, "\x1b\n\r\a\t\u009b\x7f\u202e\u2066\u200f\u2028\u200b\u0301\U000e0041") || !utf8.ValidString(got) {
			t.Errorf("%s is shown as %q", name, got)
		}
	}
	for _, text := range []string{"Mozilla/5.0 (Ünïcode; 漢字)", "👩\u200d💻", "❤\ufe0f\u200d🔥"} {
		if got := terminal.Printable(text); got != text {
			t.Errorf("what is harmless, %q, is shown as %q", text, got)
		}
	}
}

// An error names what was typed, or was written by others: a file whose name is a command
// to the terminal, or has a line of its own.
func TestAnErrorIsOneLineThatCommandsNoTerminal(t *testing.T) {
	err := terminal.Err(fmt.Errorf("%s: %w", "a\nb\x1b[31m", errors.Join(fs.ErrNotExist, fs.ErrClosed)))
	if err.Error() != "a; b\uFFFD[31m: file does not exist; file already closed" || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("told: %q", err)
	}
	if terminal.Err(nil) != nil {
		t.Error("nothing is an error")
	}
}
