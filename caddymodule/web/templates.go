package web

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"text/template/parse"
)

// functions are what the templates have to say things by.
func (l *Look) functions(of *language) template.FuncMap {
	a := l.appearance
	return template.FuncMap{
		// Texts of the catalogue: t as it is, tb with what is put into it in bold.
		"t": of.say, "tb": of.emphasise,
		// The language of the page, and in which direction it is written.
		"lang": func() string { return of.tag }, "dir": of.direction,
		// What the configuration says of the appearance.
		"name": func() string { return a.Name }, "logo": func() template.URL { return a.Logo }, "icon": a.icon,
		"help": func() string { return a.Help }, "helpURL": func() string { return a.HelpURL },
		// What a policy allows by its hash.
		"style":  func() template.CSS { return l.style },
		"submit": func() template.JS { return submit }, "goOn": func() template.JS { return goOn },
		"signIn": func() template.JS { return signIn }, "depart": func() template.JS { return depart }, "sendOnce": func() template.JS { return sendOnce },
		"takeAlong": func() template.JS { return takeAlong },
	}
}

// defaultAccent is the accent of our own style sheet in the light.
const defaultAccent = "#1d5fbf"

// icon is our own mark for the list of tabs, in the accent.
func (a Appearance) icon() template.URL {
	fill := strings.TrimPrefix(cmp.Or(a.Accent, defaultAccent), "#")
	return template.URL("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E" + //nolint:gosec // a colour is six digits
		"%3Crect width='32' height='32' rx='8' fill='%23" + fill + "'/%3E%3Cpath d='M9 25V15a7 7 0 0 1 14 0v10M16 25V15' fill='none' " +
		"stroke='%23fff' stroke-width='3' stroke-linecap='round'/%3E%3C/svg%3E")
}

// rightToLeft are the languages that are written so.
var rightToLeft = []string{"ar", "arc", "ckb", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"}

func (l *language) direction() string {
	tag, _, _ := strings.Cut(strings.ToLower(l.tag), "-")
	if slices.Contains(rightToLeft, tag) {
		return "rtl"
	}
	return "ltr"
}

// ownPages are the templates as they are in the binary; no language speaks them yet.
var ownPages = template.Must(template.New("").Funcs(new(Look).functions(new(language))).Funcs(docsFunctions).ParseFS(files, "pages/*.html"))

// templates are our own, with those of the configuration in the place of some.
func (a Appearance) templates() (*template.Template, error) {
	all := template.Must(ownPages.Clone())
	if a.Layout.Text != "" {
		trees, err := a.Layout.parse()
		if err != nil {
			return nil, err
		}
		delete(trees, a.Layout.File) // what is not in a definition is nowhere
		for name, tree := range trees {
			if !slices.Contains(Parts(), name) {
				return nil, fmt.Errorf("%s: it defines %q, which is no part of a page: those are %s", a.Layout.File, name, strings.Join(Parts(), ", "))
			}
			if err := replace(all, name, tree); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Pages)) {
		trees, err := a.Pages[name].parse()
		if err != nil {
			return nil, err
		}
		for defined, tree := range trees {
			if defined == a.Pages[name].File {
				defined = name
			} else if ownPages.Lookup(defined) != nil {
				return nil, fmt.Errorf("%s: it defines %q, which all pages have: give it a name of its own, or define it in layout.html", a.Pages[name].File, defined)
			}
			if err := replace(all, defined, tree); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func replace(all *template.Template, name string, tree *parse.Tree) error {
	_, err := all.AddParseTree(name, tree)
	return err
}

// Parts are what layout.html may define: what all pages have.
func Parts() []string { return []string{"brand", "help", "mark", "of", "top"} }

// parse reads the template; its main part goes by the name of its file.
func (s Source) parse() (map[string]*parse.Tree, error) {
	read, err := template.New(s.File).Funcs(new(Look).functions(new(language))).Parse(s.Text)
	if err != nil {
		return nil, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "template: "))
	}
	trees := map[string]*parse.Tree{}
	for _, t := range read.Templates() {
		if t.Tree != nil {
			bound(t.Tree.Root)
			trees[t.Name()] = t.Tree
		}
	}
	return trees, nil
}
