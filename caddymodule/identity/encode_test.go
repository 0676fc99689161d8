package identity_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/sidegate/caddymodule/identity"
)

func TestEncodeValue(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"an empty value stays empty", "", ""},
		{"an email address is sent as it is", "ada@example.com", "ada@example.com"},
		{"every kept character is sent as it is", "AZaz09-_.~@:/+ x", "AZaz09-_.~@:/+ x"},
		{"percent is always encoded", "50%2C", "50%252C"},
		{"a comma is encoded", "Acme, Ltd", "Acme%2C Ltd"},
		{"letters beyond ASCII are encoded as UTF-8", "Zoë 北", "Zo%C3%AB %E5%8C%97"},
		{"line breaks and NUL never reach a header", "a\r\nX-Session-Roles: admin\x00", "a%0D%0AX-Session-Roles: admin%00"},
		{"a space at either end is encoded, because HTTP trims it", " admin ", "%20admin%20"},
		{"a single space is encoded", " ", "%20"},
		{"a tab is encoded", "a\tb", "a%09b"},
		{"what is not UTF-8 becomes the replacement character", "a\xffb\xc0\xaf", "a%EF%BF%BDb%EF%BF%BD%EF%BF%BD"},
		{"quotes and separators are encoded", `"a";b|c`, "%22a%22%3Bb%7Cc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := identity.EncodeValue(tt.value); got != tt.want {
				t.Errorf("EncodeValue(%q) = %q, want %q", tt.value, got, tt.want)
			}
		})
	}
}

func TestEncodeList(t *testing.T) {
	for _, tt := range []struct {
		name string
		list []string
		want string
	}{
		{"no list is no value", nil, ""},
		{"elements are joined by commas", []string{"admin", "orders:write"}, "admin,orders:write"},
		{"a comma inside an element is encoded", []string{"a,b", "c"}, "a%2Cb,c"},
		{"an element that looks encoded is told from one that is", []string{"a%2Cb", "a,b"}, "a%252Cb,a%2Cb"},
		{"spaces around an element are encoded, because apps trim them", []string{" admin", "x "}, "%20admin,x%20"},
		{"empty elements are left out", []string{"", "a", ""}, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := identity.EncodeList(tt.list); got != tt.want {
				t.Errorf("EncodeList(%q) = %q, want %q", tt.list, got, tt.want)
			}
		})
	}
}

func TestEncodingWhatNeedsNoneDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { identity.EncodeValue("ada@example.com") }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// FuzzEncodeList decodes as an app does, with net/url's decoder in the place
// of decodeURIComponent, which knows the same escapes and leaves "+" alone.
func FuzzEncodeList(f *testing.F) {
	f.Add("admin\neditor")
	f.Add("a,b\n%2C\n+ \n ")
	f.Add("Zoë\n\xff\xfe\n\x00\r")
	f.Add("\n\n")
	f.Fuzz(func(t *testing.T, joined string) {
		list := strings.Split(joined, "\n")
		encoded := identity.EncodeList(list)
		if i := strings.IndexFunc(encoded, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
			t.Fatalf("%q holds an invisible character at %d", encoded, i)
		}
		if encoded != strings.Trim(encoded, " ") {
			t.Fatalf("%q would be trimmed", encoded)
		}
		if got, want := decodeList(t, encoded), nonEmptyUTF8(list); !slices.Equal(got, want) {
			t.Fatalf("%q decodes to %q, want %q", encoded, got, want)
		}
	})
}

func decodeList(t *testing.T, encoded string) []string {
	t.Helper()
	if encoded == "" {
		return nil
	}
	list := strings.Split(encoded, ",")
	for i, e := range list {
		var err error
		if list[i], err = url.PathUnescape(e); err != nil || !utf8.ValidString(list[i]) {
			t.Fatalf("decodeURIComponent would throw on %q", e)
		}
	}
	return list
}

func nonEmptyUTF8(list []string) []string {
	var out []string
	for _, v := range list {
		if v != "" {
			out = append(out, string([]rune(v)))
		}
	}
	return out
}
