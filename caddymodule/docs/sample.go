package docs

import (
	"encoding/json"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"
)

// asMedia is an example as it is sent in that media type.
func asMedia(media string, example *yaml.Node) string {
	switch {
	case example == nil:
		return ""
	case media == "application/x-www-form-urlencoded":
		fields := make([]string, 0, len(example.Content)/2)
		for name, value := range pairs(example) {
			fields = append(fields, url.QueryEscape(name)+"="+url.QueryEscape(value.Value))
		}
		return strings.Join(fields, "&")
	case media == "application/json", strings.HasSuffix(media, "+json"):
		var b strings.Builder
		writeJSON(&b, example, "\n")
		return b.String()
	}
	return strings.TrimSpace(example.Value)
}

// writeJSON writes a node in the order that it has in the document, which a map would
// lose. Lines after the first begin with that break.
func writeJSON(b *strings.Builder, n *yaml.Node, newline string) {
	open, end, step := "{", "}", 2
	switch {
	case n.Kind == yaml.ScalarNode:
		b.WriteString(scalar(n))
		return
	case n.Kind == yaml.SequenceNode:
		open, end, step = "[", "]", 1
	}
	if len(n.Content) == 0 {
		b.WriteString(open + end)
		return
	}
	b.WriteString(open)
	for i := 0; i < len(n.Content); i += step {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString(newline + "  ")
		if step == 2 {
			b.WriteString(quoted(n.Content[i].Value) + ": ")
		}
		writeJSON(b, n.Content[i+step-1], newline+"  ")
	}
	b.WriteString(newline + end)
}

func scalar(n *yaml.Node) string {
	switch n.Tag {
	case "!!int", "!!float", "!!bool", "!!null":
		return n.Value
	}
	return quoted(n.Value)
}

// quoted is a text in JSON; the page escapes what HTML needs escaped.
func quoted(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a text can be written, and so can a Builder be
	return strings.TrimSuffix(b.String(), "\n")
}
