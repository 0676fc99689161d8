package profile_test

import (
	"errors"
	"testing"

	"example.com/sidegate/caddymodule/profile"
)

func TestDomainsThatAnAddressMayBeOf(t *testing.T) {
	for _, c := range []struct {
		name    string
		domains []string
		email   string
		admits  bool
	}{
		{"without any, whatever it is", nil, "ada@example.org", true},
		{"its own", []string{"example.com"}, "ada@example.com", true},
		{"its own, in capital letters", []string{"Example.COM"}, "ada@example.com", true},
		{"the second of two", []string{"example.org", "example.com"}, "ada@example.com", true},
		{"another", []string{"example.com"}, "ada@example.org", false},
		{"one that only ends like it", []string{"example.com"}, "ada@notexample.com", false},
		{"one below it", []string{"example.com"}, "ada@mail.example.com", false},
		{"one below a star", []string{"*.example.com"}, "ada@mail.example.com", true},
		{"the one that the star is below", []string{"*.example.com"}, "ada@example.com", false},
		{"one that only ends like what is below a star", []string{"*.example.com"}, "ada@notexample.com", false},
		{"nothing but the star's dot", []string{"*.example.com"}, "ada@.example.com", false},
		{"one that hides in the name", []string{"example.com"}, "ada@evil.org@example.com", false},
		{"no address at all", []string{"example.com"}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := profile.ParseDomains(c.domains)
			if err != nil {
				t.Fatal(err)
			}
			err = d.Admit(c.email)
			_, refused := errors.AsType[*profile.Refused](err)
			if c.admits != (err == nil) || c.admits == refused {
				t.Errorf("answered with %v", err)
			}
		})
	}
	for _, wrong := range []string{"", "*", "*.", "ada@example.com", "@example.com", "example.com.", "a b", "*.*.example.com", "ex*mple.com"} {
		if d, err := profile.ParseDomains([]string{wrong}); err == nil {
			t.Errorf("%q is taken for %q", wrong, d)
		}
	}
}
