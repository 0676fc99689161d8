package directory_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/directory"
	"example.com/sidegate/caddymodule/profile/mapping"
)

// secret is in every configuration of these tests, and in no error.
const secret = "hunter2hunter2"

func ada() *profile.Person {
	return &profile.Person{ID: 7, Email: "Ada@Example.com", Subject: "auth|7", Name: "Ada Lovelace"}
}

// newDirectory makes a directory that waits for nothing between attempts.
func newDirectory(t *testing.T, c directory.Config) *directory.Directory {
	t.Helper()
	if c.Name == "" {
		c.Name = "crm"
	}
	if c.Timeout == 0 {
		c.Timeout = time.Minute // for slow machines; who tests time-outs says so
	}
	if c.BasicUser == "" && c.Headers == nil {
		c.Headers = http.Header{"X-Api-Key": {secret}}
	}
	d, err := directory.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	d.SetWait(func(ctx context.Context, _ time.Duration) error { return ctx.Err() })
	return d
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// consult asks one directory about Ada.
func consult(t *testing.T, d *directory.Directory) (any, error) {
	t.Helper()
	facts, err := directory.Consult(t.Context(), []*directory.Directory{d}, ada(), nil)
	if err != nil {
		checkDiscreet(t, err)
		return nil, err
	}
	answers, _ := facts["directory"].(map[string]any)
	return answers[d.Name()], nil
}

// checkDiscreet sees to it that an error names the directory and shows neither
// a secret nor who was asked about.
func checkDiscreet(t *testing.T, err error) {
	t.Helper()
	text := strings.ToLower(err.Error())
	for _, private := range []string{secret, "ada", "auth|7", "lovelace", "grace", "https://", "http://"} {
		if strings.Contains(text, private) {
			t.Errorf("the error shows %q: %v", private, err)
		}
	}
	if !strings.Contains(text, "directory") {
		t.Errorf("the error does not say that it is a directory's: %v", err)
	}
}

// What an answer means for a directory that is required, and for one that is
// optional.
func TestAnswers(t *testing.T) {
	const (
		refused = "refused" // a definite no
		trouble = "trouble"
		other   = "other" // about another person
		empty   = "{}"
	)
	for _, c := range []struct {
		name               string
		status             int
		body               string
		required, optional string
	}{
		{"an object is the answer", 200, `{"email":"ada@example.com","n":1}`, "map[email:ada@example.com n:1]", "same"},
		{"an empty object is an answer", 200, `{}`, "map[]", "same"},
		{"any success will do", 203, `{"n":1}`, "map[n:1]", "same"},
		{"a list of one object is that object", 200, `[{"n":1}]`, "map[n:1]", "same"},
		{"an empty list is nobody", 200, ` [ ] `, refused, empty},
		{"not found is nobody", 404, `{"email":"grace@example.com"}`, refused, empty},
		{"gone is nobody", 410, ``, refused, empty},
		{"a list of several is trouble", 200, `[{"n":1},{"n":2}]`, trouble, empty},
		{"a list of one and nothing is trouble", 200, `[{"n":1},null]`, trouble, empty},
		{"a list of nothing is not nobody", 200, `[null]`, trouble, empty},
		{"a list of a text is trouble", 200, `["ada"]`, trouble, empty},
		{"a list of a list is trouble", 200, `[[{"n":1}]]`, trouble, empty},
		{"a text is trouble", 200, `"ada"`, trouble, empty},
		{"null is trouble", 200, `null`, trouble, empty},
		{"nothing is trouble", 204, ``, trouble, empty},
		{"a web page is trouble", 200, `<html>Ada`, trouble, empty},
		{"an object with a bracket behind it is trouble", 200, `{"n":1}]`, trouble, empty},
		{"a number beyond any is trouble", 200, `{"n":1e999}`, trouble, empty},
		{"nested without end is trouble", 200, strings.Repeat("[", 40) + strings.Repeat("]", 40), trouble, empty},
		{"half an object is trouble", 200, `{"n":`, trouble, empty},
		{"more than 1 MiB is trouble", 200, `{"n":"` + strings.Repeat("x", 1<<20) + `"}`, trouble, empty},
		{"a redirect is trouble", 302, `{"n":1}`, trouble, empty},
		{"unauthorised is trouble, for it is about the gateway", 401, `{}`, trouble, empty},
		{"forbidden is trouble", 403, `{}`, trouble, empty},
		{"a wrong question is trouble", 400, `{}`, trouble, empty},
		{"a failure is trouble", 500, `{}`, trouble, empty},
		{"being down is trouble", 503, `{}`, trouble, empty},
		{"too many questions are trouble", 429, `{}`, trouble, empty},
		{"another email is refused", 200, `{"email":"grace@example.com","roles":["admin"]}`, other, other},
		{"another email in a list is refused", 200, `[{"email":"grace@example.com"}]`, other, other},
		{"an email that is none is refused", 200, `{"email":"everybody"}`, other, other},
		{"another sub is refused", 200, `{"sub":"auth|8"}`, other, other},
		{"another subject is refused", 200, `{"subject":"auth|8"}`, other, other},
		{"a subject in other letters is refused", 200, `{"subject":"AUTH|7"}`, other, other},
		{"the right email beside another subject is refused", 200, `{"email":"ada@example.com","sub":"auth|8"}`, other, other},
		{"the same email in another spelling is fine", 200, `{"email":" ADA@example.com "}`, "map[email: ADA@example.com ]", "same"},
		{"the same subject is fine", 200, `{"sub":"auth|7","subject":"auth|7"}`, "map[sub:auth|7 subject:auth|7]", "same"},
		{"an email further down says nothing", 200, `{"boss":{"email":"grace@example.com"}}`, "map[boss:map[email:grace@example.com]]", "same"},
		{"a sub that is no text says nothing", 200, `{"sub":8,"email":null,"subject":""}`, "map[sub:8 subject:]", "same"},
	} {
		for _, optional := range []bool{false, true} {
			want, kind := c.required, "required"
			if optional && c.optional != "same" {
				want, kind = c.optional, "optional"
			}
			t.Run(c.name+", "+kind, func(t *testing.T) {
				var reports int
				d := newDirectory(t, directory.Config{
					URL:      serve(t, answer(c.status, c.body)) + "/?e={identity.email}",
					Optional: optional,
					Report: func(name string, err error) {
						reports++
						if name != "crm" {
							t.Errorf("reported of %q", name)
						}
						checkDiscreet(t, err)
					},
				})
				got, err := consult(t, d)
				_, definite := errors.AsType[*profile.Refused](err)
				switch want {
				case refused:
					if !definite {
						t.Fatalf("got %v, %v; want a refusal", got, err)
					}
				case other:
					if !errors.Is(err, directory.ErrOtherPerson) || definite {
						t.Fatalf("got %v, %v; want ErrOtherPerson", got, err)
					}
				case trouble:
					if err == nil || definite || errors.Is(err, directory.ErrOtherPerson) {
						t.Fatalf("got %v, %v; want trouble", got, err)
					}
				case empty:
					if err != nil || !reflect.DeepEqual(got, map[string]any{}) {
						t.Fatalf("got %v, %v; want an empty answer", got, err)
					}
				default:
					if err != nil || fmt.Sprint(got) != want {
						t.Fatalf("got %v, %v; want %s", got, err, want)
					}
				}
				if wantReport := optional && c.required == trouble; wantReport != (reports == 1) || reports > 1 {
					t.Fatalf("reported %d times", reports)
				}
			})
		}
	}
}

func TestSomebodyKnownByAnAddressIsSoInAnySpelling(t *testing.T) {
	for _, subject := range []string{"", "ada@example.com"} {
		p := &profile.Person{Email: "Ada@Example.com", Subject: subject}
		d := newDirectory(t, directory.Config{URL: serve(t, answer(200, `{"sub":"ADA@example.com"}`))})
		if _, err := directory.Consult(t.Context(), []*directory.Directory{d}, p, nil); err != nil {
			t.Fatalf("subject %q: %v", subject, err)
		}
	}
}

func TestTheQuestion(t *testing.T) {
	var got *http.Request
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		_, _ = io.WriteString(w, `{}`)
	})
	t.Run("it is a GET with what the configuration says", func(t *testing.T) {
		headers := http.Header{"X-Api-Key": {secret}, "Host": {"people.example.com"}}
		d := newDirectory(t, directory.Config{
			URL: url + "/v1/{identity.id}/{identity.subject}?e={identity.email}&n={identity.name}", Headers: headers,
		})
		headers.Set("X-Api-Key", "changed")
		if _, err := consult(t, d); err != nil {
			t.Fatal(err)
		}
		if got.Method != http.MethodGet || got.Host != "people.example.com" || got.ContentLength != 0 ||
			got.RequestURI != "/v1/7/auth%7C7?e=ada%40example.com&n=Ada%20Lovelace" {
			t.Fatalf("%s %s of %s", got.Method, got.RequestURI, got.Host)
		}
		if got.Header.Get("Accept") != "application/json" || got.Header.Get("X-Api-Key") != secret || got.Header.Get("Authorization") != "" {
			t.Fatalf("headers are %v", got.Header)
		}
	})
	t.Run("basic credentials go with it", func(t *testing.T) {
		if _, err := consult(t, newDirectory(t, directory.Config{URL: url, BasicUser: "gateway", BasicPassword: secret})); err != nil {
			t.Fatal(err)
		}
		if user, password, ok := got.BasicAuth(); !ok || user != "gateway" || password != secret {
			t.Fatalf("got %q %q", user, password)
		}
	})
}

