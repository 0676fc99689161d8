package appearance

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// checkStyle refuses what would end the style sheet, and what it would load: no page of
// ours asks anybody for anything. An error begins with the line.
func checkStyle(css string) error {
	s := &sheet{rest: css}
	for s.rest != "" {
		line := 1 + strings.Count(css[:len(css)-len(s.rest)], "\n")
		if err := s.next(); err != nil {
			return fmt.Errorf("%d: %w", line, err)
		}
	}
	return nil
}

// sheet is what is left of a style sheet.
type sheet struct{ rest string }

// What loads something, beside url().
var (
	loadingRules     = []string{"@import", "@font-face", "@namespace"}
	loadingFunctions = []string{"image-set", "-webkit-image-set", "image", "src", "cross-fade", "-webkit-cross-fade", "url-prefix", "domain"}
)

const picture = "data:image/"

var errPicture = errors.New("no page loads a picture: put it into the style sheet, as url(data:image/png;base64,...)")

// next takes the next word off: what is no text, comment or name is one character.
func (s *sheet) next() error {
	switch c := s.rest[0]; {
	case strings.HasPrefix(s.rest, "/*"):
		return s.comment()
	case c == '"' || c == '\'':
		_, err := s.text()
		return err
	case c == '\\':
		// A name can be spelled so in a thousand ways, and all of them are that name (CSS
		// Syntax Module Level 3 section 4.3.7).
		return errors.New("outside of texts in quotes there are no backslashes: write the letter itself")
	case c == '<' && (strings.HasPrefix(s.rest, "<!--") || strings.HasPrefix(s.rest, "</")):
		return errMarkup
	case inName(c) || c == '@':
		return s.name()
	}
	s.rest = s.rest[1:]
	return nil
}

var errMarkup = errors.New("a style sheet has no markup in it")

func (s *sheet) comment() error {
	inside, rest, ends := strings.Cut(s.rest[2:], "*/")
	if !ends {
		return errors.New("a comment does not end")
	}
	s.rest = rest
	return noMarkup(inside)
}

// noMarkup holds for texts and comments too: a browser reads markup first.
func noMarkup(text string) error {
	if lower := strings.ToLower(text); strings.Contains(lower, "</style") || strings.Contains(lower, "<!--") {
		return errMarkup
	}
	return nil
}

// text takes a text in quotes off.
func (s *sheet) text() (string, error) {
	for i := 1; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '\\':
			i++
		case '\n':
			return "", errUnended
		case s.rest[0]:
			text := s.rest[1:i]
			s.rest = s.rest[i+1:]
			return text, noMarkup(text)
		}
	}
	return "", errUnended
}

var errUnended = errors.New("a text in quotes does not end in its line")

func inName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c >= 0x80
}

// name takes a name off, with the @ in front of a rule's, and what is in a url().
func (s *sheet) name() error {
	end := 1
	for end < len(s.rest) && inName(s.rest[end]) {
		end++
	}
	name := strings.ToLower(s.rest[:end])
	s.rest = s.rest[end:]
	calls := strings.HasPrefix(s.rest, "(")
	switch {
	case slices.Contains(loadingRules, name):
		return errors.New("no page loads another style sheet or a font: take it away, and name fonts that people have")
	case calls && slices.Contains(loadingFunctions, name):
		return errPicture
	case calls && name == "url":
		return s.address()
	}
	return nil
}

// address takes off what is in the parentheses of a url.
func (s *sheet) address() error {
	s.rest = strings.TrimLeft(s.rest[1:], " \t\n\f")
	if strings.HasPrefix(s.rest, `"`) || strings.HasPrefix(s.rest, "'") {
		text, err := s.text()
		if err == nil && !isPicture(text) {
			err = errPicture
		}
		return err
	}
	text, rest, ends := strings.Cut(s.rest, ")")
	switch {
	case !isPicture(text):
		return errPicture
	case !ends || strings.ContainsAny(text, "\"'(\\\n"):
		return errors.New("what is in this url() needs quotes around it")
	}
	s.rest = rest
	return noMarkup(text)
}

func isPicture(address string) bool {
	return len(address) >= len(picture) && strings.EqualFold(address[:len(picture)], picture)
}
