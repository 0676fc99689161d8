package profile_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"example.com/sidegate/caddymodule/profile"
)

func TestNormalizeEmail(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"an address stays as it is", "ada@example.com", "ada@example.com"},
		{"case and surrounding space do not matter", " \tAda@EXAMPLE.com\r\n", "ada@example.com"},
		{"a tag is part of the address", "ada+test@example.com", "ada+test@example.com"},
		{"letters beyond ASCII are put in lower case", "ÄDA@exämple.com", "äda@exämple.com"},
		{"a name without a dot is a domain", "root@localhost", "root@localhost"},
		{"254 bytes are not too many", strings.Repeat("a", 242) + "@example.com", strings.Repeat("a", 242) + "@example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := profile.NormalizeEmail(c.in)
			if err != nil || got != c.want {
				t.Fatalf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestNormalizeEmailRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, rule string }{
		{"nothing", "", "is empty"},
		{"only space", " \n ", "is empty"},
		{"255 bytes", strings.Repeat("a", 243) + "@example.com", "longer than 254 bytes"},
		{"an address that grows too long in lower case", strings.Repeat("Ⱥ", 121) + "@example.com", "longer than 254 bytes"},
		{"no at sign", "ada.example.com", "not one address"},
		{"no name", "@example.com", "not one address"},
		{"no domain", "ada@", "not one address"},
		{"two at signs", "ada@example.com@evil.example", "not one address"},
		{"a line break, which would end a header", "ada@example.com\r\nX-Admin: 1", "control or invisible"},
		{"NUL", "ada\x00@example.com", "control or invisible"},
		{"a zero-width space, which nobody sees", "ada\u200b@example.com", "control or invisible"},
		{"a change of direction", "\u202eada@example.com", "control or invisible"},
		{"a filler of Hangul", "ada\u3164@example.com", "control or invisible"},
		{"a variation selector", "ada@exa\ufe0fmple.com", "control or invisible"},
		{"a space inside", "ada lovelace@example.com", "space"},
		{"a no-break space", "ada\u00a0b@example.com", "space"},
		{"a display name", "<ada@example.com>", "only in quotes"},
		{"a list", "ada@example.com,grace", "only in quotes"},
		{"quotes", `"ada"@example.com`, "only in quotes"},
		{"a domain with a dot at its end, another spelling of the same", "ada@example.com.", "a dot"},
		{"a domain with a dot at its start", "ada@.example.com", "a dot"},
		{"bytes that are not UTF-8", "ada\xff@example.com", "not UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, c.in, c.rule) })
	}
}

// Whoever registers "lin" + KELVIN SIGN must not become the person at "link".
func TestAnAddressNeverTurnsIntoAnothersInLowerCase(t *testing.T) {
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !unicode.IsLetter(r) {
			continue
		}
		got, err := profile.NormalizeEmail("x" + string(r) + "y@example.com")
		if err == nil && isASCII(got) {
			t.Errorf("%U became ASCII: %q", r, got)
		}
	}
	refused(t, "lin\u212a@example.com", "another one in lower case")
	refused(t, "l\u0130nk@example.com", "another one in lower case")
}

func FuzzNormalizeEmail(f *testing.F) {
	for _, s := range []string{"Ada@Example.com ", "@", "a@b@c", "\u212a@example.com", "a\r\n@b", strings.Repeat("é", 130) + "@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := profile.NormalizeEmail(in)
		if err != nil {
			if !errors.Is(err, profile.ErrInvalid) || got != "" {
				t.Fatalf("refusal is %q, %v", got, err)
			}
			return
		}
		checkEmail(t, got)
		if again, err := profile.NormalizeEmail(got); err != nil || again != got {
			t.Fatalf("%q normalised again is %q, %v", got, again, err)
		}
	})
}

func refused(t *testing.T, in, rule string) {
	t.Helper()
	got, err := profile.NormalizeEmail(in)
	if got != "" || !errors.Is(err, profile.ErrInvalid) || !strings.Contains(err.Error(), rule) {
		t.Fatalf("got %q, %v; want ErrInvalid that says %q", got, err, rule)
	}
	if in = strings.TrimSpace(in); in != "" && strings.Contains(err.Error(), in) {
		t.Fatalf("the error repeats the address: %v", err)
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
