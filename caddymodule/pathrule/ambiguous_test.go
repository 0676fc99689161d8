package pathrule_test

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/pathrule"
)

func TestAmbiguousPath(t *testing.T) {
	for _, tt := range []struct {
		name, target string
		want         bool
	}{
		{"the root is clear", "/", false},
		{"an ordinary path is clear", "/assets/app.min.js", false},
		{"a trailing slash is clear", "/assets/", false},
		{"a query does not count", "/healthz?a=/../%2f;x", false},
		{"a space that is encoded is clear", "/a%20b", false},
		{"letters beyond ASCII are clear", "/caf%C3%A9/%E5%8C%97", false},
		{"a letter that need not be encoded is clear", "/%61ssets", false},
		{"dots inside a name are clear", "/.well-known/a..b/...c", false},
		{"a percent sign before no hex digits is clear", "/100%25/50%25-off", false},
		{"a picture of a heart is clear", "/%E2%9D%A4%EF%B8%8F.png", false},
		{"a number sign that is normalised to letters is clear", "/%E2%84%96.png", false},
		{"a path in an absolute target is clear", "http://app.example.com/healthz", false},

		{"an encoded slash", "/assets%2fadmin", true},
		{"an encoded slash in upper case", "/assets%2Fadmin", true},
		{"an encoded backslash", "/assets%5cadmin", true},
		{"a backslash", `/assets\admin`, true},
		{"an encoded dot segment", "/assets/%2e%2e/admin", true},
		{"half an encoded dot segment", "/assets/.%2E/admin", true},
		{"a dot segment", "/assets/./admin", true},
		{"a double dot segment", "/assets/../admin", true},
		{"a double dot segment at the end", "/assets/..", true},
		{"a dot segment at the start", "/./admin", true},
		{"an empty segment", "/assets//admin", true},
		{"an empty segment at the start", "//admin", true},
		{"an empty segment at the end", "/assets//", true},
		{"a path parameter in a dot segment", "/assets/..;/admin", true},
		{"a path parameter", "/admin;.css", true},
		{"a path parameter with a name", "/assets;jsessionid=1/x", true},
		{"an encoded semicolon", "/assets/..%3b/admin", true},
		{"an encoded question mark", "/admin%3f.css", true},
		{"an encoded hash", "/admin%23.css", true},
		{"a hash, which is no fragment in a request", "/admin#.css", true},
		{"NUL", "/admin%00.css", true},
		{"a line break", "/admin%0a.css", true},
		{"DEL", "/admin%7f", true},
		{"a slash that is encoded twice", "/assets%252fadmin", true},
		{"anything that is encoded twice", "/%2561dmin", true},
		{"an encoding of Microsoft's", "/%25u002f", true},
		{"an overlong slash", "/assets%c0%afadmin", true},
		{"what is not UTF-8", "/caf%e9", true},
		{"a fullwidth slash", "/assets%ef%bc%8fadmin", true},
		{"a two dot leader", "/assets/%e2%80%a5/admin", true},
		{"a two dot leader for text that stands upright", "/assets/%ef%b8%b0/admin", true},
		{"two dots with a soft hyphen between them", "/assets/.%c2%ad./admin", true},
		{"an account of, which has a slash", "/assets%e2%84%80admin", true},
		{"two dots with a space", "/assets/..%20/admin", true},
		{"a stream of Windows", "/assets/..::$INDEX_ALLOCATION/admin", true},
		{"no path from the root", "*", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, err := url.ParseRequestURI(tt.target)
			if err != nil {
				t.Fatal(err)
			}
			if got := pathrule.AmbiguousPath(u); got != tt.want {
				t.Errorf("AmbiguousPath(%q) = %v", tt.target, got)
			}
		})
	}
}

func TestAmbiguousPathOfWhatNoParserMakes(t *testing.T) {
	for _, tt := range []struct {
		name string
		url  url.URL
		want bool
	}{
		{"an authority alone", url.URL{Host: "app.example.com:443"}, true},
		{"an opaque address", url.URL{Scheme: "mailto", Opaque: "ada@example.com", Path: "/healthz"}, true},
		{"a path without the leading slash", url.URL{Path: "healthz"}, true},
		{"a raw path that spells another path", url.URL{Path: "/healthz", RawPath: "/admin"}, true},
		{"a raw path that spells this one", url.URL{Path: "/a!b", RawPath: "/a%21b"}, false},
		{"a percent sign at the very end", url.URL{Path: "/100%"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := pathrule.AmbiguousPath(&tt.url); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// FuzzAmbiguousPath holds that a clear path is read one way by those who
// clean it, decode it twice, cut it at parameters, or do none of that.
func FuzzAmbiguousPath(f *testing.F) {
	for _, seed := range []string{"/assets/app.js", "/a/../b", "/%2e%2e/", "/a;b", "/a%252f", "/%c0%af", "/a%20b/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || pathrule.AmbiguousPath(u) {
			return
		}
		if clean := path.Clean(u.Path); clean != u.Path && clean+"/" != u.Path {
			t.Fatalf("%q is cleaned to %q", u.Path, clean)
		}
		if again, err := url.PathUnescape(u.Path); err == nil && again != u.Path {
			t.Fatalf("%q decodes again to %q", u.Path, again)
		}
		if sent, err := url.PathUnescape(u.EscapedPath()); err != nil || sent != u.Path {
			t.Fatalf("%q is sent as %q", u.Path, u.EscapedPath())
		}
		if strings.Count(u.EscapedPath(), "/") != strings.Count(u.Path, "/") || strings.ContainsAny(u.Path, ";\\\x00?#") {
			t.Fatalf("%q has a second reading", u.EscapedPath())
		}
	})
}
