package appearance

import (
	"errors"
	"fmt"
	"io"
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
}

func markupOf(look *web.Look) markup {
	style, scripts := look.Inline()
	return markup{style, scripts}
}

// check looks at one page, and at ours that it stands for.
func (m markup) check(page, ours string) error {
	forms, err := m.look(page)
	if err != nil {
		return err
	}
	plain, scripts := (*web.Look)(nil).Inline()
	wanted, err := markup{plain, scripts}.look(ours)
	if err != nil {
		return err
	}
	for _, form := range wanted {
		if !slices.ContainsFunc(forms, form.isWithin) {
			return fmt.Errorf("it has no form that posts %s to %s, as the page has without the template", strings.Join(form.fields, ", "), form.action)
		}
	}
	return nil
}

// form is what a page posts.
type form struct {
	action string
	fields []string
}

func (f form) isWithin(other form) bool {
	return other.action == f.action && !slices.ContainsFunc(f.fields, func(name string) bool { return !slices.Contains(other.fields, name) })
}

// look reads a page, and finds its forms.
func (m markup) look(page string) (forms []form, err error) {
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if errors.Is(z.Err(), io.EOF) {
				return forms, nil
			}
			return nil, z.Err()
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			if err := checkTag(tag); err != nil {
				return nil, err
			}
			switch {
			case tag.Data == "form":
				forms = append(forms, form{action: attribute(tag, "action")})
			case (tag.Data == "input" || tag.Data == "button") && len(forms) > 0 && attribute(tag, "name") != "":
				last := &forms[len(forms)-1]
				last.fields = append(last.fields, attribute(tag, "name"))
			case tag.Data == "style" || tag.Data == "script":
				z.Next()
				if err := m.checkInline(tag.Data, string(z.Text())); err != nil {
					return nil, err
				}
			}
		}
	}
}

func attribute(tag html.Token, name string) string {
	for _, a := range tag.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func (m markup) checkInline(kind, text string) error {
	if kind == "script" && !slices.Contains(m.scripts, text) {
		return errors.New("it has a script, which the policy of the pages does not let run")
	}
	if kind == "style" && text != m.style {
		return fmt.Errorf("it has a style sheet of its own, which the policy of the pages does not let in: put it into %s", styleFile)
	}
	return nil
}

// foreign are elements that load something, or run it.
var foreign = []string{"iframe", "frame", "object", "embed", "audio", "video", "base", "applet"}

func checkTag(tag html.Token) error {
	if slices.Contains(foreign, tag.Data) {
		return fmt.Errorf("it has a <%s>, which the policy of the pages does not let in", tag.Data)
	}
	for _, a := range tag.Attr {
		value := strings.ToLower(strings.TrimSpace(a.Val))
		loads := a.Key == "src" || a.Key == "srcset" || a.Key == "poster" || a.Key == "background" || a.Key == "href" && tag.Data == "link"
		switch {
		case a.Key == "style":
			return fmt.Errorf("a <%s> has a style of its own, which the policy of the pages does not let in: give it a class, and put that into %s", tag.Data, styleFile)
		case strings.HasPrefix(a.Key, "on"):
			return fmt.Errorf("a <%s> has a handler, %s, which the policy of the pages does not let run", tag.Data, a.Key)
		case loads && !strings.HasPrefix(value, "data:image/"):
			return fmt.Errorf("a <%s> loads something, and no page of the gateway does: put the picture into the page, as data:image/png;base64,", tag.Data)
		case strings.HasPrefix(value, "javascript:"):
			return fmt.Errorf("a <%s> leads to a script, which the policy of the pages does not let run", tag.Data)
		}
	}
	return nil
}
