package source_test

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/source"
)

func TestTemplates(t *testing.T) {
	known := []string{"login.username", "login.password"}
	values := map[string]string{"login.username": "{login.password}", "login.password": "s3cret{}"}
	for _, c := range []struct{ name, text, want string }{
		{"a text without placeholders", "grant", "grant"},
		{"nothing", "", ""},
		{"what is put in is not read again", "{login.username}", "{login.password}"},
		{"several, with text around", "a{login.username}b{login.password}c", "a{login.password}bs3cret{}c"},
		{"one after the other", "{login.password}{login.password}", "s3cret{}s3cret{}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			template, err := source.ParseTemplate(c.text, known)
			if err != nil {
				t.Fatal(err)
			}
			if got := template.Expand(values, nil); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			upper := template.Expand(map[string]string{"login.username": "ada", "login.password": "pw"}, strings.ToUpper)
			if strings.Contains(upper, "ada") || strings.Contains(upper, "pw") {
				t.Fatalf("a value is not encoded: %q", upper)
			}
		})
	}
	for _, text := range []string{"{login.user}", "{login.password", "login.password}", "{}", "{ login.password }", "{env.SECRET}", "{{login.password}}"} {
		t.Run("no placeholder: "+text, func(t *testing.T) {
			if _, err := source.ParseTemplate("canary"+text, known); err == nil ||
				!strings.Contains(err.Error(), "known are {login.username}, {login.password}") || strings.Contains(err.Error(), "canary") {
				t.Fatalf("got %v", err)
			}
		})
	}
}
