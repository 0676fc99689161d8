package appearance

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"example.com/sidegate/caddymodule/web"
)

// fault is what is wrong with a page that was made: of which element, and which of its
// attributes, if of one. at is nil where it is that something is not there.
type fault struct {
	error
	at        *html.Node
	attribute string
}

func faultAt(at *html.Node, format string, args ...any) error {
	return &fault{error: fmt.Errorf(format, args...), at: at}
}

func faultOf(at *html.Node, attribute, format string, args ...any) error {
	return &fault{error: fmt.Errorf(format, args...), at: at, attribute: attribute}
}

// marks say of elements where in the text of a template they begin.
type marks []web.Source

// marking is the attribute that says so: which source it is, and how far into it.
const marking = "data-begins-at"

var (
	actions = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	begins  = regexp.MustCompile(`<[A-Za-z][A-Za-z0-9:-]*`)
)

// placed is the error with the line of the template where what is wrong begins. For that
// the pages are made again, of templates whose elements say where they are from.
func placed(a web.Appearance, err error) error {
	first, ok := errors.AsType[*fault](err)
	if !ok {
		return err // it has its line, where there is one
	}
	m := marks{a.Layout}
	a.Layout = m.mark(0)
	a.Pages = maps.Clone(a.Pages)
	for _, page := range slices.Sorted(maps.Keys(a.Pages)) {
		m = append(m, a.Pages[page])
		a.Pages[page] = m.mark(len(m) - 1)
	}
	look, failed := web.NewLook(a)
	if failed != nil {
		return err
	}
	again, ok := errors.AsType[*fault](look.Try(markupOf(look).check))
	if !ok || again.Error() != first.Error() {
		return err
	}
	if place := m.of(again); place != "" {
		return fmt.Errorf("%s: %w", place, again)
	}
	if file, whole := strings.CutSuffix(err.Error(), ": "+first.Error()); whole && first.at != nil && first.at.Data == "html" {
		return fmt.Errorf("%s:1: %w", file, first) // a browser puts it in where there is none
	}
	return err
}

// mark is the source with the mark in every element.
func (m marks) mark(i int) web.Source {
	source := m[i]
	blank := actions.ReplaceAllStringFunc(source.Text, func(action string) string { return strings.Repeat(" ", len(action)) })
	var text strings.Builder
	end := 0
	for _, tag := range begins.FindAllStringIndex(blank, -1) {
		text.WriteString(source.Text[end:tag[1]])
		fmt.Fprintf(&text, " %s=%d-%d ", marking, i, tag[0])
		end = tag[1]
	}
	source.Text = text.String() + source.Text[end:]
	return source
}

// of is the file and the line; empty where that cannot be told.
func (m marks) of(f *fault) string {
	if f.at == nil {
		return ""
	}
	which, offset, _ := strings.Cut(attribute(f.at, marking), "-")
	i, err := strconv.Atoi(which)
	from, err2 := strconv.Atoi(offset)
	if err != nil || err2 != nil || i >= len(m) || from > len(m[i].Text) {
		return ""
	}
	element, _, _ := strings.Cut(m[i].Text[from+1:], "<")
	name := regexp.MustCompile(`(?i)[\s/]` + regexp.QuoteMeta(f.attribute) + `[\s=/>]`)
	if in := name.FindStringIndex(element); f.attribute != "" && in != nil {
		from += len("<") + in[0] + 1
	}
	return fmt.Sprintf("%s:%d", m[i].File, 1+strings.Count(m[i].Text[:from], "\n"))
}
