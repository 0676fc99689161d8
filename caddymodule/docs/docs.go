package docs

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/web"
)

// Read reads the document under that base_path. It takes a while: once is enough.
func Read(basePath string) web.Docs {
	var root yaml.Node
	if err := yaml.Unmarshal(web.Swagger(basePath, ""), &root); err != nil {
		panic(err) // not at run time: it is in the binary
	}
	r := &reader{root: resolved(&root), base: basePath, types: readTypes(string(web.Types()))}
	info := child(r.root, "info")
	d := web.Docs{Base: basePath, Title: text(info, "title"), Summary: text(info, "summary"), Intro: text(info, "description")}
	for _, tag := range child(r.root, "tags").Content {
		group := web.DocsGroup{Name: text(tag, "name"), Text: text(tag, "description")}
		group.Routes = r.routes(group.Name)
		d.Groups = append(d.Groups, group)
	}
	return d
}

// reader reads the parts of a document whose aliases are gone.
type reader struct {
	root  *yaml.Node
	base  string
	types types
}

// methods are those that a document may have of a path, in the order of the page.
var methods = []string{"get", "head", "post", "put", "delete"}

// routes are those of that tag, in the order of the document.
func (r *reader) routes(tag string) (found []web.DocsRoute) {
	for path, item := range pairs(child(r.root, "paths")) {
		for _, method := range methods {
			operation := child(item, method)
			if operation == nil || !slices.ContainsFunc(child(operation, "tags").Content, func(n *yaml.Node) bool { return n.Value == tag }) {
				continue
			}
			found = append(found, r.route(strings.ToUpper(method), path, item, operation))
		}
	}
	return found
}

// deref is what a node refers to, or the node itself.
func (r *reader) deref(n *yaml.Node) *yaml.Node {
	ref := text(n, "$ref")
	if ref == "" {
		return n
	}
	at := r.root
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at = child(at, step)
	}
	return at
}

// resolved is the node with what its aliases stand for in their places.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return resolved(n.Alias)
	}
	if n.Kind == yaml.DocumentNode {
		return resolved(n.Content[0])
	}
	c := *n
	c.Anchor = ""
	c.Content = nil
	for _, part := range n.Content {
		c.Content = append(c.Content, resolved(part))
	}
	return &c
}

// pairs are the keys and values of a mapping, in its order; none of what is not there.
func pairs(n *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

// child is the value of that key; nil where there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	for k, v := range pairs(n) {
		if k == key {
			return v
		}
	}
	return nil
}

func items(n *yaml.Node) []*yaml.Node {
	if n == nil {
		return nil
	}
	return n.Content
}

func text(n *yaml.Node, key string) string {
	if v := child(n, key); v != nil {
		return strings.TrimSpace(v.Value)
	}
	return ""
}

// reason is how a status is called.
func reason(status string) string {
	var code int
	_, _ = fmt.Sscan(status, &code)
	return cmp.Or(http.StatusText(code), status)
}
