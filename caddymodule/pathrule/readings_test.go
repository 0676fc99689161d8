package pathrule_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/pathrule"
)

func parse(t testing.TB, target string) *url.URL {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestReadings(t *testing.T) {
	for _, c := range []struct {
		name, target string
		want         []string // among others
	}{
		{"a plain path has one", "/admin/users", []string{"/admin/users"}},
		{"letters that need no encoding are decoded", "/%61dmin", []string{"/admin"}},
		{"no path is the root", "http://example.com", []string{"/"}},
		{"what is no path from the root is taken for one", "http:admin/users", []string{"/admin/users"}},
		{"a server as a whole", "*", []string{"*"}},
		{"decoded twice", "/%2561dmin/users", []string{"/%2561dmin/users", "/%61dmin/users", "/admin/users"}},
		{"without parameters", "/admin;x/users", []string{"/admin;x/users", "/admin/users"}},
		{"parameters hide dots", "/x/..;/admin", []string{"/x/..;/admin", "/x/../admin", "/admin"}},
		{"a backslash is a slash", `/admin\users`, []string{"/admin/users"}},
		{"an encoded backslash is a slash", "/admin%5Cusers", []string{`/admin\users`, "/admin/users"}},
		{"several slashes are one", "/x//y", []string{"/x//y", "/x/y"}},
		{"two slashes begin a host", "//x/admin", []string{"/x/admin", "/admin"}},
		{"a backslash and a slash begin a host", "/%5Cx/admin", []string{"/admin"}},
		{"dots are resolved, or not", "/a/../b", []string{"/a/../b", "/b"}},
		{"encoded dots are resolved", "/a/%2e%2E/b", []string{"/a/../b", "/b"}},
		{"dots that are encoded twice are resolved", "/a/%252e%252e/b", []string{"/b"}},
		{"an encoded slash is a character and a slash", "/a%2Fb", []string{"/a%2Fb", "/a/b"}},
		{"an encoded slash beside dots", "/a/..%2fb", []string{"/a/..%2fb", "/b"}},
		{"what was cut too early", "/admin%3f.css", []string{"/admin?.css", "/admin"}},
		{"what ends in C", "/admin%00.css", []string{"/admin"}},
		{"a fragment that was encoded", "/admin%23.css", []string{"/admin"}},
		{"Microsoft's encoding", "/a/%25u002e%25u002e/b", []string{"/b"}},
		{"overlong UTF-8", "/a/%c0%ae%c0%ae%c0%afb", []string{"/b"}},
		{"overlong UTF-8 of three bytes", "/a%e0%80%afb", []string{"/a/b"}},
		{"fullwidth letters", "/%ef%bd%81dmin", []string{"/admin"}},
		{"names that Windows cuts", "/admin./users%20", []string{"/admin/users"}},
		{"decoded three times", "/%252561dmin/x", []string{"/admin/x"}},
		{"decoded as often as there is something to decode", "/%2525252561dmin/x", []string{"/admin/x"}},
		{"dots with a space, which Windows drops", "/x/..%20/admin/x", []string{"/admin/x"}},
		{"a stream of Windows", "/admin::$INDEX_ALLOCATION/x", []string{"/admin/x"}},
		{"a named stream of Windows", "/admin:$I30:$INDEX_ALLOCATION/x", []string{"/admin/x"}},
		{"a script of PHP", "/index.php/admin/x", []string{"/admin/x"}},
		{"a script in a folder", "/blog/Index.PHP/admin/x", []string{"/blog/admin/x", "/admin/x"}},
		{"a script of ASP.NET", "/default.aspx/admin/x", []string{"/admin/x"}},
		{"a session of ASP.NET", "/(S(abc))/admin/x", []string{"/admin/x"}},
		{"two sessions of ASP.NET", "/(S(abc)F(def))/admin/x", []string{"/admin/x"}},
		{"a soft hyphen", "/adm%C2%ADin/x", []string{"/admin/x"}},
		{"a zero width space", "/adm%E2%80%8Bin/x", []string{"/admin/x"}},
		{"a space that does not break", "/admin%C2%A0/x", []string{"/admin/x"}},
		{"letters in circles", "/%E2%93%90dmin/x", []string{"/admin/x"}},
		{"one character for two dots", "/a/%EF%B8%B0/b", []string{"/b"}},
		{"dots that stay at the root of an app behind a prefix", "/app/..;/admin/x", []string{"/app/admin/x", "/admin/x"}},
		{"several of them", "/app/x/..;/..;/admin/x", []string{"/app/admin/x", "/admin/x"}},
		{"a host to an app behind a prefix", "/app%2F/h/admin/x", []string{"/app/admin/x"}},
		{"dots that lead out of a base and back", "/../base/admin/x", []string{"/base/admin/x", "/admin/x"}},
		{"dots that lead out of a base of two and back", "/../../a/b/admin/x", []string{"/admin/x"}},
		{"dots that lead from behind a prefix out of a base and back", "/app/..;/base/admin/x", []string{"/app/admin/x"}},
		{"several programs in a row", "/a/b/..;/../..;/admin", []string{"/admin", "/a/admin"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, more := pathrule.Readings(parse(t, c.target))
			for _, want := range c.want {
				if !slices.Contains(got, want) {
					t.Errorf("%q is not among %q", want, got)
				}
			}
			if len(c.want) == 1 && c.target == c.want[0] && len(got) != 1 || more {
				t.Errorf("%q, and more: %v", got, more)
			}
		})
	}
}

func TestPlainPathsHaveOneReading(t *testing.T) {
	for _, c := range []struct {
		name, target string
		plain        bool
	}{
		{"an ordinary path", "/a/b.c/d-e_f~g", true},
		{"a slash at the end", "/a/", true},
		{"the root", "/", true},
		{"a query does not count", "/a?x=/../%2f;", true},
		{"a dot within a name", "/a..b/c.d", true},
		{"a dot segment", "/a/./b", false},
		{"a name that begins with a dot", "/.well-known/x", false},
		{"a name that ends in a dot", "/a./b", false},
		{"two slashes", "/a//b", false},
		{"a parameter", "/a;b", false},
		{"an encoded slash", "/a%2Fb", false},
		{"an encoded percent sign", "/a%25", false},
		{"letters beyond ASCII", "/caf%C3%A9", false},
		{"no path from the root", "*", false},
		{"a script with a path behind it", "/a/index.php/b", false},
		{"a script", "/a/index.php", true},
		{"what ends like a script", "/php/xphp/b", true},
		{"a version, or a host", "/v1.2/example.com/x.y", true},
		{"a session in the path", "/%28S%28x%29%29/b", false},
		{"a call in the path", "/people%287%29/b", true},
		{"a stream", "/a::$DATA", false},
		{"a colon", "/a:b/c$d", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := parse(t, c.target)
			if pathrule.Plain(u) != c.plain {
				t.Fatalf("plain is %v", !c.plain)
			}
			if readings, _ := pathrule.Readings(u); c.plain && (len(readings) != 1 || readings[0] != u.Path) {
				t.Errorf("it has the readings %q", readings)
			}
		})
	}
}

