package source

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// check looks at the values that the template asks for.
func (t Template) check(values map[string]string, rule func(string) error) error {
	for _, p := range t.parts {
		if p.name == "" {
			continue
		}
		if err := rule(values[p.name]); err != nil {
			return fmt.Errorf("{%s} %w", p.name, err)
		}
	}
	return nil
}

func checkInQuery(value string) error {
	if value == "" {
		return errors.New("is not known of this person")
	}
	if strings.ContainsFunc(value, unicode.IsControl) {
		return errors.New("holds a control character")
	}
	return nil
}

func checkInPath(value string) error {
	if err := checkInQuery(value); err != nil {
		return err
	}
	for piece := range strings.SplitSeq(strings.ReplaceAll(value, `\`, "/"), "/") {
		// Some servers leave off what follows a semicolon: "..;x" is ".." there.
		piece, _, _ = strings.Cut(piece, ";")
		if piece == "" || piece == "." || piece == ".." {
			return errors.New("would change the path that is asked for")
		}
	}
	return nil
}

// neverInURL is what RFC 3986 has no place for, and the fragment's #, which is
// not sent. Braces are left to the templates.
func neverInURL(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"#<>\\^`|", r)
}

// encode percent-encodes all but the unreserved characters (RFC 3986 section
// 2.3): that is right in a path segment and in a query alike.
func encode(value string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(value)+16)
	for i := range len(value) {
		c := value[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}
