package app_test

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/app"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
)

const (
	email = "ada@example.com"
	// canary is the password of these tests; it is in no error, and is not kept.
	canary = `hunter2 "&<ö>%`
	// apiKey is in every configuration, and in no error.
	apiKey = "api-key-canary"
)

// newLogin makes a login of what the test says, with an app's key.
func newLogin(t *testing.T, c app.Config) *app.Login {
	t.Helper()
	c.Name = "legacy"
	if c.Timeout == 0 {
		c.Timeout = time.Minute // for slow machines; who tests time-outs says so
	}
	if c.Headers == nil {
		c.Headers = http.Header{"X-Api-Key": {apiKey}}
	}
	l, err := app.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", "application/json")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// signIn signs Ada in, and sees to it that no error and nothing that is kept
// gives her password away.
func signIn(t *testing.T, l *app.Login) (*profile.Person, error) {
	t.Helper()
	person, err := l.SignIn(t.Context(), login.Typed{Name: email, Password: canary})
	if err != nil {
		for _, private := range []string{"hunter2", apiKey} {
			if strings.Contains(err.Error(), private) {
				t.Errorf("the error shows %q: %v", private, err)
			}
		}
		if person != nil {
			t.Errorf("with an error comes %+v", person)
		}
		return nil, err
	}
	kept, err := person.Kept.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(kept, "hunter2") || strings.Contains(fmt.Sprintf("%+v", *person), "hunter2") {
		t.Errorf("the password is kept: %s", kept)
	}
	return person, nil
}

func mustMap(t *testing.T, demands []mapping.Demand, rules ...string) *mapping.Mapping {
	t.Helper()
	var list []mapping.Rule
	for i := 0; i < len(rules); i += 2 {
		list = append(list, mapping.Rule{Field: rules[i], Expr: rules[i+1], Where: "Caddyfile:12"})
	}
	m, err := mapping.Compile(list, demands, []string{"login"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustHold(t *testing.T, expr string) *mapping.Condition {
	t.Helper()
	c, err := mapping.CompileCondition(expr, "Caddyfile:13", []string{"login"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSignIn(t *testing.T) {
	l := newLogin(t, app.Config{
		URL: serve(t, answer(200, `{"token":"t1","user":{"id":42,"mail":"Ada.L@example.com","groups":["staff"],"left":null}}`)),
		Mapper: mustMap(t, nil, "id", "login.body.user.id", "email", "login.body.user.mail",
			"roles", "login.body.user.groups", "upstream_token", "login.body.token"),
	})
	person, err := signIn(t, l)
	if err != nil {
		t.Fatal(err)
	}
	if person.ID != 42 || person.Email != "Ada.L@example.com" || person.Subject != email || person.Issuer != "" ||
		fmt.Sprint(person.Roles) != "[staff]" || person.Kept.UpstreamToken != "t1" {
		t.Fatalf("got %+v", person)
	}
	fact, _ := person.Kept.Facts["login"].(map[string]any)
	if len(person.Kept.Facts) != 1 || fmt.Sprint(fact) != "map[body:map[token:t1 user:map[groups:[staff] id:42 mail:Ada.L@example.com]] status:200 username:ada@example.com]" {
		t.Fatalf("kept facts are %v", person.Kept.Facts)
	}
	if l.Name() != "legacy" {
		t.Fatalf("its name is %q", l.Name())
	}
}

func TestAnAppThatSaysNoMoreThanYes(t *testing.T) {
	person, err := signIn(t, newLogin(t, app.Config{URL: serve(t, answer(204, ""))}))
	if err != nil || person.Email != email || person.Subject != email || person.ID != 0 || person.Kept == nil {
		t.Fatalf("got %+v, %v", person, err)
	}
}

// What the app's answer means. An app whose refusal were taken for an outage
// would hardly count an attempt; one whose outage were taken for a refusal would
// count one against somebody who typed the right password.
func TestAnswers(t *testing.T) {
	const in, unknown, unclear, trouble, down = "in", "unknown", "unclear", "trouble", "down"
	ok, huge := "has(login.body.ok) && login.body.ok", `"`+strings.Repeat("x", 1<<20)+`"`
	home := `login.status == 302 && login[["location"][0]] == "/home"`
	for _, c := range []struct {
		name, success string
		status        int
		body, want    string
	}{
		{"200 is in", "", 200, `{}`, in},
		{"any 2xx is in", "", 299, ``, in},
		{"401 is a refusal", "", 401, `{}`, unknown},
		{"403 is a refusal", "", 403, `<html>`, unknown},
		{"404 is a refusal", "", 404, ``, unknown},
		{"422 is a refusal", "", 422, `{"errors":{}}`, unknown},
		{"400 is trouble: it may be that the question is wrong", "", 400, `{}`, trouble},
		{"409 is trouble", "", 409, `{}`, trouble},
		{"408 is trouble: the question was sent in one piece", "", 408, `{}`, trouble},
		{"429 is an outage", "", 429, `{}`, down},
		{"500 is an outage", "", 500, `{}`, down},
		{"503 is an outage", "", 503, `{}`, down},
		{"a redirect is trouble", "", 302, ``, trouble},
		{"a permanent redirect is trouble", "", 308, ``, trouble},
		{"a status that is none is trouble", "", 999, ``, trouble},
		{"an answer of more than 1 MiB is trouble", "", 200, huge, trouble},
		{"a refusal may have a page of more than 1 MiB", "", 401, huge, unknown},
		{"400 with such a page is trouble", "", 400, huge, trouble},
		{"400 with such a page is a refusal where success says how a yes looks", "!has(login.body)", 400, huge, unknown},
		{"409 with such a page is no yes", "login.status == 409", 409, huge, trouble},
		{"429 with such a page is an outage", "", 429, huge, down},
		{"500 with such a page is an outage", "", 500, huge, down},

		{"200 where success holds is in", ok, 200, `{"ok":true}`, in},
		{"200 where success does not hold is a refusal", ok, 200, `{"ok":false}`, unknown},
		{"success that cannot be told is a refusal", "login.body.ok", 200, `{"error":"no"}`, unclear},
		{"success that asks a body which is none is a refusal", "login.body.ok", 200, `welcome`, unclear},
		{"success that cannot be told of a redirect is a refusal", "login.body.ok", 302, `/home`, unclear},
		{"401 is a refusal whatever success says", "true", 401, `{}`, unknown},
		{"500 is an outage whatever success says", "true", 500, `{}`, down},
		{"429 is an outage whatever success says", "true", 429, `{}`, down},
		{"409 is in where success says so", "login.status == 409", 409, ``, in},
		{"409 is trouble where success does not hold", "login.status == 200", 409, ``, trouble},
		{"400 is a refusal where success says how a yes looks", "login.status == 200", 400, `{}`, unknown},
		{"302 is in where success says so", "login.status == 302", 302, ``, in},
		{"302 to where success says is in", home, 302, "/home", in},
		{"302 back to the form is a refusal", home, 302, "/login?error=1", unknown},
		{"the form again is a refusal", home, 200, "<html>", unknown},
		{"301 is trouble where success does not hold", home, 301, "/home", trouble},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := app.Config{URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
				if c.status/100 == 3 {
					w.Header().Set("Location", c.body)
				}
				answer(c.status, c.body)(w, r)
			})}
			if c.success != "" {
				config.Success = mustHold(t, c.success)
			}
			_, err := signIn(t, newLogin(t, config))
			got := "free"
			answered, counts := errors.AsType[*login.Answered](err)
			var reported *login.Unclear
			switch {
			case err == nil:
				got = in
			case errors.As(err, &reported) && errors.Is(err, login.ErrUnknown):
				got = unclear
			case errors.Is(err, login.ErrUnknown):
				got = unknown
			case counts && answered.Down:
				got = down
			case counts:
				got = trouble
			case errors.Is(err, login.ErrRefused), errors.Is(err, login.ErrBusy):
				got = "neither"
			}
			if got != c.want {
				t.Fatalf("got %s (%v), want %s", got, err, c.want)
			}
		})
	}
}

// A login form answers a wrong password with 200 and itself.
func TestAWebPageLetsNobodyIn(t *testing.T) {
	for _, media := range []string{"text/html; charset=utf-8", "TEXT/HTML", "application/xhtml+xml"} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", media)
			answer(200, "<form>")(w, r)
		})
		_, err := signIn(t, newLogin(t, app.Config{URL: url}))
		if err == nil || errors.Is(err, login.ErrUnknown) || !strings.Contains(err.Error(), "login form") {
			t.Fatalf("%s: got %v, want trouble", media, err)
		}
		if _, err := signIn(t, newLogin(t, app.Config{URL: url, Success: mustHold(t, "!has(login.body)")})); err != nil {
			t.Fatalf("%s, where success says so: %v", media, err)
		}
	}
}

