package appearance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// form is what a page sends, and how.
type form struct {
	at                                     *html.Node
	action, method, encoding, charset, rel string

	fields []field
	// sends is whether there is a button for that.
	sends bool
}

// field is one that is sent.
type field struct {
	name, value string
	kind        kind
}

// kind is what people do with a field.
type kind int

const (
	typed kind = iota
	secret
	carried // they do not see it
	chosen  // they press it, or choose it from several
	nothing
)

// kinds are those of the types of an <input> that is no line of text.
var kinds = map[string]kind{
	"password": secret, "hidden": carried, "submit": chosen, "radio": chosen, "checkbox": chosen,
	"button": nothing, "reset": nothing, "image": nothing, "file": nothing, "color": nothing, "range": nothing, "number": nothing,
	"date": nothing, "datetime-local": nothing, "month": nothing, "time": nothing, "week": nothing,
}

func kindOf(n *html.Node) kind {
	of := strings.ToLower(attribute(n, "type"))
	switch n.Data {
	case "option":
		return chosen
	case "textarea":
		return typed
	case "button":
		if of == "button" || of == "reset" {
			return nothing
		}
		return chosen
	}
	return kinds[of]
}

// formOf is the form that the element is.
func (c *content) formOf(n *html.Node) *form {
	f := c.forms[n]
	if f == nil {
		f = &form{
			at:     n,
			action: attribute(n, "action"), method: cmp.Or(strings.ToLower(attribute(n, "method")), "get"),
			encoding: cmp.Or(strings.ToLower(attribute(n, "enctype")), "application/x-www-form-urlencoded"),
			charset:  cmp.Or(strings.ToLower(attribute(n, "accept-charset")), "utf-8"), rel: strings.ToLower(attribute(n, "rel")),
		}
		c.forms[n], c.all = f, append(c.all, f)
	}
	return f
}

// owner is the form that sends a field: that which it names, or stands in (HTML section
// 4.10.18.3).
func (c *content) owner(n *html.Node) *html.Node {
	if bears(n, "form") {
		if named := c.ids[attribute(n, "form")]; named != nil && named.Data == "form" {
			return named
		}
		return nil
	}
	for of := n.Parent; of != nil; of = of.Parent {
		switch {
		case of.Data == "form" && of.Namespace == "":
			return of
		case n.Data == "option" && of.Data == "select":
			return c.owner(of)
		}
	}
	return nil
}

func (c *content) readField(n *html.Node, at state) {
	of, owner := kindOf(n), c.owner(n)
	if owner == nil || of == nothing {
		if c.loose == nil && of == secret {
			c.loose = n
		}
		return
	}
	if at.off || bears(n, "disabled") || of != carried && at.unseen {
		return
	}
	f, name := c.formOf(owner), attribute(n, "name")
	if n.Data == "option" {
		name = selectOf(n)
	}
	f.sends = f.sends || n.Data == "button" || n.Data == "input" && strings.EqualFold(attribute(n, "type"), "submit")
	if name != "" {
		f.fields = append(f.fields, field{name, attribute(n, "value"), of})
	}
}

// selectOf is the name of the list that an option is of.
func selectOf(n *html.Node) string {
	for of := n.Parent; of != nil; of = of.Parent {
		if of.Data == "select" {
			if bears(of, "disabled") {
				return ""
			}
			return attribute(of, "name")
		}
	}
	return ""
}

// names are the names of the fields, once each.
func (f *form) names() (names []string) {
	for _, one := range f.fields {
		if !slices.Contains(names, one.name) {
			names = append(names, one.name)
		}
	}
	return names
}

func (f *form) asksPassword() bool {
	return slices.ContainsFunc(f.fields, func(one field) bool { return one.kind == secret })
}

// shares reports whether a field of the other is in it as well.
func (f *form) shares(other *form) bool {
	return slices.ContainsFunc(f.fields, func(one field) bool {
		return one.name != "return_to" && slices.Contains(other.names(), one.name)
	})
}

// lacks says what keeps the form from doing what that of ours does; empty: nothing.
func (f *form) lacks(ours *form) string {
	switch {
	case f.method != ours.method:
		return fmt.Sprintf("its method is %s, and must be %s, or what people type stands in addresses and logs", f.method, ours.method)
	case f.encoding != ours.encoding || f.charset != ours.charset || f.rel != ours.rel:
		return "its enctype, accept-charset or rel is another"
	case ours.sends && !f.sends:
		return "it has no button that sends it"
	}
	for _, wanted := range ours.fields {
		if lack := f.lacksField(wanted); lack != "" {
			return lack
		}
	}
	return ""
}

func (f *form) lacksField(wanted field) string {
	there := slices.DeleteFunc(slices.Clone(f.fields), func(one field) bool { return one.name != wanted.name })
	fits := func(one field) bool {
		return one.kind == wanted.kind && (one.value == wanted.value || wanted.kind == typed || wanted.kind == secret)
	}
	switch {
	case len(there) == 0:
		return fmt.Sprintf("%s is not in it", wanted.name)
	case wanted.kind == secret && slices.ContainsFunc(there, func(one field) bool { return one.kind != secret }):
		return fmt.Sprintf("%s is not of the type password, so that all who stand by read it", wanted.name)
	case !slices.ContainsFunc(there, fits):
		return fmt.Sprintf("%s is there, and not what it is in the page without the template", wanted.name)
	}
	return ""
}
