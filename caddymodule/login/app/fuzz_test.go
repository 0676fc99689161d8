package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/app"
	"example.com/sidegate/caddymodule/profile"
)

// FuzzSignIn signs in at an app that reads what was sent by the standard
// library's own readers, and sends it all back. Oracles: the app reads exactly
// what was typed, in exactly two fields, and no text that is kept holds a
// password of eight bytes or more.
func FuzzSignIn(f *testing.F) {
	for _, seed := range [][2]string{
		{"ada@example.com", "hunter2hunter2"}, {"ada@example.com", `a"b\c&d=e+f%g`}, {"a+b@example.com", "{login.username}{env.X}"},
		{"ada@example.com", "\x00\r\n\u2028<script>"}, {"ö@example.com", "pässwörd\xff\xfe"}, {"ada@example.com", "ada@example.com"},
		{"ada@example.com", " leading and trailing "}, {"ada@example.com", "short"}, {"x", strings.Repeat("%", 1024)},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, typedEmail, password string) {
		if password == "" || len(password) > login.MaxPassword || len(typedEmail) > profile.MaxEmail || !utf8.ValidString(typedEmail) {
			return // never sent: see TestWhatNobodysCredentialsAreIsNotAsked
		}
		for _, kind := range []string{app.BodyJSON, app.BodyForm} {
			if kind == app.BodyJSON && !utf8.ValidString(password) {
				continue
			}
			l, err := app.New(app.Config{Name: "legacy", URL: "http://127.0.0.1/", Body: kind, KeepCookies: true, TakesNames: true,
				Transport: roundTrip(func(r *http.Request) (*http.Response, error) { return echo(t, kind, r, typedEmail, password) })})
			if err != nil {
				t.Fatal(err)
			}
			person, err := l.SignIn(t.Context(), login.Typed{Name: typedEmail, Password: password})
			if err != nil {
				t.Fatal(err)
			}
			if len(password) >= 8 {
				checkFact(t, person.Kept.Facts["login"], typedEmail, password)
			}
		}
	})
}

// echo reads the question, and answers with it in several spellings.
func echo(t *testing.T, kind string, r *http.Request, typedEmail, password string) (*http.Response, error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	if kind == app.BodyJSON {
		err = json.Unmarshal(sent, &got)
	} else {
		var form url.Values
		form, err = url.ParseQuery(string(sent))
		for name := range form {
			got[name] = strings.Join(form[name], ",")
		}
	}
	if err != nil || len(got) != 2 || got["email"] != typedEmail || got["password"] != password {
		t.Fatalf("%s: typed %q %q, read %q: %v", kind, typedEmail, password, got, err)
	}
	answer, err := json.Marshal(map[string]any{
		"raw": string(sent), "form": got, "list": []any{password, map[string]any{"x": "<" + password + ">"}}, "who": typedEmail,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Set-Cookie": {"p=" + password}}, Body: io.NopCloser(strings.NewReader(string(answer)))}, nil
}

func checkFact(t *testing.T, fact any, typedEmail, password string) {
	t.Helper()
	switch v := fact.(type) {
	case string:
		if strings.Contains(v, password) && !strings.EqualFold(v, typedEmail) {
			t.Fatalf("the password %q is kept in %q", password, v)
		}
	case map[string]any:
		for key, element := range v {
			if key == password {
				t.Fatalf("the password %q is kept as a key", password)
			}
			checkFact(t, element, typedEmail, password)
		}
	case []any:
		for _, element := range v {
			checkFact(t, element, typedEmail, password)
		}
	case int64, float64, bool:
	default:
		t.Fatalf("a fact is %T", v)
	}
}
