package identity_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/identity"
)

const cookie = "__Host-Http-sidegate"

func TestCookies(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"no header, no cookie", nil, nil},
		{"in the order of the lines", []string{"b=1; a=2", "c=3"}, []string{"b=1", "a=2", "c=3"}},
		{"the same name as often as it comes", []string{"a=1;a=1", "a=2"}, []string{"a=1", "a=1", "a=2"}},
		{"a name without an equals sign has an empty value", []string{"a; b=2"}, []string{"a=", "b=2"}},
		{"a value may lack its name", []string{"=1; b=2"}, []string{"=1", "b=2"}},
		{"what has neither is no cookie", []string{"", ";; ;", " = ; a=1"}, []string{"a=1"}},
		{"spaces and one pair of quotes go", []string{"\ta = \"1\" ; b=\"\"2\"\""}, []string{"a=1", `b="2"`}},
		{"what net/http refuses is read", []string{"a b=c d, e; \x01=\xff"}, []string{"a b=c d, e", "\x01=\xff"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for name, value := range identity.Cookies(tt.lines) {
				got = append(got, name+"="+value)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("who has seen enough stops", func(t *testing.T) {
		for name := range identity.Cookies([]string{"a=1; b=2", "c=3"}) {
			if name != "a" {
				t.Errorf("went on to %q", name)
			}
			break
		}
	})
}

// net/http gives up above 3,000 cookies, and finds none then: whoever can set
// cookies for our host, a sibling subdomain say, could keep a sign-out from
// ending the session. However many there are, ours is found.
func TestNoNumberOfCookiesHidesOurs(t *testing.T) {
	others := strings.Repeat("a=1; ", 3500)
	for name, lines := range map[string][]string{
		"on one line":   {others + cookie + "=abc"},
		"on many":       append(slices.Repeat([]string{"a=1"}, 3500), cookie+"=abc"),
		"before others": {cookie + "=abc; " + others},
	} {
		t.Run(name, func(t *testing.T) {
			if value, count := identity.FindCookie(lines, cookie); value != "abc" || count != 1 {
				t.Errorf("found %q, %d times", value, count)
			}
			if found := valuesOf(lines, cookie); !slices.Equal(found, []string{"abc"}) {
				t.Errorf("read %q", found)
			}
			h := http.Header{"Cookie": slices.Clone(lines)}
			identity.RemoveCookie(h, cookie, "")
			if left := strings.Join(h["Cookie"], ";"); strings.Contains(left, cookie) || strings.Count(left, "a=1") != 3500 {
				t.Errorf("%d bytes are left, with ours: %v", len(left), strings.Contains(left, cookie))
			}
		})
	}
}

// What one of them sees and another does not would be a credential that opens
// a session and still reaches the app, or that a sign-out passes over.
func TestOddSpellingsAreReadAlike(t *testing.T) {
	for _, tt := range []struct {
		name   string
		line   string
		values []string
	}{
		{"no space behind the semicolon", "a=1;" + cookie + "=x;b=2", []string{"x"}},
		{"tabs and line ends around the parts", "a=1;\t\r\n" + cookie + "\t=\tx\r\n;b=2", []string{"x"}},
		{"spaces before the equals sign", cookie + "   =x", []string{"x"}},
		{"quotes", cookie + `="x"`, []string{"x"}},
		{"a semicolon within quotes ends the cookie", cookie + `="x;y"`, []string{`"x`}},
		{"an escaped quote is no end", cookie + `="x\"y"`, []string{`x\"y`}},
		{"no equals sign", "a=1; " + cookie, []string{""}},
		{"an empty value", cookie + "=", []string{""}},
		{"several, as often as they come", cookie + "=x;" + cookie + ";" + cookie + "=y", []string{"x", "", "y"}},
		{"behind empty parts", ";; ;" + cookie + "=x", []string{"x"}},
		{"behind a nameless one", "=1; =;" + cookie + "=x", []string{"x"}},
		{"behind control bytes", "\x00=\x01;" + cookie + "=x", []string{"x"}},
		{"behind RFC 2109 attributes", "$Version=1; " + cookie + `="x"; $Path="/"`, []string{"x"}},
		{"a comma does not separate", "a=1, " + cookie + "=x", nil},
		{"a space in the name is another name", cookie + " a=x", nil},
		{"a no-break space is part of the name", "\u00a0" + cookie + "=x", nil},
		{"a percent sign stays what it is", strings.Replace(cookie, "-", "%2D", 1) + "=x", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines := []string{tt.line}
			if got := valuesOf(lines, cookie); !slices.Equal(got, tt.values) {
				t.Errorf("Cookies: got %q, want %q", got, tt.values)
			}
			first := append(slices.Clone(tt.values), "")[0]
			if value, count := identity.FindCookie(lines, cookie); value != first || count != len(tt.values) {
				t.Errorf("FindCookie: got %q, %d, want %q, %d", value, count, first, len(tt.values))
			}
			h := http.Header{"Cookie": slices.Clone(lines)}
			identity.RemoveCookie(h, cookie, "")
			if got := valuesOf(h["Cookie"], cookie); got != nil {
				t.Errorf("RemoveCookie left %q in %q", got, h["Cookie"])
			}
			if tt.values == nil && !slices.Equal(h["Cookie"], lines) {
				t.Errorf("RemoveCookie made %q of %q", h["Cookie"], lines)
			}
		})
	}
}

// valuesOf is what [identity.Cookies] reads of one name.
func valuesOf(lines []string, name string) (values []string) {
	for n, v := range identity.Cookies(lines) {
		if n == name {
			values = append(values, v)
		}
	}
	return values
}

func TestFindCookie(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		value string
		count int
	}{
		{"no header, no cookie", nil, "", 0},
		{"the only cookie", []string{cookie + "=abc"}, "abc", 1},
		{"among others", []string{"a=1; " + cookie + "=abc; b=2"}, "abc", 1},
		{"on a second line", []string{"a=1", cookie + "=abc"}, "abc", 1},
		{"spaces around the parts are trimmed", []string{"a=1;\t " + cookie + " = abc \t;b=2"}, "abc", 1},
		{"one pair of quotes is stripped", []string{cookie + `="abc"`}, "abc", 1},
		{"only one pair", []string{cookie + `=""abc""`}, `"abc"`, 1},
		{"half a pair is part of the value", []string{cookie + `="`}, `"`, 1},
		{"further equals signs are part of the value", []string{cookie + "=a=b="}, "a=b=", 1},
		{"two on one line are counted", []string{cookie + "=abc; " + cookie + "=def"}, "abc", 2},
		{"two on two lines are counted", []string{cookie + "=abc", cookie + "=abc"}, "abc", 2},
		{"one without a value counts", []string{cookie + "; " + cookie + "=abc"}, "", 2},
		{"a longer name is another cookie", []string{cookie + "2=abc; x" + cookie + "=abc"}, "", 0},
		{"another case is another cookie", []string{strings.ToLower(cookie) + "=abc"}, "", 0},
		{"the name as a value is another cookie", []string{"a=" + cookie + "=abc"}, "", 0},
		{"a malformed neighbour does not hide it", []string{"=;;a b=c\x01; " + cookie + "=abc"}, "abc", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			value, count := identity.FindCookie(tt.lines, cookie)
			if value != tt.value || count != tt.count {
				t.Errorf("got %q, %d, want %q, %d", value, count, tt.value, tt.count)
			}
		})
	}
}

