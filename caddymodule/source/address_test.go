package source_test

import (
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode"

	"example.com/sidegate/caddymodule/source"
)

func mustAddress(t testing.TB, raw string, known ...string) *source.Address {
	t.Helper()
	a, err := source.ParseAddress(raw, known...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestExpandedAddresses(t *testing.T) {
	for _, c := range []struct{ name, raw, value, want string }{
		{"an address without placeholders stays as it is", "http://crm:8080/a%20b/?x=1&y=a+b", "", "http://crm:8080/a%20b/?x=1&y=a+b"},
		{"a value in a query is encoded, the plus sign too", "http://crm/by?e={v}", "ada+x@example.com", "http://crm/by?e=ada%2Bx%40example.com"},
		{"a value cannot begin another parameter", "http://crm/by?e={v}&all=0", "a&all=1#x", "http://crm/by?e=a%26all%3D1%23x&all=0"},
		{"a value in a path is encoded", "http://crm/people/{v}/roles", "ada@example.com", "http://crm/people/ada%40example.com/roles"},
		{"a slash in a path stays within its segment", "http://crm/people/{v}", "auth/ada", "http://crm/people/auth%2Fada"},
		{"a value is not decoded a second time", "http://crm/{v}", "%2e%2e", "http://crm/%252e%252e"},
		{"a placeholder in a value is no placeholder", "http://crm/?e={v}", "{v}{env.SECRET}", "http://crm/?e=%7Bv%7D%7Benv.SECRET%7D"},
		{"a value beside literals", "http://crm/u-{v}.json", "7", "http://crm/u-7.json"},
		{"a query without a path", "http://crm?e={v}", "7", "http://crm/?e=7"},
		{"letters beyond ASCII are UTF-8", "http://crm/?n={v}", "Gödel", "http://crm/?n=G%C3%B6del"},
		{"dots in a query mean nothing", "http://crm/?n={v}", "..", "http://crm/?n=.."},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := mustAddress(t, c.raw, "v").Expand(map[string]string{"v": c.value})
			if err != nil {
				t.Fatal(err)
			}
			if u.String() != c.want {
				t.Fatalf("got  %s\nwant %s", u, c.want)
			}
		})
	}
}

func TestValuesThatAreNotAskedFor(t *testing.T) {
	for _, c := range []struct{ name, raw, value, want string }{
		{"an empty value in a query would ask about everybody", "http://crm/?e={v}", "", "{v} is not known"},
		{"an empty path segment would ask for the list", "http://crm/people/{v}", "", "{v} is not known"},
		{"a path segment of two dots", "http://crm/people/{v}", "..", "would change the path"},
		{"a path segment of one dot", "http://crm/people/{v}", ".", "would change the path"},
		{"dots behind a slash that a server decodes", "http://crm/people/{v}", "x/../admin", "would change the path"},
		{"dots behind a backslash", "http://crm/people/{v}", `x\..\admin`, "would change the path"},
		{"dots with a path parameter", "http://crm/people/{v}", "..;x", "would change the path"},
		{"an empty segment made by slashes", "http://crm/people/{v}", "//evil.example.com", "would change the path"},
		{"a slash at the end", "http://crm/people/{v}", "ada/", "would change the path"},
		{"NUL in a path", "http://crm/people/{v}", "a\x00", "control character"},
		{"a line break in a query", "http://crm/?e={v}", "a\r\nX-Admin: 1", "control character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := mustAddress(t, c.raw, "v").Expand(map[string]string{"v": c.value})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, %v; want an error that says %q", u, err, c.want)
			}
			if c.value != "" && c.value != "." && strings.Contains(err.Error(), c.value) {
				t.Fatalf("the error shows the value: %v", err)
			}
		})
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	const canary = "hunter2hunter2"
	for _, c := range []struct{ name, raw, want string }{
		{"nothing", "", "not of the form"},
		{"a path alone", "/people", "not of the form"},
		{"another scheme", "ftp://crm/" + canary, "not of the form"},
		{"a file", "file:///" + canary, "not of the form"},
		{"no host", "http:///" + canary, "not of the form"},
		{"a port alone", "http://:80/" + canary, "not of the form"},
		{"credentials", "http://ada:" + canary + "@crm/", "has credentials in it"},
		{"a placeholder for the host", "http://{v}/", "placeholder in its scheme or host"},
		{"a placeholder in the host", "http://x.{v}.example.com/", "placeholder in its scheme or host"},
		{"a placeholder for the scheme", "{v}://crm/", "placeholder in its scheme or host"},
		{"a placeholder for all of it", "{v}", "placeholder in its scheme or host"},
		{"a placeholder that is not known, in the path", "http://crm/{user}", "known are {v}, {w}"},
		{"a placeholder that is not known, in the query", "http://crm/?" + canary + "={user}", "known are {v}, {w}"},
		{"a brace that is not closed", "http://crm/{v", "known are {v}, {w}"},
		{"a brace that is not opened", "http://crm/v}", "known are {v}, {w}"},
		{"a placeholder within one", "http://crm/{{v}}", "known are {v}, {w}"},
		{"a fragment", "http://crm/#" + canary, "must be percent-encoded"},
		{"a space", "http://crm/?a=b c", "must be percent-encoded"},
		{"a line break", "http://crm/\r\nX:1", "must be percent-encoded"},
		{"a backslash", `http://crm\@evil.example.com/`, "must be percent-encoded"},
		{"a percent sign in the path", "http://crm/100%/" + canary, "write it as %25"},
		{"a percent sign in the query", "http://crm/?a=100%", "write it as %25"},
		{"a percent sign that would eat the value", "http://crm/?a=%{v}", "write it as %25"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := source.ParseAddress(c.raw, "v", "w")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error that says %q", err, c.want)
			}
			if strings.Contains(err.Error(), canary) {
				t.Fatalf("the error shows what may be a secret: %v", err)
			}
		})
	}
	t.Run("a placeholder where none is known", func(t *testing.T) {
		if _, err := source.ParseAddress("http://crm/{v}"); err == nil || !strings.Contains(err.Error(), "none is known here") {
			t.Fatalf("got %v", err)
		}
	})
}

