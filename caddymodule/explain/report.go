package explain

import (
	"encoding/json"
	"io"
	"net/http"
)

// Report is what becomes of a request.
type Report struct {
	// Request is what was asked for.
	Request Asked `json:"request"`
	// Person is who asks; nil for nobody.
	Person *Person `json:"person,omitempty"`
	// Steps are the handlers that it comes to, in order.
	Steps []Step `json:"steps"`
	// Passes reports whether an app, or a page, answers.
	Passes bool `json:"passes"`
	// Answer is what the client gets.
	Answer Answer `json:"answer"`
	// Forwarded are the requests that apps get, the last one first where several
	// are asked.
	Forwarded []Forwarded `json:"forwarded,omitempty"`
	// Log are the lines that the log of a gateway would have.
	Log []string `json:"log,omitempty"`
	// Notes say what is left out here, and what may not be meant.
	Notes []string `json:"notes,omitempty"`
}

// Asked is the request.
type Asked struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	Server string `json:"server"`
	From   string `json:"from"`
}

// Person is who makes it.
type Person struct {
	ID          int64    `json:"id"`
	Email       string   `json:"email"`
	Login       string   `json:"login,omitempty"`
	Account     string   `json:"account,omitempty"`
	Roles       []string `json:"roles"`
	Permissions []string `json:"permissions"`
}

// Step is a handler that the request comes to.
type Step struct {
	// Handler is the name of its module.
	Handler string `json:"handler"`
	// At is file and line, for a directive of ours in a Caddyfile.
	At string `json:"at,omitempty"`
	// Route is where it stands in the JSON configuration.
	Route string `json:"route,omitempty"`
	// When are the matchers of the routes that it stands in, but for the host.
	When []string `json:"when,omitempty"`
	// Does says what it does.
	Does string `json:"does"`
	// Rules are what it decides by.
	Rules []Rule `json:"rules,omitempty"`
	// WouldBe is the status of an answer that is only reported.
	WouldBe int `json:"would_be,omitempty"`
}

// Rule is what decides.
type Rule struct {
	Rule string `json:"rule"`
	At   string `json:"at,omitempty"`
}

// String is the rule and where it stands.
func (r Rule) String() string {
	if r.At == "" {
		return r.Rule
	}
	return r.Rule + " (" + r.At + ")"
}

// Answer is what the client gets.
type Answer struct {
	Status int `json:"status"`
	// Of is who answers: a handler, or an app by its address.
	Of string `json:"of"`
	// At is file and line of that handler, or where it stands in the JSON.
	At string `json:"at,omitempty"`
	// Error and Message are those of a refusal of ours.
	Error   string `json:"error,omitempty"`
	Message string `json:"message,omitempty"`
	// Rules are what refuses, or lets pass.
	Rules []Rule `json:"rules,omitempty"`
	// WouldBe is the status of an answer that is only reported: Rules are then what
	// would have refused the request.
	WouldBe int `json:"would_be,omitempty"`
	// Headers are those of the answer that are not the app's.
	Headers http.Header `json:"headers"`
}

// Forwarded is a request that an app gets.
type Forwarded struct {
	To      string      `json:"to"`
	Method  string      `json:"method"`
	URI     string      `json:"uri"`
	Host    string      `json:"host"`
	Headers http.Header `json:"headers"`
}

// write prints the report.
func (r *Report) write(to io.Writer, asJSON bool) error {
	if !asJSON {
		_, err := io.WriteString(to, r.text())
		return err
	}
	out := json.NewEncoder(to)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(r)
}