func TestWhatIsNotKnownIsNotAskedFor(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the directory was asked") })
	for _, c := range []struct {
		name, path string
		person     profile.Person
	}{
		{"a person without an id", "/{identity.id}", profile.Person{Email: "ada@example.com"}},
		{"a person without a name", "/?n={identity.name}", profile.Person{Email: "ada@example.com"}},
		{"a person whose address is none", "/?e={identity.email}", profile.Person{Email: "ada"}},
		{"a person whose name is a way out", "/people/{identity.name}", profile.Person{Email: "ada@example.com", Name: "../admin"}},
		{"a person whose subject has a line break", "/?s={identity.subject}", profile.Person{Email: "ada@example.com", Subject: "a\r\nX: y"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			required := newDirectory(t, directory.Config{URL: url + c.path})
			_, err := directory.Consult(t.Context(), []*directory.Directory{required}, &c.person, nil)
			if _, definite := errors.AsType[*profile.Refused](err); err == nil || definite {
				t.Fatalf("got %v, want trouble", err)
			}
			checkDiscreet(t, err)
			reported := false
			optional := newDirectory(t, directory.Config{URL: url + c.path, Optional: true, Report: func(string, error) { reported = true }})
			if _, err := directory.Consult(t.Context(), []*directory.Directory{optional}, &c.person, nil); err != nil || !reported {
				t.Fatalf("got %v, reported: %v", err, reported)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	const fine = "http://127.0.0.1/"
	for _, c := range []struct {
		name   string
		config directory.Config
		want   string
	}{
		{"no name", directory.Config{URL: fine}, "has no name"},
		{"no URL", directory.Config{Name: "crm"}, "URL is not of the form"},
		{"a URL with credentials", directory.Config{Name: "crm", URL: "http://a:" + secret + "@127.0.0.1/"}, "credentials"},
		{
			"a placeholder that there is not", directory.Config{Name: "crm", URL: fine + "?key=" + secret + "&e={identity.mail}"},
			"known are {identity.email}, {identity.id}, {identity.subject}, {identity.name}",
		},
		{"a placeholder in the host", directory.Config{Name: "crm", URL: "http://{identity.name}/"}, "scheme or host"},
		{"a header that cannot be sent", directory.Config{Name: "crm", URL: fine, Headers: http.Header{"X-Key": {secret + "\n"}}}, "line break"},
		{"two credentials", directory.Config{Name: "crm", URL: fine, BasicUser: "a", BasicPassword: secret, Headers: http.Header{"Authorization": {secret}}}, "keep one"},
		{"two credentials, however they are written", directory.Config{Name: "crm", URL: fine, BasicPassword: secret, Headers: http.Header{"authorization": {secret}}}, "keep one"},
		{"a user with a colon", directory.Config{Name: "crm", URL: fine, BasicUser: "a:" + secret}, "RFC 7617"},
		{"retries without end", directory.Config{Name: "crm", URL: fine, Retries: 1000}, "10 at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := directory.New(c.config)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "directory") || strings.Contains(err.Error(), secret) {
				t.Fatalf("got %v, want an error that says %q", err, c.want)
			}
		})
	}
}

func TestTheCertificateIsVerified(t *testing.T) {
	server := httptest.NewUnstartedServer(answer(200, `{"n":1}`))
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	t.Cleanup(server.Close)
	if _, err := consult(t, newDirectory(t, directory.Config{URL: server.URL, Retries: -1})); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Fatalf("got %v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	if got, err := consult(t, newDirectory(t, directory.Config{URL: server.URL, RootCAs: roots})); err != nil || fmt.Sprint(got) != "map[n:1]" {
		t.Fatalf("got %v, %v", got, err)
	}
}

func TestRedirectsLeadNowhere(t *testing.T) {
	var strayed atomic.Int32
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { strayed.Add(1) })
	d := newDirectory(t, directory.Config{URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere+"/?key="+secret, http.StatusTemporaryRedirect)
	})})
	if _, err := consult(t, d); err == nil || !strings.Contains(err.Error(), "redirects are not followed") {
		t.Fatalf("got %v", err)
	}
	if strayed.Load() != 0 {
		t.Fatal("the redirect was followed")
	}
}

// mustMap compiles one rule, and demands.
func mustMap(t *testing.T, field, expr string, demands ...mapping.Demand) *mapping.Mapping {
	t.Helper()
	var rules []mapping.Rule
	if field != "" {
		rules = []mapping.Rule{{Field: field, Expr: expr}}
	}
	m, err := mapping.Compile(rules, demands, []string{"directory", "login"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
