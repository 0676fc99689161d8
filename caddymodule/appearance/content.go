package appearance

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// goes is the id of what a page is there for: the link or the form that its script
// takes, whatever else a layout has put in front of it.
const goes = "go"

// content is what people can do at a page, and what it does by itself.
type content struct {
	forms map[*html.Node]*form
	all   []*form               // in their order
	ids   map[string]*html.Node // of several elements of one id the first, as browsers take it
	// links are where people can go, and providers those of them that lead to providers.
	links, providers []string
	// refreshes are where it leads by itself, referrers what it has browsers say of where
	// people come from.
	refreshes, referrers  []string
	refreshAt, referrerAt []*html.Node
	// loose asks for a password outside of every form, if anything does.
	loose *html.Node
	// lang is the language that it says it is in, and styled whether it has the style
	// sheet. html and head are where to say so.
	lang       string
	html, head *html.Node
	styled     bool
}

// state is what is true of an element for where it stands.
type state struct{ unseen, off, providers bool }

func newContent(root *html.Node) *content {
	c := &content{forms: map[*html.Node]*form{}, ids: map[string]*html.Node{}}
	for n := range root.Descendants() {
		if id := attribute(n, "id"); n.Type == html.ElementNode && id != "" && c.ids[id] == nil {
			c.ids[id] = n
		}
	}
	return c
}

// read reads the element and all below it.
func (c *content) read(n *html.Node, at state) {
	if n.Type == html.ElementNode {
		if n.Namespace != "" || n.Data == "template" {
			return // nothing in there can be pressed or is sent
		}
		at.unseen = at.unseen || bears(n, "hidden") || bears(n, "inert") || n.Data == "dialog" && !bears(n, "open")
		at.off = at.off || n.Data == "fieldset" && bears(n, "disabled")
		at.providers = at.providers || slices.Contains(strings.Fields(attribute(n, "class")), "providers")
		c.readElement(n, at)
	}
	for child := range n.ChildNodes() {
		c.read(child, at)
	}
}

func (c *content) readElement(n *html.Node, at state) {
	switch n.Data {
	case "html":
		c.html, c.lang = n, attribute(n, "lang")
	case "head":
		c.head = n
	case "style":
		c.styled = true
	case "form":
		c.formOf(n)
	case "input", "button", "textarea", "option":
		c.readField(n, at)
	case "a":
		if bears(n, "href") && !at.unseen {
			c.links = append(c.links, attribute(n, "href"))
			if at.providers {
				c.providers = append(c.providers, attribute(n, "href"))
			}
		}
	case "meta":
		switch {
		case strings.EqualFold(strings.TrimSpace(attribute(n, "http-equiv")), "refresh"):
			c.refreshes, c.refreshAt = append(c.refreshes, refreshed(attribute(n, "content"))), append(c.refreshAt, n)
		case strings.EqualFold(strings.TrimSpace(attribute(n, "name")), "referrer"):
			c.referrers, c.referrerAt = append(c.referrers, strings.ToLower(strings.TrimSpace(attribute(n, "content")))), append(c.referrerAt, n)
		}
	}
}

// refreshed is where such an element leads, whenever (HTML section 4.2.5.3). What is
// written otherwise than we do is taken for another address at the worst.
func refreshed(content string) string {
	i := strings.IndexAny(content, ";,")
	if i < 0 {
		return ""
	}
	to := strings.TrimSpace(content[i+1:])
	if len(to) > 3 && strings.EqualFold(to[:3], "url") {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(to[3:]), "="); ok {
			to = strings.TrimSpace(rest)
		}
	}
	return strings.Trim(to, `"'`)
}

// isInPlaceOf reports what of our page it lacks, or does that ours does not.
func (c *content) isInPlaceOf(ours *content) error {
	if c.lang == "" {
		return faultAt(c.html, `it does not say which language it is in, which who has it read out needs: begin it with <html lang="{{lang}}" dir="{{dir}}">`)
	}
	if ours.styled && !c.styled {
		return faultAt(c.headOrAll(), "it has no style sheet: put <style>{{style}}</style> into its <head>")
	}
	for i, to := range c.refreshes {
		if !slices.Contains(ours.refreshes, to) {
			return faultAt(c.refreshAt[i], "it leads to %q by itself, by a <meta http-equiv=refresh>, and the page does not without the template: take that away", to)
		}
	}
	if !slices.Equal(c.referrers, ours.referrers) {
		return faultAt(c.strayReferrer(ours), "its <meta name=referrer> say %q, and those of the page without the template %q: by these our forms are known, and no address is told",
			c.referrers, ours.referrers)
	}
	if err := c.sendsWhat(ours); err != nil {
		return err
	}
	for _, to := range ours.providers {
		if !slices.Contains(c.links, to) {
			return faultAt(nil, "it has no link to %s, where people sign in, as the page has without the template", to)
		}
	}
	return c.goesWhere(ours)
}

