package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/caddymodule/web/webtest"
)

type document struct {
	OpenAPI string `yaml:"openapi"`
	Servers []struct {
		URL       string                              `yaml:"url"`
		Variables map[string]struct{ Default string } `yaml:"variables"`
	} `yaml:"servers"`
	Paths      map[string]map[string]yaml.Node `yaml:"paths"`
	Components struct {
		Schemas         map[string]any            `yaml:"schemas"`
		SecuritySchemes map[string]map[string]any `yaml:"securitySchemes"`
	} `yaml:"components"`
}

func read(t *testing.T, basePath string) (d document) {
	t.Helper()
	if err := yaml.Unmarshal(web.Swagger(basePath, ""), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheDocumentIsValidOpenAPI31(t *testing.T) {
	if _, err := webtest.New("/auth"); err != nil {
		t.Error(err)
	}
	if d := read(t, "/auth"); !strings.HasPrefix(d.OpenAPI, "3.1.") {
		t.Errorf("version is %s", d.OpenAPI)
	}
}

func TestTheDocumentHasExactlyTheseRoutesAndStatuses(t *testing.T) {
	// Beside these, every route may answer 404 and 405.
	want := map[string]string{
		"get /session":                    "200 304 400 401 403 500 503",
		"head /session":                   "200 304 400 401 403 500 503",
		"get /events":                     "200 400 401 403 429 503",
		"head /events":                    "200 400 401 403 429 503",
		"get /session/swagger.yaml":       "200",
		"put /session/primary-account":    "200 400 401 403 408 413 415 425 503",
		"get /login":                      "200 303 503",
		"get /login/{name}":               "200 303 503",
		"get /callback/{name}":            "200 303 400 401 403 425 503",
		"post /callback/{name}":           "200 303 400 401 403 408 413 425 503",
		"post /backchannel-logout/{name}": "200 400 403 408 413 425 503",
		"post /login":                     "200 303 400 401 403 408 413 415 425 429 503",
		"get /logout":                     "200 303",
		"post /logout":                    "200 204 303 400 401 403 408 413 425 503",
		"post /start-over":                "200 204 303 400 401 403 408 413 425 503",
		"post /refresh":                   "200 400 401 403 408 413 425 502 503",
		"get /account":                    "200 303 400 401 403 503",
		"post /account":                   "303 400 401 403 408 413 415 425 502 503",
		"get /sessions":                   "200 303 400 401 403 503",
		"post /sessions":                  "303 400 401 403 408 413 415 425 503",
		"post /sessions/{id}":             "303 400 401 403 408 413 415 425 503",
		"delete /sessions":                "204 400 401 403 408 413 425 503",
		"delete /sessions/{id}":           "204 400 401 403 408 413 425 503",
		"get /why":                        "200 400 403 503",
		"get /verify":                     "204 303 400 401 403 425 500 503",
		"get /verify/{policy}":            "204 303 400 401 403 425 500 503",
		"get /verify/{policy}/{path}":     "200 303 400 401 403 425 500 503",
		"get /client.js":                  "200 304",
		"get /client.d.ts":                "200 304",
		"get /react.js":                   "200 304",
		"get /react.d.ts":                 "200 304",
		"get /docs":                       "200",
		"get /docs.js":                    "200 304",
		"get /.well-known/jwks.json":      "200",
	}
	got := map[string]string{}
	for path, item := range read(t, "/auth").Paths {
		for method, node := range item {
			if method == "parameters" || strings.HasPrefix(method, "x-") {
				continue
			}
			var op struct{ Responses map[string]yaml.Node }
			if err := node.Decode(&op); err != nil {
				t.Fatal(err)
			}
			for _, always := range []string{"404", "405"} {
				if _, ok := op.Responses[always]; !ok {
					t.Errorf("%s %s does not document %s", method, path, always)
				}
				delete(op.Responses, always)
			}
			got[method+" "+path] = strings.Join(slices.Sorted(maps.Keys(op.Responses)), " ")
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("routes are\n%v\nwant\n%v", got, want)
	}
}

// Front-end code was generated from these two schemas: they may not change.
const promised = `
UserSession:
  type: object
  required: [id, email, token]
  properties:
    id: {type: integer, description: User ID}
    email: {type: string, format: email, description: User's email address}
    createdBy: {type: string, description: Email of the user who created this user}
    updatedBy: {type: string, description: Email of the user who last updated this user}
    createdAt: {type: string, format: date-time, description: Creation timestamp}
    updatedAt: {type: string, format: date-time, description: Last update timestamp}
    primaryAccount:
      type: object
      properties:
        accountId: {type: string}
        accountName: {type: string}
        usersPrimaryAccount: {type: boolean}
        accountAdmin: {type: boolean}
    accounts:
      type: array
      description: List of accounts the user has access to
      items:
        type: object
        properties:
          accountId: {type: string}
          accountName: {type: string}
          usersPrimaryAccount: {type: boolean}
          accountAdmin: {type: boolean}
    flatRolesList: {type: array, description: List of user roles, items: {type: string}}
    flatPermissionsList: {type: array, description: List of user permissions, items: {type: string}}
    token: {type: string, description: JWT session token for authentication}
Error:
  type: object
  description: Error response object
  required: [error]
  properties:
    error: {type: string, description: Error message}
    status: {type: integer, description: HTTP status code}
    message: {type: string, description: Detailed error message}
`

func TestTheSchemasThatClientsWereGeneratedFromAreAsPromised(t *testing.T) {
	var want map[string]any
	if err := yaml.Unmarshal([]byte(promised), &want); err != nil {
		t.Fatal(err)
	}
	got := read(t, "/auth").Components.Schemas
	for name := range want {
		if !reflect.DeepEqual(got[name], want[name]) {
			t.Errorf("%s is\n%v\nwant\n%v", name, got[name], want[name])
		}
	}
}

func TestTheDocumentSaysWhereItWasAskedFor(t *testing.T) {
	for name, c := range map[string]struct{ origin, want string }{
		"in the file that is the demo":    {"", "http://localhost:8080/auth"},
		"a site":                          {"https://app.example.com", "https://app.example.com/auth"},
		"a host with a port":              {"http://[::1]:9080", "http://[::1]:9080/auth"},
		"a host that would be more of it": {"http://a\"\npaths: {}", "http://a\"\npaths: {}/auth"},
	} {
		t.Run(name, func(t *testing.T) {
			var d document
			if err := yaml.Unmarshal(web.Swagger("/auth", c.origin), &d); err != nil {
				t.Fatal(err)
			}
			got := d.Servers[0].URL
			for name, variable := range d.Servers[0].Variables {
				got = strings.ReplaceAll(got, "{"+name+"}", variable.Default)
			}
			if got != c.want || len(d.Paths) != len(read(t, "/auth").Paths) {
				t.Errorf("requests go to %q, of %d routes", got, len(d.Paths))
			}
		})
	}
}

// A sample that is not what is answered teaches something wrong. Samples of errors have
// the status that they are answered with.
func TestEveryAnswerOfTheDocumentHasASampleThatFits(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(web.Swagger("/auth", ""))
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if body := op.RequestBody; body != nil {
				fits(t, method+" "+path, body.Value.Content, "")
			}
			for status, answer := range op.Responses.Map() {
				fits(t, method+" "+path+" "+status, answer.Value.Content, status)
				for name, header := range answer.Value.Headers {
					if header.Value.Example == nil {
						t.Errorf("%s %s: there is no sample of the header %s", method, path, name)
					}
				}
			}
		}
	}
}

func fits(t *testing.T, of string, content openapi3.Content, status string) {
	t.Helper()
	for media, c := range content {
		samples := []any{c.Example}
		for _, e := range c.Examples {
			samples = append(samples, e.Value.Value)
		}
		if samples = slices.DeleteFunc(samples, func(v any) bool { return v == nil }); len(samples) == 0 {
			t.Errorf("%s: there is no sample in %s", of, media)
		}
		for _, sample := range samples {
			if err := c.Schema.Value.VisitJSON(sample, openapi3.EnableJSONSchema2020()); err != nil {
				t.Errorf("%s: the sample in %s: %v", of, media, err)
			}
			fields, _ := sample.(map[string]any)
			if said, ok := fields["status"]; ok && fmt.Sprint(said) != status {
				t.Errorf("%s: the sample says %v", of, said)
			}
		}
	}
}

func TestTheDocumentSaysHowToPresentASession(t *testing.T) {
	got := read(t, "/auth").Components.SecuritySchemes
	if s := got["bearerAuth"]; s["type"] != "http" || s["scheme"] != "bearer" || s["bearerFormat"] != "JWT" {
		t.Errorf("bearerAuth is %v", s)
	}
	if s := got["cookieAuth"]; s["type"] != "apiKey" || s["in"] != "cookie" || s["name"] != "__Host-Http-sidegate" {
		t.Errorf("cookieAuth is %v", s)
	}
}

func TestTheDocumentIsTheSameUnderEveryBasePathButForThatPath(t *testing.T) {
	byDefault, other := string(web.Swagger("/auth", "")), string(web.Swagger("/-/gate", ""))
	if want := strings.Replace(byDefault, `default: "/auth"`, `default: "/-/gate"`, 1); other != want || other == byDefault {
		t.Error("more or less than the default base path differs")
	}
}

// FuzzNoBasePathBreaksTheDocument gives the document any base path: it reads
// back as it is, and nothing is added.
func FuzzNoBasePathBreaksTheDocument(f *testing.F) {
	for _, seed := range []string{"/auth", "", "/a b", `/"`, "/x\"\npaths: {}", "/ä", "/\u2028", "/\x7f", "\x00", `\`, "#", "{basePath}", "/😀"} {
		f.Add(seed)
	}
	routes := len(webPaths(f))
	f.Fuzz(func(t *testing.T, basePath string) {
		if !utf8.ValidString(basePath) {
			return // no YAML can hold it
		}
		d := read(t, basePath)
		if got := d.Servers[0].Variables["basePath"].Default; got != basePath {
			t.Errorf("base path %q became %q", basePath, got)
		}
		if len(d.Paths) != routes {
			t.Errorf("%d routes, want %d", len(d.Paths), routes)
		}
	})
}

func webPaths(f *testing.F) map[string]map[string]yaml.Node {
	f.Helper()
	var d document
	if err := yaml.Unmarshal(web.Swagger("/auth", ""), &d); err != nil {
		f.Fatal(err)
	}
	return d.Paths
}

func TestThePagesAreAsDocumented(t *testing.T) {
	for name, c := range map[string]struct {
		method, path string
		write        func(http.ResponseWriter)
	}{
		"the login page":   {"GET", "/auth/login", func(w http.ResponseWriter) { web.Login{Base: "/auth", Password: true}.Write(w, web.View{}, 200) }},
		"a wrong password": {"POST", "/auth/login", func(w http.ResponseWriter) { web.Login{Base: "/auth", Failure: web.Wrong}.Write(w, web.View{}, 401) }},
		"too many attempts": {"POST", "/auth/login", func(w http.ResponseWriter) {
			web.Login{Base: "/auth", Failure: web.Throttled, RetryAfter: time.Minute}.Write(w, web.View{}, 429)
		}},
		"a form to post once more": {"POST", "/auth/callback/keycloak", func(w http.ResponseWriter) { web.PostBack{Action: "/auth/callback/keycloak"}.Write(w, web.View{}) }},
		"an attempt that is over":  {"GET", "/auth/callback/keycloak", failed(web.Expired, 400)},
		"a forged answer":          {"GET", "/auth/callback/keycloak", failed(web.Forged, 400)},
		"a code that is spent":     {"GET", "/auth/callback/keycloak", failed(web.Spent, 400)},
		"a sign-out there": {"POST", "/auth/logout", func(w http.ResponseWriter) {
			web.SignOutThere{Action: "https://sso.example.com/end"}.Write(w, web.View{})
		}},
		"a provider that says no": {"GET", "/auth/callback/keycloak", failed(web.Denied, 401)},
		"clocks that disagree":    {"GET", "/auth/callback/keycloak", failed(web.Clock, 401)},
		"an answer for another":   {"GET", "/auth/callback/keycloak", failed(web.Misconfigured, 401)},
		"an unfinished attempt":   {"GET", "/auth/callback/keycloak", failed(web.Unfinished, 401)},
		"an unverified address":   {"GET", "/auth/callback/keycloak", failed(web.Unverified, 403)},
		"no address at all":       {"GET", "/auth/callback/keycloak", failed(web.NoEmail, 403)},
		"a person refused":        {"GET", "/auth/callback/keycloak", failed(web.Refused, 403)},
		"a person who is half":    {"GET", "/auth/callback/keycloak", failed(web.Incomplete, 403)},
		"a provider that is down": {"GET", "/auth/callback/keycloak", failed(web.Unavailable, 503)},
		"none to go to":           {"GET", "/auth/login/keycloak", failed(web.Unavailable, 503)},
		"an unknown provider":     {"GET", "/auth/login/nobody", func(w http.ResponseWriter) { web.Problem{Status: 404}.Write(w, web.View{}) }},
		"a store that is down":    {"POST", "/auth/logout", func(w http.ResponseWriter) { web.Problem{Status: 503, RetryAfter: time.Second}.Write(w, web.View{}) }},
		"an unreadable session": {"GET", "/auth/login", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "60")
			web.Unreadable{Base: "/auth"}.Write(w, web.View{})
		}},
		"after starting over": {"POST", "/auth/start-over", func(w http.ResponseWriter) { web.StartedOver{To: "/auth/login"}.Write(w, web.View{}) }},
		"the sign-out page":   {"GET", "/auth/logout", func(w http.ResponseWriter) { web.Logout{Base: "/auth"}.Write(w, web.View{}, 200) }},
		"an unknown route":    {"GET", "/auth/nothing", func(w http.ResponseWriter) { web.Problem{Status: 404}.Write(w, web.View{}) }},
		"the document itself": {"GET", "/auth/session/swagger.yaml", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/yaml")
			_, _ = w.Write(web.Swagger("/auth", ""))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := record(c.write)
			webtest.Check(t, httptest.NewRequest(c.method, c.path, nil), w.Result(), w.Body.Bytes())
		})
	}
}

// failed is the login page as a provider's route answers with it.
func failed(f web.Failure, status int) func(http.ResponseWriter) {
	page := web.Login{Base: "/auth", Providers: twoProviders, Failure: f}
	if status == http.StatusServiceUnavailable {
		page.RetryAfter = time.Second
	}
	return func(w http.ResponseWriter) { page.Write(w, web.View{}, status) }
}

func ExampleSwagger() {
	for line := range strings.Lines(string(web.Swagger("/-/gate", "https://app.example.com"))) {
		if strings.Contains(line, "default:") {
			fmt.Println(strings.TrimSpace(line))
		}
	}
	// Output:
	// default: "https://app.example.com"
	// default: "/-/gate"
}
