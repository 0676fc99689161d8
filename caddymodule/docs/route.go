package docs

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/web"
)

func (r *reader) route(method, path string, item, operation *yaml.Node) web.DocsRoute {
	d := web.DocsRoute{
		ID: text(operation, "operationId"), Method: method, Path: path,
		Summary: text(operation, "summary"), Text: text(operation, "description"), Confirm: text(operation, "x-confirm"),
		Auth: r.auth(operation),
	}
	d.Headers = credentials(d.Auth)
	for _, p := range slices.Concat(items(child(item, "parameters")), items(child(operation, "parameters"))) {
		if f := r.parameter(r.deref(p)); f.In == "header" {
			d.Headers = append(d.Headers, f)
		} else {
			d.Parameters = append(d.Parameters, f)
		}
	}
	if body := child(operation, "requestBody"); body != nil {
		d.BodyNeeded = text(body, "required") == "true"
		for media, content := range pairs(child(body, "content")) {
			d.Bodies = append(d.Bodies, web.DocsSample{Name: media, Text: asMedia(media, child(content, "example"))})
		}
	}
	for status, answer := range pairs(child(operation, "responses")) {
		answer = r.deref(answer)
		d.Answers = append(d.Answers, r.answer(method, status, answer))
		d.Told = r.tell(d.Told, status, answer)
	}
	d.YAML, d.TypeScript = r.source(method, path, d.ID, operation)
	return d
}

// auth is what the operation says of security, or else the document.
func (r *reader) auth(operation *yaml.Node) web.DocsAuth {
	security := child(operation, "security")
	if security == nil {
		security = child(r.root, "security")
	}
	switch {
	case len(security.Content) == 0:
		return web.DocsOpen
	case slices.ContainsFunc(security.Content, func(n *yaml.Node) bool { return len(n.Content) == 0 }):
		return web.DocsOptional
	}
	return web.DocsRequired
}

// credentials are the headers by which a session is presented.
func credentials(auth web.DocsAuth) []web.DocsField {
	if auth == web.DocsOpen {
		return nil
	}
	needed := "The session token. "
	if auth == web.DocsRequired {
		needed += "This header is required to access this endpoint, unless the session cookie comes along."
	}
	return []web.DocsField{
		{Name: "Authorization", In: "header", Type: "string", Text: "`Bearer {token}`. " + needed, Fixed: true},
		{Name: "Cookie", In: "header", Type: "string", Text: "The session cookie, which browsers send by themselves.", Fixed: true},
	}
}

func (r *reader) parameter(p *yaml.Node) web.DocsField {
	f := web.DocsField{
		Name: text(p, "name"), In: text(p, "in"), Type: typeOf(child(p, "schema")), Required: text(p, "required") == "true", Text: text(p, "description"),
	}
	if f.Required {
		f.Value = text(p, "example")
	}
	return f
}

func typeOf(schema *yaml.Node) string {
	kind := text(schema, "type")
	if format := text(schema, "format"); format != "" {
		kind += " (" + format + ")"
	}
	return kind
}

// tell adds the headers of an answer to those of the others.
func (r *reader) tell(told []web.DocsField, status string, answer *yaml.Node) []web.DocsField {
	for name, header := range pairs(child(answer, "headers")) {
		header = r.deref(header)
		same := func(f web.DocsField) bool { return f.Name == name && f.Text == text(header, "description") }
		if i := slices.IndexFunc(told, same); i >= 0 {
			told[i].In += ", " + status
			continue
		}
		told = append(told, web.DocsField{Name: name, In: status, Type: typeOf(child(header, "schema")), Text: text(header, "description")})
	}
	return told
}

// answer is one with its samples: the status and headers, and each body that may
// follow them.
func (r *reader) answer(method, status string, answer *yaml.Node) web.DocsAnswer {
	a := web.DocsAnswer{Status: status, Reason: reason(status), Text: text(answer, "description")}
	head := status + " " + a.Reason + "\n"
	for name, header := range pairs(child(answer, "headers")) {
		if example := text(r.deref(header), "example"); example != "" {
			head += name + ": " + strings.ReplaceAll(example, "/auth/", r.base+"/") + "\n"
		}
	}
	if method != "HEAD" {
		for media, content := range pairs(child(answer, "content")) {
			for name, example := range r.examples(content) {
				a.Samples = append(a.Samples, web.DocsSample{Name: name, Text: head + "Content-Type: " + media + "\n\n" + asMedia(media, example)})
			}
		}
	}
	if len(a.Samples) == 0 {
		a.Samples = []web.DocsSample{{Text: strings.TrimSuffix(head, "\n")}}
	}
	return a
}

// examples are those of a content, by their names where there are several.
func (r *reader) examples(content *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if example := child(content, "example"); example != nil && !yield("", example) {
			return
		}
		all := child(content, "examples")
		for name, example := range pairs(all) {
			if len(all.Content) == 2 {
				name = ""
			}
			if !yield(name, child(r.deref(example), "value")) {
				return
			}
		}
	}
}
