package appearance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/ownfile"
	"example.com/sidegate/caddymodule/web"
)

// What the folder may hold.
const (
	largestFile = 256 << 10
	mostFiles   = 64
)

// The files of the folder that are no page and no language.
const (
	layoutFile = "layout.html"
	styleFile  = "style.css"
)

// readFolder reads all files of the folder. Names that begin with a dot are nothing of
// ours: Kubernetes has the files of a volume behind such links.
func readFolder(folder ownfile.Named, a *web.Appearance) error {
	// Links lead nowhere but into the folder: whoever may write into it could have any
	// file of this machine read out in a page.
	root, err := os.OpenRoot(folder.Path)
	if err != nil {
		return directive.LookedIn(notThere(folder, err))
	}
	defer func() { _ = root.Close() }()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return notThere(folder, err)
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), ".") })
	if len(entries) == 0 {
		return fmt.Errorf("%s has no file: %s", folder, known())
	}
	if len(entries) > mostFiles {
		return fmt.Errorf("%s has more than %d files: %s", folder, mostFiles, known())
	}
	for _, entry := range entries {
		if err := readEntry(root, entry.Name(), folder, a); err != nil {
			return err
		}
	}
	return nil
}

// notThere is an error of opening the folder, by its name: that of a file without an
// ending may be a password, and folders have none.
func notThere(folder ownfile.Named, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return folder.Err(err)
	}
	return &fs.PathError{Op: "open", Path: folder.String(), Err: reason(err)}
}

// known is what may be there.
func known() string {
	return "there may be " + layoutFile + ", " + styleFile + ", a language such as fr.json, and the pages " + strings.Join(web.Pages(), ".html, ") + ".html"
}

func readEntry(root *os.Root, name string, folder ownfile.Named, a *web.Appearance) error {
	file := filepath.Join(folder.String(), name)
	page, isPage := strings.CutSuffix(name, ".html")
	tag, isLanguage := strings.CutSuffix(name, ".json")
	switch {
	case name == layoutFile, name == styleFile:
	case isPage && slices.Contains(web.Pages(), page):
	case isLanguage && isLanguageOf(tag):
	case isLanguage:
		return fmt.Errorf("%s: %q is no language as browsers ask for them: name the file by its tag, such as fr.json for French or pt-BR.json "+
			"for the Portuguese of Brazil (BCP 47)", file, tag)
	case isPage:
		return fmt.Errorf("%s: there is no page %q%s", file, page, meant(page, web.Pages()))
	default:
		return fmt.Errorf("%s: no such file is known here: %s", file, known())
	}
	text, err := readIn(root, name, file)
	if err != nil {
		return err
	}
	switch {
	case name == layoutFile:
		a.Layout = web.Source{File: file, Text: text}
	case name == styleFile:
		if err := checkStyle(text); err != nil {
			return fmt.Errorf("%s:%w", file, err)
		}
		a.Style += text
	case isPage:
		if a.Pages == nil {
			a.Pages = map[string]web.Source{}
		}
		a.Pages[page] = web.Source{File: file, Text: text}
	default:
		texts, err := readTexts(text)
		if err != nil {
			return fmt.Errorf("%s:%w", file, err)
		}
		return addLanguage(a, tag, texts, file)
	}
	return nil
}

// isLanguageOf reports whether a browser may ask for that language. All have two letters
// or three (ISO 639), so french is none, nor is x; only i and x go before others, and
// nothing ends with a letter that does (RFC 5646 section 2.2).
func isLanguageOf(tag string) bool {
	parts := strings.Split(tag, "-")
	return web.IsTag(tag) && len(parts[0]) <= 3 && len(parts[len(parts)-1]) > 1
}

func addLanguage(a *web.Appearance, tag string, texts map[string]string, file string) error {
	for _, own := range []string{"en", "de"} {
		if strings.EqualFold(tag, own) {
			tag = own
		}
	}
	if a.Texts == nil {
		a.Texts = map[string]map[string]string{}
	}
	for other := range a.Texts {
		if strings.EqualFold(other, tag) {
			return fmt.Errorf("%s: the language is there twice, in capitals and without", file)
		}
	}
	a.Texts[tag] = texts
	return nil
}

func meant(word string, names []string) string {
	if name, ok := directive.Nearest(word, names); ok {
		return fmt.Sprintf("; is %s meant?", name)
	}
	return "; the pages are " + strings.Join(names, ", ")
}

// readIn reads a plain file of the folder, with the ends of lines as a browser reads
// them: the policy names a style sheet by the hash of that (HTML section 13.2.3.5).
func readIn(root *os.Root, name, file string) (string, error) {
	info, err := root.Stat(name)
	if err != nil {
		if _, link := root.Readlink(name); link == nil {
			return "", fmt.Errorf("%s: the link leads out of the folder, or nowhere: put the file itself there", file)
		}
		return "", fmt.Errorf("%s: %w", file, reason(err))
	}
	switch {
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is no plain file: put one in its place, or take it away", file)
	case info.Size() > largestFile:
		return "", fmt.Errorf("%s has %d bytes, and may have %d", file, info.Size(), largestFile)
	}
	opened, err := root.Open(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, reason(err))
	}
	defer func() { _ = opened.Close() }()
	text, err := io.ReadAll(io.LimitReader(opened, largestFile+1))
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", file, reason(err))
	case len(text) > largestFile:
		return "", fmt.Errorf("%s has more than %d bytes", file, largestFile)
	case len(bytes.TrimSpace(text)) == 0:
		return "", fmt.Errorf("%s is empty: write it, or take it away", file)
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		return "", fmt.Errorf("%s is no text in UTF-8", file)
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text)), nil
}

// reason is an error without the name of the file, which is said otherwise.
func reason(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}
