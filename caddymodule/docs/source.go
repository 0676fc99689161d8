package docs

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/web"
)

// source is what the document and the types say of a route, and of the schemas that
// it refers to.
func (r *reader) source(method, path, id string, operation *yaml.Node) (yamls, typescript []web.DocsSample) {
	whole := mapping(path, mapping(strings.ToLower(method), operation))
	yamls = append(yamls, web.DocsSample{Name: method + " " + path, Text: asYAML(whole)})
	typescript = append(typescript, web.DocsSample{Name: `operations["` + id + `"]`, Text: r.types.operations[id]})
	for _, name := range r.schemas(operation, nil) {
		title := "#/components/schemas/" + name
		yamls = append(yamls, web.DocsSample{Name: title, Text: asYAML(child(child(child(r.root, "components"), "schemas"), name))})
		typescript = append(typescript, web.DocsSample{Name: title, Text: r.types.schemas[name]})
	}
	return yamls, typescript
}

// schemas are the names of those that a node refers to, by whatever way, beside those
// that were found before.
func (r *reader) schemas(n *yaml.Node, found []string) []string {
	if n == nil {
		return found
	}
	if ref := text(n, "$ref"); ref != "" {
		name, isSchema := strings.CutPrefix(ref, "#/components/schemas/")
		if isSchema && slices.Contains(found, name) {
			return found
		}
		if isSchema {
			found = append(found, name)
		}
		return r.schemas(r.deref(n), found)
	}
	for _, part := range n.Content {
		found = r.schemas(part, found)
	}
	return found
}

func mapping(key string, value *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value}}
}

func asYAML(n *yaml.Node) string {
	var b strings.Builder
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	_ = e.Encode(n) // it has come out of a document
	_ = e.Close()
	return strings.TrimSuffix(b.String(), "\n")
}

// types are parts of the TypeScript types: by operation, and by schema.
type types struct{ operations, schemas map[string]string }

// readTypes reads what openapi-typescript has made. It indents by four blanks.
func readTypes(text string) types {
	t := types{operations: members(text, "export interface operations {", "    "), schemas: members(text, "    schemas: {", "        ")}
	for name, member := range t.schemas {
		t.schemas[name] = declared(name, member)
	}
	return t
}

// members are those of the object that begins at that line, with their comments, by
// their names; each begins with that indent.
func members(text, begin, indent string) map[string]string {
	found := make(map[string]string)
	_, rest, _ := strings.Cut(text, "\n"+begin+"\n")
	var lines []string
	name := ""
	for line := range strings.SplitSeq(rest, "\n") {
		own, ok := strings.CutPrefix(line, indent)
		if !ok {
			return found // its end
		}
		lines = append(lines, own)
		isOwn := !strings.HasPrefix(own, " ") && !strings.HasPrefix(own, "/**")
		if isOwn && name == "" {
			name, _, _ = strings.Cut(own, ":")
		}
		if isOwn && strings.HasSuffix(own, ";") {
			found[name] = strings.Join(lines, "\n")
			lines, name = nil, ""
		}
	}
	return found
}

// declared is a member of an object as a type of its own, which may refer to others.
func declared(name, member string) string {
	member = strings.ReplaceAll(member, `components["schemas"]["`, `["`)
	at := strings.LastIndex("\n"+member, "\n"+name+":") // after its comment
	before, value := member[:at], strings.TrimSpace(member[at+len(name)+1:])
	for {
		i := strings.Index(value, `["`)
		if i < 0 {
			break
		}
		end := strings.Index(value[i:], `"]`)
		value = value[:i] + value[i+2:i+end] + value[i+end+2:]
	}
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "};") && strings.Count(value, "\n}") == 1 {
		return before + "export interface " + name + " " + strings.TrimSuffix(value, ";")
	}
	return before + "export type " + name + " = " + value
}
