package appearance

import (
	"slices"
	"strings"

	"golang.org/x/net/html"

	"example.com/sidegate/caddymodule/web"
)

// markup is what is held against a page that a template has made: what the policy of the
// pages would keep from people, without a word to anybody.
type markup struct {
	style   string
	scripts []string
	// ours is the page of ours that was looked at last: it stands for one in each language.
	ours   string
	wanted map[bool]*content // with scripts and without
}

func markupOf(look *web.Look) *markup {
	style, scripts := look.Inline()
	return &markup{style: style, scripts: scripts}
}

// check looks at one page, and at ours that it stands for: as people see them whose
// browser runs scripts, and as the others do, for whom what is in a <noscript> is there.
func (m *markup) check(page, ours string) error {
	for _, scripting := range []bool{true, false} {
		if !scripting && !strings.Contains(strings.ToLower(page+ours), "<noscript") {
			return nil
		}
		got, err := m.look(page, scripting)
		if err != nil {
			return err
		}
		wanted, err := m.of(ours, scripting)
		if err != nil {
			return err
		}
		if err := got.isInPlaceOf(wanted); err != nil {
			return err
		}
	}
	return nil
}

// of is what a page of ours has.
func (m *markup) of(ours string, scripting bool) (*content, error) {
	if m.ours != ours {
		m.ours, m.wanted = ours, map[bool]*content{}
	}
	if m.wanted[scripting] == nil {
		wanted, err := markupOf(nil).look(ours, scripting)
		if err != nil {
			return nil, err
		}
		m.wanted[scripting] = wanted
	}
	return m.wanted[scripting], nil
}

// look reads a page as a browser does.
func (m *markup) look(page string, scripting bool) (*content, error) {
	root, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(scripting))
	if err != nil {
		return nil, err
	}
	c := newContent(root)
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if err := checkTag(n); err != nil {
			return nil, err
		}
		if n.Data == "style" || n.Data == "script" {
			if err := m.checkInline(n, textOf(n)); err != nil {
				return nil, err
			}
		}
	}
	c.read(root, state{})
	return c, nil
}

func textOf(n *html.Node) (text string) {
	for child := range n.ChildNodes() {
		if child.Type == html.TextNode {
			text += child.Data
		}
	}
	return text
}

func (m *markup) checkInline(n *html.Node, text string) error {
	if n.Data == "script" && !slices.Contains(m.scripts, text) {
		return faultAt(n, "it has a script, which the policy of the pages does not let run")
	}
	if n.Data == "style" && text != m.style {
		return faultAt(n, "it has a style sheet of its own, which the policy of the pages does not let in: put it into %s", styleFile)
	}
	return nil
}

// foreign are elements that load something, or run it.
var foreign = []string{"iframe", "frame", "object", "embed", "audio", "video", "base", "applet"}

// overriding are what a button says in the place of its form.
var overriding = []string{"formaction", "formmethod", "formenctype", "formtarget"}

func checkTag(tag *html.Node) error {
	if slices.Contains(foreign, tag.Data) {
		return faultAt(tag, "it has a <%s>, which the policy of the pages does not let in", tag.Data)
	}
	for _, a := range tag.Attr {
		value := strings.ToLower(strings.TrimSpace(a.Val))
		loads := a.Key == "src" || a.Key == "srcset" || a.Key == "poster" || a.Key == "background" || a.Key == "href" && tag.Data == "link"
		switch {
		case a.Key == "style":
			return faultOf(tag, a.Key, "a <%s> has a style of its own, which the policy of the pages does not let in: give it a class, and put that into %s", tag.Data, styleFile)
		case slices.Contains(overriding, a.Key):
			return faultOf(tag, a.Key, "a <%s> has %s, which sends what people type in a way of its own: take it away, and let the form say where it goes", tag.Data, a.Key)
		case strings.HasPrefix(a.Key, "on"):
			return faultOf(tag, a.Key, "a <%s> has a handler, %s, which the policy of the pages does not let run", tag.Data, a.Key)
		case loads && !strings.HasPrefix(value, "data:image/"):
			return faultOf(tag, a.Key, "a <%s> loads something, and no page of the gateway does: put the picture into the page, as data:image/png;base64,", tag.Data)
		case strings.HasPrefix(value, "javascript:"):
			return faultOf(tag, a.Key, "a <%s> leads to a script, which the policy of the pages does not let run", tag.Data)
		}
	}
	return nil
}
