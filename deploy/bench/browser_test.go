package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const providersPage = `<form id="openid-sign-in" method="post"><input name="id" value="a&amp;b"></form>`

// site is an app and its provider in one: whoever has no session is sent to
// the provider's page, and from there back.
func site(t *testing.T, change map[string]http.HandlerFunc) string {
	t.Helper()
	handlers := map[string]http.HandlerFunc{
		"/app": func(w http.ResponseWriter, r *http.Request) {
			if _, err := r.Cookie("session"); err != nil {
				http.Redirect(w, r, "/sign-in", http.StatusFound)
			}
		},
		"GET /sign-in": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Accept") != "text/html" {
				t.Error("the browser asks as a script does")
			}
			fmt.Fprint(w, providersPage)
		},
		"POST /sign-in": func(w http.ResponseWriter, r *http.Request) {
			if r.PostFormValue("id") != "a&b" || r.PostFormValue("email") != claimsEmail {
				t.Errorf("the page is answered with %v", r.PostForm)
			}
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "secret", Path: "/"})
			http.Redirect(w, r, "http://"+appHost+":8080/app?code=secret", http.StatusSeeOther)
		},
	}
	mux := http.NewServeMux()
	for pattern, handler := range handlers {
		if changed := change[pattern]; changed != nil {
			handler = changed
		}
		mux.HandleFunc(pattern, handler)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestABrowserSignsIn(t *testing.T) {
	redirectTo := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusSeeOther) }
	}
	for _, c := range []struct {
		name   string
		change map[string]http.HandlerFunc
		fail   string
	}{
		{"by the provider's page", nil, ""},
		{"not where nobody asks who it is", map[string]http.HandlerFunc{"/app": func(http.ResponseWriter, *http.Request) {}}, "does not lead to the page of the provider but to /app"},
		{"not at a provider that refuses", map[string]http.HandlerFunc{"POST /sign-in": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
		}}, "/sign-in is answered with 401"},
		{"not when it does not get back", map[string]http.HandlerFunc{"POST /sign-in": func(http.ResponseWriter, *http.Request) {}}, "ends at /sign-in, not where it began"},
		{"never leaves this machine", map[string]http.HandlerFunc{"POST /sign-in": redirectTo("http://192.0.2.1/?code=secret")}, "192.0.2.1, which is not of this machine"},
		{"never asks a name server", map[string]http.HandlerFunc{"/app": redirectTo("http://localhost.example.com/")}, "localhost.example.com, which is not of this machine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBrowser(site(t, c.change))
			defer b.close()
			err := b.signIn(t.Context(), openIDCPage, claimsEmail)
			expect(t, err, c.fail)
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the code: %v", err)
			}
		})
	}
}

func TestABrowserKeepsCookies(t *testing.T) {
	b := newBrowser(site(t, nil))
	defer b.close()
	if err := b.signIn(t.Context(), openIDCPage, claimsEmail); err != nil {
		t.Fatal(err)
	}
	if got, err := b.cookie(openIDCPage, "session"); err != nil || got != "session=secret" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := b.cookie(openIDCPage, openIDCCookie); err == nil || !strings.Contains(err.Error(), "no cookie "+openIDCCookie) {
		t.Errorf("a cookie that it was not given: %v", err)
	}
	if _, err := b.cookie("http://app.example.com:port/", "session"); err == nil {
		t.Error("a URL that is none has a cookie")
	}
}
