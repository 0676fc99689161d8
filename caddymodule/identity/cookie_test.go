package identity_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/identity"
)

const cookie = "__Host-Http-sidegate"

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
