package app_test

import (
	"io"
	"log"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/app"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestNewRefuses(t *testing.T) {
	const fine = "http://127.0.0.1:8000/api/login"
	username, password := [2]string{"u", "{login.username}"}, [2]string{"p", "{login.password}"}
	for _, c := range []struct {
		name   string
		config app.Config
		want   string
	}{
		{"no name", app.Config{URL: fine}, "has no name"},
		{"no URL", app.Config{Name: "legacy"}, "URL is not of the form"},
		{"a URL with credentials", app.Config{Name: "legacy", URL: "http://a:" + apiKey + "@127.0.0.1/"}, "credentials"},
		{"what was typed in the URL, where it would be logged", app.Config{Name: "legacy", URL: fine + "?k=" + apiKey + "&p={login.password}"}, "none is known here"},
		{"what was typed as the host", app.Config{Name: "legacy", URL: "http://{login.username}/"}, "scheme or host"},
		{"another body", app.Config{Name: "legacy", URL: fine, Body: "xml"}, "json or form"},
		{"a field without a name", app.Config{Name: "legacy", URL: fine, Fields: [][2]string{{"", apiKey}}}, "without a name"},
		{"a field given twice", app.Config{Name: "legacy", URL: fine, Fields: [][2]string{username, password, username}}, "field u is given twice"},
		{"no username, so that any would do", app.Config{Name: "legacy", URL: fine, Fields: [][2]string{password}}, "no field with {login.username}"},
		{"no password, so that any would do", app.Config{Name: "legacy", URL: fine, Fields: [][2]string{username}}, "no field with {login.password}"},
		{
			"a placeholder that there is not", app.Config{Name: "legacy", URL: fine, Fields: [][2]string{username, password, {"k", apiKey + "{login.email}"}}},
			"body field k has a placeholder that is not known: known are {login.username}, {login.password}",
		},
		{"a header that cannot be sent", app.Config{Name: "legacy", URL: fine, Headers: http.Header{"X-Key": {apiKey + "\n"}}}, "line break"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := app.New(c.config)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "login ") || strings.Contains(err.Error(), apiKey) {
				t.Fatalf("got %v, want an error that says %q", err, c.want)
			}
		})
	}
}

func TestTheQuestion(t *testing.T) {
	const typed = `a{login.username}"&=+%\<ö` + "\n\t{env.SECRET}"
	for _, c := range []struct {
		name   string
		config app.Config
		media  string
		want   string
	}{
		{
			"JSON with email and password is the default", app.Config{}, "application/json",
			`{"email":"ada@example.com","password":"a{login.username}\"\u0026=+%\\\u003cö\n\t{env.SECRET}"}`,
		},
		{
			"JSON with fields in their order", app.Config{Body: "json", Fields: [][2]string{
				{"user", "acme/{login.username}"}, {"grant \"type\"", "password"}, {"pass", "{login.password}"},
			}}, "application/json",
			`{"user":"acme/ada@example.com","grant \"type\"":"password","pass":"a{login.username}\"\u0026=+%\\\u003cö\n\t{env.SECRET}"}`,
		},
		{
			"a form", app.Config{Body: "form", Fields: [][2]string{{"user[name]", "{login.username}"}, {"user[pw]", "{login.password}"}, {"remember", "0"}}},
			"application/x-www-form-urlencoded",
			"user%5Bname%5D=ada%40example.com&user%5Bpw%5D=a%7Blogin.username%7D%22%26%3D%2B%25%5C%3C%C3%B6%0A%09%7Benv.SECRET%7D&remember=0",
		},
		{
			"headers of the configuration go before ours", app.Config{Headers: http.Header{"content-type": {"application/vnd.api+json"}, "accept": {"*/*"}}},
			"application/vnd.api+json",
			`{"email":"ada@example.com","password":"a{login.username}\"\u0026=+%\\\u003cö\n\t{env.SECRET}"}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.URL = serve(t, func(_ http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil || string(body) != c.want || r.ContentLength != int64(len(body)) {
					t.Errorf("got  %s\nwant %s (%v)", body, c.want, err)
				}
				if r.Method != http.MethodPost || r.RequestURI != "/api/login?v=1" || r.Header.Get("Content-Type") != c.media || r.Header.Get("Accept") == "" {
					t.Errorf("%s %s with %v", r.Method, r.RequestURI, r.Header)
				}
				if c.config.Headers == nil && r.Header.Get("X-Api-Key") != apiKey {
					t.Errorf("the configured header is not there: %v", r.Header)
				}
			}) + "/api/login?v=1"
			if _, err := newLogin(t, c.config).SignIn(t.Context(), login.Typed{Name: email, Password: typed}); err != nil {
				t.Fatal(err)
			}
		})
	}
}