func TestRemoveCookie(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"without it nothing changes", []string{"a=1; b=2;", ""}, []string{"a=1; b=2;", ""}},
		{"the only cookie takes the header with it", []string{cookie + "=abc"}, nil},
		{"and so does one with empty neighbours", []string{" ; " + cookie + "=abc; ;"}, nil},
		{"the first of several", []string{cookie + "=abc; a=1; b=2"}, []string{"a=1; b=2"}},
		{"the middle one", []string{"a=1; " + cookie + "=abc; b=2"}, []string{"a=1; b=2"}},
		{"the last one", []string{"a=1; b=2; " + cookie + "=abc"}, []string{"a=1; b=2"}},
		{"every one of several", []string{cookie + "=1; a=1;" + cookie + "=2", cookie + "=3"}, []string{"a=1"}},
		{"a line that does not hold it stays", []string{"a=1;;b", cookie + "=abc"}, []string{"a=1;;b"}},
		{"spaces do not hide it", []string{"a=1;\t" + cookie + " \t=abc"}, []string{"a=1"}},
		{"quotes do not hide it", []string{"a=1; " + cookie + `="abc"`}, []string{"a=1"}},
		{"a missing value does not hide it", []string{"a=1; " + cookie}, []string{"a=1"}},
		{"another case does not hide it", []string{"a=1; __HOST-http-SIDEGATE=abc"}, []string{"a=1"}},
		{"longer and shorter names stay", []string{cookie + "2=x; " + cookie + "=abc; sidegate=y"}, []string{cookie + "2=x; sidegate=y"}},
		{"malformed neighbours stay byte for byte", []string{"=;a b={\"c\"}, d;  e ; " + cookie + "=abc;\x01=\xff"},
			[]string{"=;a b={\"c\"}, d;  e ;\x01=\xff"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{"Cookie": slices.Clone(tt.lines)}
			identity.RemoveCookie(h, cookie, "")
			if !slices.Equal(h["Cookie"], tt.want) {
				t.Errorf("got %q, want %q", h["Cookie"], tt.want)
			}
			if _, there := h["Cookie"]; there && tt.want == nil {
				t.Error("an empty header is left")
			}
		})
	}
	t.Run("with a prefix all that begin with it go, in any case", func(t *testing.T) {
		h := http.Header{"Cookie": {"a=1; attempt-x=1; ATTEMPT-=2; attempt=3", "xattempt-=4; " + cookie + "=abc"}}
		identity.RemoveCookie(h, cookie, "attempt-")
		if want := []string{"a=1; attempt=3", "xattempt-=4"}; !slices.Equal(h["Cookie"], want) {
			t.Errorf("got %q, want %q", h["Cookie"], want)
		}
	})
	t.Run("with a prefix all go that have __Host-Http- before it, or lack it", func(t *testing.T) {
		for _, prefix := range []string{"attempt-", "__Host-Http-attempt-"} {
			h := http.Header{"Cookie": {"a=1; attempt-x=1; __Host-Http-attempt-y=2; __host-HTTP-Attempt-=3; __Host-attempt-=4; __Host-Http-=5"}}
			identity.RemoveCookie(h, cookie, prefix)
			if want := []string{"a=1; __Host-attempt-=4; __Host-Http-=5"}; !slices.Equal(h["Cookie"], want) {
				t.Errorf("%s: got %q, want %q", prefix, h["Cookie"], want)
			}
		}
	})
	t.Run("without a name nothing is removed", func(t *testing.T) {
		h := http.Header{"Cookie": {"=x; a=1"}}
		identity.RemoveCookie(h, "", "")
		if h.Get("Cookie") != "=x; a=1" {
			t.Errorf("got %v", h)
		}
	})
	t.Run("lines that somebody else still holds are not written to", func(t *testing.T) {
		lines := []string{cookie + "=abc; a=1", "b=2"}
		identity.RemoveCookie(http.Header{"Cookie": lines}, cookie, "")
		if lines[0] != cookie+"=abc; a=1" || lines[1] != "b=2" {
			t.Errorf("the lines became %q", lines)
		}
	})
}

