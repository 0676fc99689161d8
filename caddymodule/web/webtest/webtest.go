// Package webtest checks live answers of the gateway against the OpenAPI
// document that it serves, so that the document cannot drift from the code.
// It is for tests only.
package webtest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"example.com/sidegate/caddymodule/web"
)

// Contract is the document under one base_path, ready to check answers. It may
// be used concurrently.
type Contract struct {
	doc      *openapi3.T
	basePath string
}

// New reads and validates the document of that base_path. The error says what
// is wrong with the document.
func New(basePath string) (*Contract, error) { return parse(web.Swagger(basePath, ""), basePath) }

// Check fails the test when the answer is not as the document has it, under
// the default base_path /auth. The body is what was read of resp.Body.
func Check(t testing.TB, req *http.Request, resp *http.Response, body []byte) {
	t.Helper()
	Validator(t).Check(t, req, resp, body)
}

// byDefault reads the document once for all tests of a package.
var byDefault = sync.OnceValues(func() (*Contract, error) { return New("/auth") })

// Validator is New for the default base_path /auth; a mistake in the document
// ends the test.
func Validator(t testing.TB) *Contract {
	t.Helper()
	c, err := byDefault()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Check fails the test when the answer is not as the document has it.
func (c *Contract) Check(t testing.TB, req *http.Request, resp *http.Response, body []byte) {
	t.Helper()
	if err := c.Verify(req, resp, body); err != nil {
		t.Errorf("%s %s: %v", req.Method, req.URL.Path, err)
	}
}

// Verify returns the first thing in which the answer is not as the document
// has it: an undocumented route, method, status, content type or property; a
// missing header or property; a value of the wrong type or format; a body
// where there must be none.
func (c *Contract) Verify(req *http.Request, resp *http.Response, body []byte) error {
	if req.Method == http.MethodOptions && resp.StatusCode == http.StatusNoContent && resp.Header.Get("Access-Control-Allow-Methods") != "" {
		return verifyPreflight(resp.Header, body)
	}
	documented, err := c.response(req, resp.StatusCode)
	if err != nil {
		return err
	}
	if err := verifyHeaders(documented.Headers, resp.Header); err != nil {
		return fmt.Errorf("status %d: %w", resp.StatusCode, err)
	}
	if req.Method == http.MethodHead {
		if len(body) > 0 {
			return fmt.Errorf("status %d: answer to HEAD with a body of %d bytes", resp.StatusCode, len(body))
		}
		return nil
	}
	if err := verifyContent(documented.Content, resp.Header, body); err != nil {
		return fmt.Errorf("status %d: %w", resp.StatusCode, err)
	}
	return nil
}

// verifyPreflight checks the answer to a browser that asks first. Documents of this kind
// have no word for that: it is said in the description of all.
func verifyPreflight(h http.Header, body []byte) error {
	switch from := h.Get("Access-Control-Allow-Origin"); {
	case len(body) > 0:
		return fmt.Errorf("a preflight is answered with a body of %d bytes", len(body))
	case from == "" || from == "*" || from == "null" || h.Get("Access-Control-Allow-Credentials") != "true":
		return fmt.Errorf("a preflight is answered for the origin %q, with credentials: %q", from, h.Get("Access-Control-Allow-Credentials"))
	}
	return nil
}

func parse(document []byte, basePath string) (*Contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, fmt.Errorf("reading the OpenAPI document: %w", err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("the OpenAPI document is not valid: %w", err)
	}
	for _, schema := range doc.Components.Schemas {
		closeObjects(schema)
	}
	return &Contract{doc: doc, basePath: basePath}, nil
}

// closeObjects lets objects have their documented properties only. The document
// itself leaves them open, so that clients bear what is added one day.
func closeObjects(schema *openapi3.SchemaRef) {
	if schema == nil || schema.Value == nil {
		return
	}
	s := schema.Value
	if len(s.Properties) > 0 {
		no := false
		s.AdditionalProperties = openapi3.AdditionalProperties{Has: &no}
	}
	for _, property := range s.Properties {
		closeObjects(property)
	}
	closeObjects(s.Items)
}

// response finds what is documented for that status of that route. A path that
// is not documented is answered as not found, and a method that is not
// documented as not allowed; nothing else will do.
func (c *Contract) response(req *http.Request, status int) (*openapi3.Response, error) {
	item := c.pathItem(req.URL.Path)
	if item == nil {
		return c.only(status, http.StatusNotFound, "NotFound", "route")
	}
	if item.Extensions[anyMethod] == true {
		req = req.Clone(req.Context())
		req.Method = http.MethodGet
	}
	op := item.GetOperation(req.Method)
	if op == nil && req.Method == http.MethodHead {
		op = item.Get // RFC 9110 section 9.3.2: as GET, without the content
	}
	if op == nil && ofProvider(item) && status == http.StatusNotFound {
		return c.doc.Components.Responses["NotFound"].Value, nil // there is no provider of that name
	}
	if op == nil {
		return c.only(status, http.StatusMethodNotAllowed, "MethodNotAllowed", "method")
	}
	documented := op.Responses.Status(status)
	if documented == nil {
		return nil, fmt.Errorf("status %d is not documented for %s", status, op.OperationID)
	}
	return documented.Value, nil
}

// ofProvider tells routes that are only there for the providers that are
// configured.
func ofProvider(item *openapi3.PathItem) bool {
	return item.Parameters.GetByInAndName(openapi3.ParameterInPath, "name") != nil
}

func (c *Contract) only(status, want int, name, what string) (*openapi3.Response, error) {
	if status != want {
		return nil, fmt.Errorf("%s is not documented, yet is answered with %d and not %d", what, status, want)
	}
	return c.doc.Components.Responses[name].Value, nil
}

// pathItem finds the documented path: a literal one before a template.
func (c *Contract) pathItem(path string) *openapi3.PathItem {
	rest, ok := strings.CutPrefix(path, c.basePath)
	if !ok {
		return nil
	}
	for _, template := range c.doc.Paths.InMatchingOrder() {
		if matches(template, rest) {
			return c.doc.Paths.Value(template)
		}
	}
	return nil
}

// anyMethod marks a path that answers every method as it does GET.
const anyMethod = "x-any-method"

func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if want[len(want)-1] == "{path}" && len(got) >= len(want) { // it takes all that follows
		got = append(got[:len(want)-1], "path")
	}
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if strings.HasPrefix(want[i], "{") {
			if got[i] == "" {
				return false
			}
		} else if want[i] != got[i] {
			return false
		}
	}
	return true
}
