package docs_test

import (
	"html"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/docs"
	"example.com/sidegate/caddymodule/web"
)

func routes(base string) map[string]web.DocsRoute {
	all := make(map[string]web.DocsRoute)
	for _, group := range docs.Read(base).Groups {
		for _, r := range group.Routes {
			all[r.Method+" "+r.Path] = r
		}
	}
	return all
}

// Each operation of the document is on the page, with every status that it has, and a
// sample of each.
func TestAllOfTheDocumentIsRead(t *testing.T) {
	var document struct {
		Paths map[string]map[string]yaml.Node
	}
	if err := yaml.Unmarshal(web.Swagger("/auth", ""), &document); err != nil {
		t.Fatal(err)
	}
	all := routes("/auth")
	seen := 0
	for path, item := range document.Paths {
		for method, node := range item {
			if method == "parameters" || strings.HasPrefix(method, "x-") {
				continue
			}
			seen++
			var op struct {
				OperationID string `yaml:"operationId"`
				Responses   map[string]yaml.Node
			}
			if err := node.Decode(&op); err != nil {
				t.Fatal(err)
			}
			r, ok := all[strings.ToUpper(method)+" "+path]
			if !ok || r.ID != op.OperationID || len(r.Answers) != len(op.Responses) || r.Summary == "" || r.Text == "" {
				t.Errorf("%s %s is read as %q, with %d answers of %d", method, path, r.ID, len(r.Answers), len(op.Responses))
			}
			checkRoute(t, r)
		}
	}
	if len(all) != seen {
		t.Errorf("%d routes of %d", len(all), seen)
	}
}

func checkRoute(t *testing.T, r web.DocsRoute) {
	t.Helper()
	for _, a := range r.Answers {
		if len(a.Samples) == 0 || a.Text == "" || a.Reason == a.Status || !strings.HasPrefix(a.Samples[0].Text, a.Status+" ") {
			t.Errorf("%s: %s %s %q has %d samples", r.ID, a.Status, a.Reason, a.Text, len(a.Samples))
		}
	}
	byForm := r.ID == "postSessions" || r.ID == "postSession" // whose forms have no fields
	for _, sample := range slices.Concat(r.YAML, r.TypeScript, r.Bodies) {
		if empty := byForm && sample.Name == "application/x-www-form-urlencoded"; (strings.TrimSpace(sample.Text) == "") != empty {
			t.Errorf("%s: there is nothing of %s", r.ID, sample.Name)
		}
	}
	for _, sample := range r.YAML {
		if err := yaml.Unmarshal([]byte(sample.Text), new(any)); err != nil || strings.Contains(sample.Text, ": *") {
			t.Errorf("%s: the YAML of %s cannot be read by itself: %v", r.ID, sample.Name, err)
		}
	}
	for i, sample := range r.TypeScript {
		begins := strings.TrimPrefix(sample.Name, "#/components/schemas/") + " "
		if i == 0 {
			begins = r.ID + ": {"
		}
		if !strings.Contains(sample.Text, begins) || strings.Count(sample.Text, "{") != strings.Count(sample.Text, "}") {
			t.Errorf("%s: the types of %s are\n%s", r.ID, sample.Name, sample.Text)
		}
	}
	// What ends a session is asked about first, whoever adds it.
	ends := r.Method == "DELETE" || r.ID == "postLogin" || r.ID == "postLogout" || r.ID == "postStartOver" || byForm
	if ends != (r.Confirm != "") {
		t.Errorf("%s asks %q", r.ID, r.Confirm)
	}
}

func TestWhatIsSaidOfARoute(t *testing.T) {
	all := routes("/-/gate")
	for name, c := range map[string]struct{ got, want string }{
		"a session is needed": {auth(all["GET /session"]), "required"},
		"or may be there":     {auth(all["POST /logout"]), "optional"},
		"or is not looked at": {auth(all["GET /login"]), "open"},
		"the headers of a request, the credentials first": {names(all["GET /session"].Headers), "Authorization Cookie X-Account-Id If-None-Match"},
		"what is in its path, filled in":                  {all["DELETE /sessions/{id}"].Parameters[0].Value, "0pLrkGO5bV8mCB3a"},
		"the headers of answers, by their statuses":       {told(all["GET /session"], "ETag"), "200, 304"},
		"a body as JSON":           {all["PUT /session/primary-account"].Bodies[0].Text, "{\n  \"accountId\": \"globex\"\n}"},
		"a body as a form":         {all["POST /login"].Bodies[1].Text, "email=ada%40example.com&password=sidegate-demo&return_to=%2Forders"},
		"an answer without a body": {all["HEAD /session"].Answers[0].Samples[0].Text[:7], "200 OK\n"},
		"an answer in JSON, in the document's order": {sample(all["PUT /session/primary-account"], "401"),
			"401 Unauthorized\nWWW-Authenticate: Bearer\nCache-Control: private, no-store\nSet-Cookie: __Host-Http-sidegate=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax\n" +
				"Content-Type: application/json\n\n{\n  \"error\": \"unauthorized\",\n  \"status\": 401,\n  \"message\": \"Sign in first.\"\n}"},
		"an address below the configured base path": {sample(all["GET /verify"], "303"),
			"303 See Other\nLocation: /orders\nCache-Control: private, no-store\nX-Login-Url: /-/gate/login?return_to=%2Forders\nSet-Cookie: __Host-Http-sidegate=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"a type of its own": {all["GET /session"].TypeScript[2].Text,
			"/** @description An answer other than success. Its `error` is one of the codes, by which programs decide. */\nexport type Refusal = Error & {\n    error: ErrorCode;\n};"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("it is\n%s\nwant\n%s", c.got, c.want)
			}
		})
	}
}

func auth(r web.DocsRoute) string {
	return map[web.DocsAuth]string{web.DocsOpen: "open", web.DocsOptional: "optional", web.DocsRequired: "required"}[r.Auth]
}

func names(fields []web.DocsField) string {
	var all []string
	for _, f := range fields {
		all = append(all, f.Name)
	}
	return strings.Join(all, " ")
}

func told(r web.DocsRoute, header string) string {
	i := slices.IndexFunc(r.Told, func(f web.DocsField) bool { return f.Name == header })
	return r.Told[i].In
}

func sample(r web.DocsRoute, status string) string {
	i := slices.IndexFunc(r.Answers, func(a web.DocsAnswer) bool { return a.Status == status })
	return r.Answers[i].Samples[0].Text
}

// No address of another host stands in the page, and nothing is loaded but its script;
// the name space of a picture is no address that anybody asks.
func TestNoAddressOfAnotherHostStandsInThePage(t *testing.T) {
	w := httptest.NewRecorder()
	docs.Read("/auth").Page(nil)(w, nil)
	page := strings.ReplaceAll(w.Body.String(), "http://www.w3.org/2000/svg", "")
	if i := strings.Index(page, "://"); i >= 0 {
		t.Errorf("there is one: %s", page[max(0, i-60):i+60])
	}
	if !strings.Contains(html.UnescapeString(page), "https://app.example.com") {
		t.Error("and none is shown")
	}
	for _, loads := range []string{"src=", "@import", "url(", "srcset="} {
		if n := strings.Count(page, loads); n > 1 || n == 1 && loads != "src=" {
			t.Errorf("%q is there %d times", loads, n)
		}
	}
}
