package web

import (
	"embed"
	"html/template"
	"maps"
	"net/http"
	"slices"
)

//go:embed pages texts
var files embed.FS

// Look is how the pages of a gateway look and speak: whose they are, their style
// sheet, and their texts in each language. It is made once, and nil is the plain one.
type Look struct {
	appearance  Appearance
	style       template.CSS
	styleSource string // the style sheet as a source in a Content-Security-Policy
	languages   languages
}

// Appearance is what a configuration says of its pages. The zero value is the plain one.
type Appearance struct {
	// Name is what one signs in to. Empty: it is not said.
	Name string
	// Logo stands in the place of our own mark, as a data: URL. Empty: it does not.
	Logo template.URL
	// Accent is the colour of our own mark in the list of tabs, such as #1d5fbf.
	Accent string
	// Help says whom to ask. With HelpURL it is what leads there.
	Help, HelpURL string
	// Style is added to our own style sheet.
	Style string
	// Pages stand in the place of ours, by their names, and Layout in that of what
	// all pages have.
	Pages  map[string]Source
	Layout Source
	// Texts are the texts of languages by tag: what there is not is said in English.
	Texts map[string]map[string]string
	// Trouble is told of a template that failed by what no sample had, with its file and
	// line; people got our page in the place of its own. Nil: nobody is.
	Trouble func(error)
}

// Source is the text of a template, with the file that it is from.
type Source struct{ File, Text string }

// plain is the look of a gateway that says nothing of its looks.
var plain = func() *Look {
	l, err := NewLook(Appearance{})
	if err != nil {
		panic(err) // not at run time: all of it is in the binary
	}
	return l
}()

// NewLook makes the look. An error is of a template, and begins with its file and line.
func NewLook(a Appearance) (*Look, error) {
	templates, err := a.templates()
	if err != nil {
		return nil, err
	}
	style := string(mustRead("pages/style.css")) + a.Style
	l := &Look{appearance: a, style: template.CSS(style), styleSource: source(style)} //nolint:gosec // our own file, and the operator's
	english := merge(mustCatalogue("en"), a.Texts["en"])
	for _, tag := range a.tags() {
		texts := a.Texts[tag]
		if slices.Contains(spoken, tag) {
			texts = merge(mustCatalogue(tag), texts)
		}
		l.languages = append(l.languages, l.newLanguage(tag, texts, english, templates))
	}
	return l, nil
}

// spoken are the languages of our own, that for who wants none of them first.
var spoken = []string{"en", "de"}

// tags are the languages that there are.
func (a Appearance) tags() []string {
	tags := slices.Clone(spoken)
	for _, tag := range slices.Sorted(maps.Keys(a.Texts)) {
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags
}

func merge(texts, over map[string]string) catalogue {
	merged := maps.Clone(texts)
	maps.Copy(merged, over)
	return merged
}

// mustRead reads a file that is embedded.
func mustRead(name string) []byte {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // not at run time: it is in the binary
	}
	return text
}

func (l *Look) orPlain() *Look {
	if l == nil {
		return plain
	}
	return l
}

// For is the look in the language of who asks. Every page takes it for its Write.
func (l *Look) For(r *http.Request) View {
	l = l.orPlain()
	return View{l, l.languages.negotiate(r.Header.Values("Accept-Language"))}
}

// english is the look in English, for what is in no other language.
func (l *Look) english() View {
	l = l.orPlain()
	for _, language := range l.languages {
		if language.tag == "en" {
			return View{l, language}
		}
	}
	return View{l, l.languages[0]}
}

// View is a Look in one language. The zero value is the plain one in English.
type View struct {
	look     *Look
	language *language
}

func (v View) orPlain() View {
	if v.look == nil {
		return View{plain, plain.languages[0]}
	}
	return v
}

// Language is the tag of the view's language, such as de (RFC 5646).
func (v View) Language() string { return v.orPlain().language.tag }

// Text is the text of that key in the view's language, with the arguments in the
// places of {0}, {1} and so on. A key that is not in its catalogue is said in
// English, and one that is in none is said itself.
func (v View) Text(key string, args ...string) string {
	text, err := v.orPlain().language.text(key, args...)
	if err != nil {
		return key // a test holds that no such key is in the program
	}
	return text
}
