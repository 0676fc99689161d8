package pathrule_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/pathrule"
)

func TestPublicPatterns(t *testing.T) {
	configured := []string{"/healthz", "/assets/*", "/.well-known/*", "/img-*", "/café"}
	public, err := pathrule.NewClear(configured)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, target string
		want         bool
	}{
		{"an exact path is public", "/healthz", true},
		{"a query changes nothing", "/healthz?x=/admin", true},
		{"what is encoded without need is the same path", "/health%7a", true},
		{"a path that is not ASCII is matched decoded", "/caf%C3%A9", true},
		{"a path below a prefix is public", "/assets/css/a.css", true},
		{"the prefix with its slash is public", "/assets/", true},
		{"a prefix may end within a name", "/img-1.png", true},
		{"a segment that begins with a dot is a name like others", "/.well-known/security.txt", true},
		{"the prefix without its slash is not", "/assets", false},
		{"a path that goes on is not", "/healthz/x", false},
		{"a path with a slash at its end is not", "/healthz/", false},
		{"another case is not", "/Healthz", false},
		{"a prefix in another case is not", "/ASSETS/a", false},
		{"another path is not", "/admin", false},
		{"a public path in the query is not", "/admin?/assets/x", false},
		{"dots that lead out are not", "/assets/../admin", false},
		{"encoded dots that lead out are not", "/assets/%2e%2e/admin", false},
		{"an encoded slash is not", "/assets/..%2fadmin", false},
		{"a backslash is not", `/assets/..%5cadmin`, false},
		{"a path parameter is not", "/assets/..;/admin", false},
		{"a path that is encoded twice is not", "/assets/%252e%252e/admin", false},
		{"an empty segment is not", "/assets//admin", false},
		{"NUL is not", "/assets/a%00b", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := public.Match(httptest.NewRequest("GET", c.target, nil).URL); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
	t.Run("without patterns nothing is public", func(t *testing.T) {
		var none pathrule.Clear
		if none.Match(&url.URL{Path: "/"}) {
			t.Error("the front page is")
		}
	})
}

func TestPublicPatternsThatWouldNeverMatch(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		valid         bool
	}{
		{"everything is a pattern", "/*", true},
		{"the front page is a pattern", "/", true},
		{"a dot may begin a name", "/.well-known/*", true},
		{"a prefix may end in a dot", "/a.*", true},
		{"a slash at the end is a path of its own", "/docs/", true},
		{"an empty segment is refused", "/a//b", false},
		{"a dot segment is refused", "/a/../b", false},
		{"what is encoded is refused", "/a%20b", false},
		{"a path parameter is refused", "/a;b", false},
		{"a query is refused", "/a?b", false},
		{"two asterisks are refused", "/a/**", false},
		{"no slash is refused", "*", false},
		{"nothing is refused", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := pathrule.NewClear([]string{c.pattern}); (err == nil) != c.valid {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What is public is what the patterns say, letter by letter, and nothing that
// could be read in another way.
func FuzzPublicPaths(f *testing.F) {
	for _, seed := range []string{"/assets/a", "/assets/../a", "/assets/%2e%2e/a", "/healthz", "/healthz;x", "/assets/%c0%af", "//assets/a"} {
		f.Add(seed)
	}
	public, err := pathrule.NewClear([]string{"/healthz", "/assets/*"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := new(url.URL).Parse(target)
		if err != nil {
			return
		}
		named := u.Path == "/healthz" || strings.HasPrefix(u.Path, "/assets/")
		if want := named && !pathrule.AmbiguousPath(u); public.Match(u) != want {
			t.Errorf("%q: public is %v", target, !want)
		}
	})
}
