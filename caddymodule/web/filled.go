package web

import (
	"bytes"
	"fmt"
	"html/template"
	"text/template/parse"
)

// Bounds of what a template of a configuration may write: one that goes round for ever
// would take all memory, of whoever tries the configuration and of everybody it serves.
const (
	mostBytes  = 1 << 20
	mostWrites = 100_000
	// mostKept is for the page that shows a form again: the form may have a megabyte, and
	// stands there twice, with its characters escaped.
	mostKept = 16 << 20
)

// filled makes the page of that name by the templates of the configuration.
func (l *language) filled(name string, data any) ([]byte, error) {
	b := bounded{most: mostBytes}
	if name == "kept" {
		b.most = mostKept
	}
	if err := l.pages.ExecuteTemplate(&b, name, data); err != nil {
		return nil, err
	}
	return b.text.Bytes(), nil
}

// bounded is what a template writes to.
type bounded struct {
	text         bytes.Buffer
	most, writes int
}

func (b *bounded) Write(text []byte) (int, error) {
	if b.writes++; b.writes > mostWrites {
		return 0, fmt.Errorf("it goes round too often: it shows more than %d things", mostWrites)
	}
	if b.text.Len()+len(text) > b.most {
		return 0, fmt.Errorf("it writes more than %d bytes", b.most)
	}
	return b.text.Write(text)
}

// fromOurs makes the page as it is without the templates of the configuration.
func (l *language) fromOurs(name string, data any) ([]byte, error) {
	var body bytes.Buffer
	err := l.ours.ExecuteTemplate(&body, name, data)
	return body.Bytes(), err
}

// bound has every turn of every loop write, be it nothing: so one that shows nothing is
// stopped as well.
func bound(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.IfNode:
			bound(n.List)
			bound(n.ElseList)
		case *parse.WithNode:
			bound(n.List)
			bound(n.ElseList)
		case *parse.RangeNode:
			bound(n.List)
			bound(n.ElseList)
			n.List.Nodes = append([]parse.Node{&parse.TextNode{NodeType: parse.NodeText, Pos: n.Pos}}, n.List.Nodes...)
		}
	}
}

// told tells of a page that its template could not make.
func (l *Look) told(page string, err error) {
	if l.appearance.Trouble != nil {
		l.appearance.Trouble(l.placed(page, err))
	}
}

// speaking are templates that speak a language.
func speaking(templates *template.Template, functions template.FuncMap) *template.Template {
	return template.Must(templates.Clone()).Funcs(functions)
}
