package web

import (
	"embed"
	"html/template"
	"net/http"
)

//go:embed pages texts
var files embed.FS

// Look is how the pages of a gateway look and speak: whose they are, their style
// sheet, and their texts in each language. It is made once, and nil is the plain one.
type Look struct {
	style       template.CSS
	styleSource string // the style sheet as a source in a Content-Security-Policy
	languages   languages
}

// plain is the look of a gateway that says nothing of its looks.
var plain = newPlain()

func newPlain() *Look {
	style := mustRead("pages/style.css")
	l := &Look{style: template.CSS(style), styleSource: source(string(style))} //nolint:gosec // our own file
	english := mustCatalogue("en")
	for _, tag := range []string{"en", "de"} {
		l.languages = append(l.languages, l.newLanguage(tag, mustCatalogue(tag), english, ownPages))
	}
	return l
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
