package caddymodule

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// RFC 9110 section 13.1.2: the comparison is weak.
func TestIfNoneMatch(t *testing.T) {
	const etag = `"abc"`
	for _, c := range []struct {
		name, condition string
		want            bool
	}{
		{"the tag matches", `"abc"`, true},
		{"a weak tag matches", `W/"abc"`, true},
		{"one of a list matches", `"x", W/"y" ,"abc"`, true},
		{"an asterisk matches", "*", true},
		{"no condition does not", "", false},
		{"another tag does not", `"abcd"`, false},
		{"the tag without its quotes does not", "abc", false},
		{"the tag in another case does not", `"ABC"`, false},
		{"a weak prefix in lower case does not", `w/"abc"`, false},
		{"an asterisk in quotes does not", `"*"`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := matches([]string{c.condition}, etag); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestAbridge(t *testing.T) {
	for _, c := range []struct {
		name, text string
		n          int
		want       string
	}{
		{"a short text stays", "Firefox", 10, "Firefox"},
		{"a text of just that length stays", "Firefox", 7, "Firefox"},
		{"a long text is cut", "Firefox", 4, "Fire"},
		{"a text is cut at a character's edge", "aé", 2, "a"},
		{"line breaks go, which could forge a line of a log", "a\r\nb", 10, "ab"},
		{"NUL and escapes go", "a\x00\x1b[2Jb\x7f", 10, "a[2Jb"},
		{"what is not UTF-8 goes", "a\xff\xc0b", 10, "ab"},
		{"the cut comes after that", "\x00\x00abc", 3, "abc"},
		{"nothing is nothing", "", 3, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := abridge(c.text, c.n); got != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func FuzzAbridge(f *testing.F) {
	f.Add("Mozilla/5.0", 5)
	f.Add("é\x00\xff", 1)
	f.Add(strings.Repeat("漢", 100), maxUserAgent)
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = max(0, min(n, 1<<10))
		got := abridge(text, n)
		if len(got) > n || !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00") {
			t.Errorf("%q cut to %d is %q", text, n, got)
		}
		if abridge(got, n) != got {
			t.Errorf("cutting %q again changes it", got)
		}
	})
}
