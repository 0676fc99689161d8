package adopt

import (
	"maps"
	"strings"
	"testing"
)

func mustNames(t *testing.T, names ...string) *Names {
	t.Helper()
	n, err := NewNames(names...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNamesOfCookies(t *testing.T) {
	n := mustNames(t, "_oauth2_proxy", "authelia.session")
	for name, want := range map[string]bool{
		"_oauth2_proxy": true, "_oauth2_proxy_0": true, "_oauth2_proxy_12": true, "authelia.session": true,
		"_oauth2_proxy_": false, "_oauth2_proxy_csrf": false, "_oauth2_proxy_1234": false, "_oauth2_proxyx": false, "_OAUTH2_PROXY": false,
		"oauth2_proxy": false, "authelia_session": false, "": false,
	} {
		if n.Has(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
	for _, folded := range []string{"_oauth2_proxy", "_oauth2_proxy_0", "authelia_session"} { // as apps read AUTHELIA.SESSION
		if !n.HasFolded(folded) {
			t.Errorf("%q is not taken for one of theirs", folded)
		}
	}
}

func TestNamesThatNoCookieHas(t *testing.T) {
	for name, says := range map[string]string{
		"":                       "no name of a cookie",
		"a b":                    "no name of a cookie",
		"a;b":                    "no name of a cookie",
		"a=b":                    "cookie a=: that is no name of a cookie: give the name alone",
		"_oauth2_proxy=*":        "cookie _oauth2_proxy=: that is no name of a cookie: give the name alone",
		"a\r\nb":                 "no name of a cookie",
		strings.Repeat("x", 256): "no name of a cookie",
		"_oauth2_proxy_*":        "parts of it, such as _oauth2_proxy_0",
	} {
		if _, err := NewNames(name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := NewNames("a", "a"); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("one twice: %v", err)
	}
	if _, err := NewNames(strings.Split(strings.Repeat("x,", maxNames+1), ",")...); err == nil {
		t.Error("more than a login may name pass")
	}
}

func TestCookiesOfARequest(t *testing.T) {
	n := mustNames(t, "sid", "other")
	pairs := func(yield func(name, value string) bool, all ...string) {
		for i := 0; i < len(all); i += 2 {
			if !yield(all[i], all[i+1]) {
				return
			}
		}
	}
	for _, c := range []struct {
		name string
		sent []string
		line string
		bad  bool
	}{
		{"none", []string{"theme", "dark"}, "", false},
		{"in the order of their names, whatever the browser's", []string{"sid_1", "b", "theme", "x", "other", "o", "sid_0", "a"}, "other=o; sid_0=a; sid_1=b", false},
		{"parts that count from 1", []string{"sid_1", "a", "sid_2", "b"}, "sid_1=a; sid_2=b", false},
		{"a part behind a gap, which nobody reads", []string{"sid_0", "a", "sid_1", "b", "sid_3", "junk"}, "", true},
		{"parts that count from 2", []string{"sid_2", "a"}, "", true},
		{"a part beside the whole", []string{"sid", "a", "sid_0", "junk"}, "", true},
		{"a number that is spelt otherwise", []string{"sid_0", "a", "sid_01", "junk"}, "", true},
		{"the same one twice", []string{"sid", "a", "sid", "a"}, "sid=a", false},
		{"two values of one", []string{"sid", "a", "sid", "b"}, "", true},
		{"an empty one, which says nothing", []string{"sid", "", "sid", "b"}, "sid=b", false},
		{"a line break", []string{"sid", "a\r\nX: y"}, "", true},
		{"a NUL, which no digest could tell from what is between two", []string{"sid", "a\x00b"}, "", true},
		{"one that is longer than any", []string{"sid", strings.Repeat("x", maxBytes)}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := n.Read(func(yield func(name, value string) bool) { pairs(yield, c.sent...) })
			if (err != nil) != c.bad || p.line() != c.line {
				t.Errorf("%q, %v", p.line(), err)
			}
		})
	}
	p, _ := n.Read(maps.All(map[string]string{"sid_0": "a", "other": "o"}))
	if got := p.Of(mustNames(t, "sid")).line(); got != "sid_0=a" {
		t.Errorf("of one login's: %q", got)
	}
}