// headOrAll is what the style sheet belongs into, or would stand before.
func (c *content) headOrAll() *html.Node {
	if c.head != nil && bears(c.head, marking) {
		return c.head
	}
	return c.html
}

// strayReferrer is the first that says what ours does not; nil where one is missing.
func (c *content) strayReferrer(ours *content) *html.Node {
	for i, said := range c.referrers {
		if i >= len(ours.referrers) || said != ours.referrers[i] {
			return c.referrerAt[i]
		}
	}
	return nil
}

// sendsWhat compares the forms.
func (c *content) sendsWhat(ours *content) error {
	if c.loose != nil {
		return faultAt(c.loose, "a field for a password stands outside of the form: put it inside")
	}
	for _, wanted := range ours.all {
		if nearest, lack, ok := c.has(wanted); !ok {
			return faultAt(nearest, "it has no form that posts %s to %s, as the page has without the template%s", strings.Join(wanted.names(), ", "), wanted.action, lack)
		}
	}
	for _, f := range c.all {
		stands := func(wanted *form) bool { return wanted.action == f.action && f.lacks(wanted) == "" }
		switch wanted := ours.formsTo(f.action); {
		case len(wanted) == 0 && !staysHere(f.action):
			return faultOf(f.at, "action", "a form posts to %s, which the policy of the pages does not let it", f.action)
		case f.asksPassword() && !slices.ContainsFunc(wanted, stands):
			return faultAt(f.at, "a form asks for a password that does not go where it should: it goes to %q by %s", f.action, f.method)
		}
	}
	return nil
}

// has reports whether the wanted form is there; lack is what another lacks that may be
// meant for it, which is nearest: one to the same address, or else with the same field.
func (c *content) has(wanted *form) (nearest *html.Node, lack string, ok bool) {
	for _, f := range c.formsTo(wanted.action) {
		if lack = f.lacks(wanted); lack == "" {
			return nil, "", true
		}
		nearest, lack = f.at, ": "+lack
	}
	for _, f := range c.all {
		if nearest == nil && (len(wanted.fields) == 0 || f.shares(wanted)) {
			nearest, lack = f.at, fmt.Sprintf(": a form that may be meant goes to %q", f.action)
		}
	}
	return nearest, lack, false
}

func (c *content) formsTo(action string) (all []*form) {
	for _, f := range c.all {
		if f.action == action {
			all = append(all, f)
		}
	}
	return all
}

// staysHere reports whether an address is of this site, however it is read.
func staysHere(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "" && u.Host == "" && !strings.HasPrefix(address, "//") && !strings.ContainsAny(address, "\\\t\n\r ")
}

// goesWhere holds the page to what its script takes.
func (c *content) goesWhere(ours *content) error {
	wanted, got := ours.ids[goes], c.ids[goes]
	switch {
	case wanted == nil:
		return nil
	case got == nil || got.Data != wanted.Data || got.Namespace != "":
		return faultAt(got, "the first element of the id %q is no <%s>, as it is in the page without the template: that is what the page is for", goes, wanted.Data)
	case wanted.Data == "form":
		f := c.forms[got]
		if f == nil || f.action != ours.forms[wanted].action || f.lacks(ours.forms[wanted]) != "" {
			return faultAt(got, "the form of the id %q does not post what that of the page does without the template", goes)
		}
	case attribute(got, "href") != attribute(wanted, "href"), !slices.Contains(c.links, attribute(wanted, "href")):
		return faultAt(got, "the link of the id %q does not lead to %s, as it does in the page without the template", goes, attribute(wanted, "href"))
	}
	return nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

func bears(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name && a.Namespace == "" })
}