// FuzzRemoveCookie reads the result as net/http does and as a program that
// only splits does.
func FuzzRemoveCookie(f *testing.F) {
	f.Add("a=1; "+cookie+"=abc; b=2", "")
	f.Add(cookie+` ="x"`, "__host-http-sidegate=y;;c")
	f.Add(";; =x;"+cookie, cookie+"=; a b=c")
	f.Fuzz(func(t *testing.T, first, second string) {
		before := http.Header{"Cookie": {first, second}}
		after := before.Clone()
		identity.RemoveCookie(after, cookie, "")
		if got, want := parsed(after), others(parsed(before)); !slices.Equal(got, want) {
			t.Fatalf("net/http reads %q, want %q", got, want)
		}
		if got, want := split(after), others(split(before)); !slices.Equal(got, want) {
			t.Fatalf("a splitter reads %q, want %q", got, want)
		}
		if _, count := identity.FindCookie(before["Cookie"], cookie); count != len(valuesOf(before["Cookie"], cookie)) {
			t.Fatalf("FindCookie counts %d, Cookies reads %q", count, valuesOf(before["Cookie"], cookie))
		}
		if _, count := identity.FindCookie(after["Cookie"], cookie); count != 0 {
			t.Fatalf("%q still holds it", after["Cookie"])
		}
	})
}

func parsed(h http.Header) (pairs []string) {
	for _, c := range (&http.Request{Header: h}).Cookies() {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return pairs
}

func split(h http.Header) (pairs []string) {
	for _, line := range h["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if pair = strings.Trim(pair, " \t\r\n"); pair != "" {
				pairs = append(pairs, pair)
			}
		}
	}
	return pairs
}

func others(pairs []string) []string {
	return slices.DeleteFunc(pairs, func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return strings.EqualFold(strings.Trim(name, " \t\r\n"), cookie)
	})
}
