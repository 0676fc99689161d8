package origin

import "testing"

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, raw, want string }{
		{"an origin stays as it is", "https://app.example.com", "https://app.example.com"},
		{"plain HTTP is taken too", "http://localhost:8080", "http://localhost:8080"},
		{"a slash at the end is dropped", "https://app.example.com/", "https://app.example.com"},
		{"a host is lower-cased, as browsers do", "https://App.Example.COM", "https://app.example.com"},
		{"a scheme is lower-cased", "HTTPS://app.example.com", "https://app.example.com"},
		{"the port that https has anyway is dropped, as browsers do", "https://app.example.com:443", "https://app.example.com"},
		{"the port that http has anyway is dropped", "http://app.example.com:80", "http://app.example.com"},
		{"the port of the other scheme stays", "https://app.example.com:80", "https://app.example.com:80"},
		{"a port that is empty is none", "https://app.example.com:", "https://app.example.com"},
		{"a port is a number, whatever it begins with", "https://app.example.com:0443", "https://app.example.com"},
		{"another port is so, too", "http://app.example.com:08080", "http://app.example.com:8080"},
		{"an IPv6 address may have such a port", "https://[::1]:00443", "https://[::1]"},
		{"an IPv6 address keeps its brackets", "http://[::1]:8080", "http://[::1]:8080"},
		{"an address with a zone is refused: it would be one only on this machine", "https://[fe80::1%25eth0]", ""},
		{"an IPv4 address is a host", "http://127.0.0.1", "http://127.0.0.1"},
		{"no scheme is refused", "app.example.com", ""},
		{"a scheme by itself is refused", "https://", ""},
		{"a port without a host is refused", "https://:8443", ""},
		{"another scheme is refused", "javascript://app.example.com", ""},
		{"a path is refused", "https://app.example.com/x", ""},
		{"a query is refused", "https://app.example.com?x", ""},
		{"a fragment is refused", "https://app.example.com#x", ""},
		{"a user is refused", "https://app.example.com@evil.example", ""},
		{"a wildcard is refused: it would open a page's policy to all hosts", "https://*.example.com", ""},
		{"a semicolon is refused: it would begin another rule of a page's policy", "https://a;script-src", ""},
		{"a quote is refused", "https://a'b", ""},
		{"a host that is not ASCII is refused: browsers send it in another spelling", "https://bücher.example", ""},
		{"a placeholder that was not replaced is refused", "{env.URL}", ""},
		{"nothing is refused", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse(c.raw)
			if got.String() != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"https://a.example", "http://[::1]:1", "https://A:443/", "https://a;b", "//a", "https://a\\b", "http://::1", "https://a:", "http://a:000", "https://[::1]:0443"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		o, err := Parse(raw)
		if err != nil {
			return
		}
		origin := o.String()
		if again, err := Parse(origin); err != nil || again != o || !o.Is(origin) {
			t.Errorf("%q gives %q, and that gives %v, %v", raw, origin, again, err)
		}
		for _, c := range origin {
			if c <= ' ' || c > '~' || c == ';' || c == ',' || c == '*' || c == '\'' || c == '"' || c == '@' || c == '\\' {
				t.Errorf("%q gives %q", raw, origin)
			}
		}
	})
}
