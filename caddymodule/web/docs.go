package web

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strings"
)

//go:embed npm/openapi.d.ts
var types []byte

// Types are the TypeScript types of the document, as a generator makes them of it.
// They may not be changed.
func Types() []byte { return types }

// Docs is the document as a page.
type Docs struct {
	// Base is the configured base_path, such as /auth.
	Base string
	// Title, Summary and Intro are what the document says of itself.
	Title, Summary, Intro string
	Groups                []DocsGroup
}

// DocsGroup are routes that belong together.
type DocsGroup struct {
	Name, Text string
	Routes     []DocsRoute
}

// DocsRoute is one method of one address.
type DocsRoute struct {
	// ID names it, and is where a link leads to.
	ID string
	// Method and Path, which is below the base path, are what is asked.
	Method, Path  string
	Summary, Text string
	// Auth is whether a session is needed.
	Auth DocsAuth
	// Confirm is what is asked before it is tried out, for who does not mean it. Empty:
	// nothing.
	Confirm string
	// Headers are those of the request, and Parameters are in its path or query.
	Headers, Parameters []DocsField
	// BodyNeeded says that there has to be one of Bodies.
	BodyNeeded bool
	Bodies     []DocsSample
	Answers    []DocsAnswer
	// Told are the headers of the answers.
	Told []DocsField
	// YAML and TypeScript are what the document and its types say of the route.
	YAML, TypeScript []DocsSample
}

// DocsAuth is whether a route needs a session.
type DocsAuth int

// A route needs none, takes one, or needs one.
const (
	DocsOpen DocsAuth = iota
	DocsOptional
	DocsRequired
)

// DocsField is a row of a table.
type DocsField struct {
	Name string
	// In is where it is: header, path or query; of a header of answers, their statuses.
	In       string
	Type     string
	Required bool
	Text     string
	// Value is what a form begins with.
	Value string
	// Fixed says that a form has no field for it: it goes with who asks.
	Fixed bool
}

// DocsSample is a text as it is sent, or written.
type DocsSample struct{ Name, Text string }

// DocsAnswer is what is answered with a status.
type DocsAnswer struct {
	Status, Reason, Text string
	Samples              []DocsSample
}

// DocsScript is the script of that page.
func DocsScript() ClientFile {
	return clientFile("docs.js", "text/javascript; charset=utf-8", mustRead("pages/docs.js"))
}

// docsStyle is what the page has beside the style sheet of all.
var docsStyle = template.CSS(mustRead("pages/docs.css")) //nolint:gosec // our own file

// Page makes the page, once: who asks is answered with it as it stands. It is in
// English for everybody, as the document is.
func (d Docs) Page(l *Look) http.HandlerFunc {
	p := page{name: "docs", data: d, status: http.StatusOK, noForm: true, style: docsStyle, tries: true}
	v := l.english()
	body := p.render(v)
	return func(w http.ResponseWriter, _ *http.Request) { p.answer(w, v, bytes.NewReader(body)) }
}

// docsFunctions are what its template has beside those of all, and no operator's has.
var docsFunctions = template.FuncMap{
	"docsStyle": func() template.CSS { return docsStyle },
	"prose":     prose,
	"shown":     shown,
}

// prose is a description: paragraphs, with `code` in them.
func prose(text string) template.HTML {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if paragraph == "" {
			continue
		}
		b.WriteString("<p>")
		for i, part := range strings.Split(paragraph, "`") {
			if i%2 == 1 {
				part = "<code>" + string(shown(part)) + "</code>"
			} else {
				part = string(shown(part))
			}
			b.WriteString(part)
		}
		b.WriteString("</p>")
	}
	return template.HTML(b.String()) //nolint:gosec // escaped by shown
}

// shown is a text as a page shows it. No address of another host stands in its
// source, not even in a sample: nothing that looks through it for some finds any.
func shown(text string) template.HTML {
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(text), "://", ":&#47;&#47;")) //nolint:gosec // escaped
}
