package source

import (
	"errors"
	"fmt"
	"strings"
)

// Template is a text of the configuration with placeholders, such as
// {identity.email}. It is read once; what is put into it is never read for
// placeholders again.
type Template struct{ parts []part }

// part is a literal, or a placeholder when it has a name.
type part struct{ literal, name string }

// ParseTemplate reads a text that may hold those placeholders. A brace that
// belongs to none of them is an error, which lists them; it does not show the
// text, which may hold a secret.
func ParseTemplate(text string, known []string) (Template, error) {
	var t Template
	for text != "" {
		i := strings.IndexAny(text, "{}")
		if i < 0 {
			i = len(text)
		}
		if i > 0 {
			t.parts = append(t.parts, part{literal: text[:i]})
			text = text[i:]
			continue
		}
		name, ok := leading(text, known)
		if !ok {
			return Template{}, unknownPlaceholder(known)
		}
		t.parts = append(t.parts, part{name: name})
		text = text[len(name)+2:]
	}
	return t, nil
}

// leading is the placeholder that the text begins with.
func leading(text string, known []string) (string, bool) {
	for _, name := range known {
		if strings.HasPrefix(text, "{"+name+"}") {
			return name, true
		}
	}
	return "", false
}

func unknownPlaceholder(known []string) error {
	if len(known) == 0 {
		return errors.New("has a placeholder, but none is known here: write braces of a URL as %7B and %7D")
	}
	return fmt.Errorf("has a placeholder that is not known: known are {%s}", strings.Join(known, "}, {"))
}

// Expand puts the values in, each through encode where that is not nil.
func (t Template) Expand(values map[string]string, encode func(string) string) string {
	var b strings.Builder
	for _, p := range t.parts {
		value := p.literal
		if p.name != "" {
			value = values[p.name]
			if encode != nil {
				value = encode(value)
			}
		}
		b.WriteString(value)
	}
	return b.String()
}
