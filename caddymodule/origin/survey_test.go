package origin_test

import (
	"net/url"
	"testing"

	"example.com/sidegate/caddymodule/origin"
)

func TestWhichAddressesAreAServersOwn(t *testing.T) {
	const app = "{\nsession_endpoints\nsession_auth\n}\n"
	for _, c := range []struct {
		name, sites, address string
		own                  bool
	}{
		{"a name of the site", "https://app.example.com " + app, "https://app.example.com/oauth2/auth", true},
		{"in other letters, with its port", "https://app.example.com " + app, "https://App.Example.com:443/", true},
		{"another scheme's port", "https://app.example.com " + app, "http://app.example.com/", false},
		{"another name", "https://app.example.com " + app, "https://sso.example.com/", false},
		{"what a wildcard covers, which may be elsewhere", "https://*.example.com " + app, "https://sso.example.com/", false},
		{"this machine, at the port", "http://app.example.com:8080 " + app, "http://127.0.0.1:8080/", true},
		{"this machine by its name", "http://:8080 " + app, "http://localhost:8080/", true},
		{"this machine, at another port", "http://:8080 " + app, "http://localhost:4180/", false},
		{"another machine, at the port", "http://:8080 " + app, "http://10.0.0.2:8080/", false},
		{"the address that it listens at", "http://:8080 {\nbind 10.0.0.2\nsession_endpoints\n}\n", "http://10.0.0.2:8080/", true},
		{"this machine, where it does not listen", "http://:8080 {\nbind 10.0.0.2\nsession_endpoints\n}\n", "http://127.0.0.1:8080/", false},
		{"this machine, behind a socket", "http://:8080 {\nbind unix//run/a.sock\nsession_endpoints\n}\n", "http://127.0.0.1:8080/", false},
		{"no address", "http://:8080 " + app, "/oauth2/auth", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, own := new(origin.Sites), false
			address, err := url.Parse(c.address)
			if err != nil {
				t.Fatal(err)
			}
			for _, server := range serversOf(t, c.sites) {
				s.Learn(server)
				own = own || s.Reaches(address, server)
			}
			if own != c.own {
				t.Errorf("it is taken for its own: %v", own)
			}
		})
	}
}
