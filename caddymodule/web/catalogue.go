package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strconv"
	"strings"
)

// catalogue is the texts of one language by their keys.
type catalogue map[string]string

func mustCatalogue(tag string) catalogue {
	var c catalogue
	if err := json.Unmarshal(mustRead("texts/"+tag+".json"), &c); err != nil {
		panic(err) // not at run time: it is in the binary
	}
	return c
}

// language is the texts of one language, and the templates that speak it.
type language struct {
	tag     string
	texts   catalogue
	english catalogue // for what is not in texts
	pages   *template.Template
	ours    *template.Template // the same without those of a configuration
}

// newLanguage gives the templates the texts of a language. They were never executed
// themselves, or they could not be copied.
func (l *Look) newLanguage(tag string, texts, english catalogue, templates *template.Template) *language {
	of := &language{tag: tag, texts: texts, english: english}
	of.pages, of.ours = speaking(templates, l.functions(of)), speaking(ownPages, l.functions(of))
	return of
}

// text is the text of that key with the arguments in it.
func (l *language) text(key string, args ...string) (string, error) {
	return l.fill(key, func(s string) string { return s }, args)
}

// say is text for the templates, which have more than texts to show.
func (l *language) say(key string, args ...any) (string, error) {
	return l.text(key, texts(args)...)
}

// emphasise is say with the arguments in <strong>. What is not markup of this line
// is escaped: nothing that is shown can be more than text (CVE-2024-21496).
func (l *language) emphasise(key string, args ...any) (template.HTML, error) {
	shown := texts(args)
	for i, arg := range shown {
		shown[i] = "<strong>" + template.HTMLEscapeString(arg) + "</strong>"
	}
	text, err := l.fill(key, template.HTMLEscapeString, shown)
	return template.HTML(text), err //nolint:gosec // escaped above
}

// fill puts the arguments into the text of that key, which is put into form before.
// What an argument says is not looked at for places of others.
func (l *language) fill(key string, form func(string) string, args []string) (string, error) {
	text, ok := l.texts[key]
	if !ok {
		text, ok = l.english[key]
	}
	if !ok {
		return "", fmt.Errorf("there is no text %q", key)
	}
	text = form(text)
	if len(args) == 0 {
		return text, nil
	}
	places := make([]string, 0, 2*len(args))
	for i, arg := range args {
		places = append(places, "{"+strconv.Itoa(i)+"}", arg)
	}
	return strings.NewReplacer(places...).Replace(text), nil
}

func texts(args []any) []string {
	said := make([]string, len(args))
	for i, arg := range args {
		said[i] = fmt.Sprint(arg)
	}
	return said
}
