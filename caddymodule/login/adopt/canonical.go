package adopt

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonical are the cookies as the other gateway may read them: a long one that was
// cut into numbered parts (name_0, name_1) is one, and a value is what its texts in
// base64 decode to. Who spells a cookie otherwise has no other cookie, and is not
// adopted by it a second time. But the cookies of two people may read alike, too:
// see Marks.Alike.
func canonical(p Presented) (read Presented) {
	parts := make(map[string][]part)
	for _, c := range p {
		if base, number, ok := numbered(c.Name); ok {
			parts[base] = append(parts[base], part{number, c.Value})
			continue
		}
		read = append(read, Cookie{c.Name, decoded(c.Value)})
	}
	for base, cut := range parts {
		slices.SortFunc(cut, func(a, b part) int { return a.number - b.number })
		var value strings.Builder
		for _, one := range cut {
			value.WriteString(one.value)
		}
		read = append(read, Cookie{base, decoded(value.String())})
	}
	slices.SortFunc(read, func(a, b Cookie) int {
		if order := strings.Compare(a.Name, b.Name); order != 0 {
			return order
		}
		return strings.Compare(a.Value, b.Value)
	})
	return read
}

// part is one of a cookie that was cut.
type part struct {
	number int
	value  string
}

// numbered reads the name of a part.
func numbered(name string) (base string, number int, ok bool) {
	at := strings.LastIndexByte(name, '_')
	if at <= 0 {
		return "", 0, false
	}
	number, err := strconv.Atoi(name[at+1:])
	return name[:at], number, err == nil && number >= 0
}

// separators stand between the texts of which gateways make a value.
const separators = "|.:~"

// decoded is a value with its texts in base64 written in one way: without padding, in
// one alphabet, and without the bits at the end that mean nothing.
func decoded(value string) string {
	if plain, err := url.PathUnescape(value); err == nil {
		value = plain
	}
	value = strings.Trim(value, `"`)
	var b strings.Builder
	for value != "" {
		end := strings.IndexAny(value, separators)
		if end < 0 {
			end = len(value)
		}
		b.WriteString(oneSpelling(value[:end]))
		if end < len(value) {
			b.WriteByte(value[end])
			end++
		}
		value = value[end:]
	}
	return b.String()
}

func oneSpelling(text string) string {
	if strings.Trim(text, "0123456789") == "" {
		return text // a time: other digits are another one
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "=")))
	if err != nil {
		return text
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}
