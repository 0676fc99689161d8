package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"example.com/sidegate/caddymodule/source"
)

// The placeholders of a field's value.
const (
	username = "login.username"
	password = "login.password"
)

// defaultFields are those of an app that says nothing else.
var defaultFields = [][2]string{{"email", "{" + username + "}"}, {"password", "{" + password + "}"}}

// body is how credentials are written for the app.
type body struct {
	kind        string
	contentType string
	fields      []field
	// secretFields are the names of those that hold the password.
	secretFields []string
}

type field struct {
	name  string
	value source.Template
}

func newBody(kind string, fields [][2]string) (body, error) {
	b := body{kind: kind}
	switch kind {
	case BodyJSON, "":
		b.kind, b.contentType = BodyJSON, "application/json"
	case BodyForm:
		b.contentType = "application/x-www-form-urlencoded"
	default:
		return b, fmt.Errorf("body is %q: it can be json or form", kind)
	}
	if len(fields) == 0 {
		fields = defaultFields
	}
	for _, f := range fields {
		if err := b.add(f[0], f[1]); err != nil {
			return b, err
		}
	}
	return b, checkBoth(fields)
}

func (b *body) add(name, value string) error {
	if name == "" {
		return errors.New("body has a field without a name")
	}
	for _, f := range b.fields {
		if f.name == name {
			return fmt.Errorf("body field %s is given twice: which of them the app reads is not certain", name)
		}
	}
	t, err := source.ParseTemplate(value, []string{username, password})
	if err != nil {
		return fmt.Errorf("body field %s %w", name, err)
	}
	b.fields = append(b.fields, field{name, t})
	if strings.Contains(value, "{"+password+"}") {
		b.secretFields = append(b.secretFields, name)
	}
	return nil
}

// checkBoth sees to it that both credentials are sent: without one of them the
// app would let in whoever typed the other.
func checkBoth(fields [][2]string) error {
	for _, name := range []string{username, password} {
		sent := false
		for _, f := range fields {
			sent = sent || strings.Contains(f[1], "{"+name+"}")
		}
		if !sent {
			return fmt.Errorf("body has no field with {%s}: the app could not check it", name)
		}
	}
	return nil
}

// write is the content to send. What was typed is encoded, and never read as
// a template. False when it cannot be written: JSON is UTF-8, and the nearest
// UTF-8 would be another password.
func (b body) write(email, typed string) ([]byte, bool) {
	values := map[string]string{username: email, password: typed}
	var content strings.Builder
	for i, f := range b.fields {
		value := f.value.Expand(values, nil)
		if b.kind == BodyForm {
			content.WriteString(separator(i, "", "&"))
			content.WriteString(url.QueryEscape(f.name) + "=" + url.QueryEscape(value))
			continue
		}
		if !utf8.ValidString(value) {
			return nil, false
		}
		content.WriteString(separator(i, "{", ","))
		content.WriteString(quote(f.name) + ":" + quote(value))
	}
	if b.kind == BodyJSON {
		content.WriteByte('}')
	}
	return []byte(content.String()), true
}

func separator(i int, first, further string) string {
	if i == 0 {
		return first
	}
	return further
}

// quote is the text as a JSON string.
func quote(text string) string {
	quoted, _ := json.Marshal(text) // a string can always be written
	return string(quoted)
}