func TestMappingTrouble(t *testing.T) {
	t.Run("a mapping that finds no body says that the answer is not JSON", func(t *testing.T) {
		_, err := signIn(t, newLogin(t, app.Config{URL: serve(t, answer(200, "welcome")), Mapper: mustMap(t, nil, "name", "login.body.name")}))
		if err == nil || errors.Is(err, login.ErrUnknown) || !strings.Contains(err.Error(), "has no JSON") || !strings.Contains(err.Error(), "login legacy: ") {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("a mapping that misses a key in JSON does not say so", func(t *testing.T) {
		_, err := signIn(t, newLogin(t, app.Config{URL: serve(t, answer(200, `{"nick":"x"}`)), Mapper: mustMap(t, nil, "name", "login.body.name")}))
		if err == nil || errors.Is(err, login.ErrUnknown) || strings.Contains(err.Error(), "has no JSON") {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("a demand that does not hold is a refusal with its message", func(t *testing.T) {
		demands := []mapping.Demand{{Expr: "login.body.active", Message: "Ask your administrator."}}
		_, err := signIn(t, newLogin(t, app.Config{URL: serve(t, answer(200, `{"active":false}`)), Mapper: mustMap(t, demands)}))
		if refused, ok := errors.AsType[*profile.Refused](err); !ok || refused.Message != "Ask your administrator." {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("a nil mapping maps nothing", func(t *testing.T) {
		person, err := signIn(t, newLogin(t, app.Config{URL: serve(t, answer(200, `{"name":"x"}`)), Mapper: (*mapping.Mapping)(nil)}))
		if err != nil || person.Name != "" {
			t.Fatalf("got %+v, %v", person, err)
		}
	})
}

func TestWhatNobodysCredentialsAreIsNotAsked(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the app was asked") })
	for _, c := range []struct {
		name, email, password string
		want                  error
	}{
		{"no password, which some back ends let in", email, "", login.ErrRefused},
		{"a password without end", email, strings.Repeat("x", login.MaxPassword+1), login.ErrRefused},
		{"an address without end", strings.Repeat("x", profile.MaxEmail+1), "x", login.ErrRefused},
		{"a password that JSON would change", email, "pass\xffword", login.ErrUnknown},
		{"a name where nothing makes an address of it", "ada", "x", login.ErrUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := newLogin(t, app.Config{URL: url}).SignIn(t.Context(), login.Typed{Name: c.email, Password: c.password}); !errors.Is(err, c.want) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestTheCertificateIsVerified(t *testing.T) {
	server := httptest.NewUnstartedServer(answer(200, `{}`))
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	t.Cleanup(server.Close)
	if _, err := signIn(t, newLogin(t, app.Config{URL: server.URL})); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Fatalf("got %v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	if _, err := signIn(t, newLogin(t, app.Config{URL: server.URL, RootCAs: roots})); err != nil {
		t.Fatal(err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestATransportOfTheCallersOwn(t *testing.T) {
	l := newLogin(t, app.Config{URL: "http://legacy.example.com/login", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		var sent map[string]string
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil || sent["password"] != canary || r.URL.Host != "legacy.example.com" {
			t.Errorf("got %v, %v at %s", sent, err, r.URL)
		}
		return httptest.NewRecorder().Result(), nil
	})})
	l.Close()
	if _, err := signIn(t, l); err != nil {
		t.Fatal(err)
	}
}