// FuzzAddress puts hostile values into every place that may hold one. What
// comes out is read by Go's own parser: the host, the number of path segments
// and the one query parameter are those of the configuration, and the value is
// the value.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{
		"ada@example.com", "a+b@example.com", "..", "../..", "a/../b", "a&b=c", "a#b", "a?b", "a%2fb", "%", "//evil.example.com/",
		"@evil.example.com", ":80@evil.example.com", "a;b", "\x00", "a\r\nb", "\xff", "{identity.email}", `\\evil`, "ö", "\u202e", " ", "a=b",
	} {
		f.Add(seed)
	}
	inQuery := mustAddress(f, "https://crm.example.com:8443/api/by?email={v}", "v")
	inPath := mustAddress(f, "https://crm.example.com:8443/api/{v}/roles?email=1", "v")
	f.Fuzz(func(t *testing.T, value string) {
		values := map[string]string{"v": value}
		hostile := value == "" || strings.ContainsFunc(value, unicode.IsControl)
		u, err := inQuery.Expand(values)
		if (err != nil) != hostile {
			t.Fatalf("%q in a query: %v", value, err)
		}
		if err == nil {
			u = checkShape(t, u, 2)
			if u.Path != "/api/by" || u.Query().Get("email") != value {
				t.Fatalf("%q became %s", value, u)
			}
		}
		if u, err = inPath.Expand(values); err != nil {
			return
		}
		u = checkShape(t, u, 3)
		if hostile || u.Path != "/api/"+value+"/roles" || u.Query().Get("email") != "1" {
			t.Fatalf("%q became %s", value, u)
		}
		// A server that decodes before it resolves dots ends at the same place.
		decoded := strings.ReplaceAll(u.Path, `\`, "/")
		if path.Clean(decoded) != decoded {
			t.Fatalf("%q resolves to %s", value, path.Clean(decoded))
		}
	})
}

func checkShape(t *testing.T, u *url.URL, segments int) *url.URL {
	t.Helper()
	again, err := url.Parse(u.String())
	if err != nil {
		t.Fatal(err)
	}
	query, err := url.ParseQuery(again.RawQuery)
	if err != nil || len(query) != 1 || len(query["email"]) != 1 {
		t.Fatalf("the query is %q: %v", again.RawQuery, err)
	}
	if again.Scheme != "https" || again.Host != "crm.example.com:8443" || again.User != nil || again.Fragment != "" ||
		strings.Count(again.EscapedPath(), "/") != segments {
		t.Fatalf("another shape: %s", again)
	}
	return again
}