func TestAPathThatWasMadeToHaveManyReadingsIsBounded(t *testing.T) {
	for name, target := range map[string]string{
		"of all kinds":  "/x/..;a/%252e%252e/b%2fc%5cd//e./%25u002f%3f%ef%bc%8f;/../f",
		"that are long": "/" + strings.Repeat("..;/%252e//", 4000),
	} {
		t.Run(name, func(t *testing.T) {
			readings, more := pathrule.Readings(parse(t, target))
			bytes := 0
			for _, r := range readings {
				bytes += len(r)
			}
			if !more || len(readings) > 64 || bytes > 128<<10 {
				t.Errorf("%d readings of %d bytes, and more: %v", len(readings), bytes, more)
			}
		})
	}
}

// A plain path costs nothing on the way of a request.
func TestAPlainPathCostsNoAllocation(t *testing.T) {
	rules, err := pathrule.New(pathrule.Session, []pathrule.Rule{
		{Patterns: []string{"/admin/*", "/café/*"}}, {Patterns: []string{"/assets/*", "/healthz"}, Methods: []string{"GET"}, Opens: pathrule.Public},
	})
	if err != nil {
		t.Fatal(err)
	}
	var watch pathrule.Watch
	watch.Gate("/admin/*")
	u := parse(t, "/Admin/users/1.json")
	if n := testing.AllocsPerRun(100, func() {
		v := rules.Decide(u, "GET", true)
		if !v.Demands(0) || watch.Refuse(u) != "" || pathrule.AmbiguousPath(u) {
			t.Error("the decision is another one")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
