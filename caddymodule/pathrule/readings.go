package pathrule

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// A path that a person or a program writes has a handful of readings; one made
// to have more is refused every opening and asked for every demand.
const (
	maxReadings = 64
	maxBytes    = 128 << 10
)

// Plain reports whether the path has one reading, which is u.Path. It costs no
// allocation. It may deny it of a path that has one reading all the same.
func Plain(u *url.URL) bool {
	path := u.Path
	if u.RawPath != "" || path == "" || path[0] != '/' {
		return false
	}
	var before byte
	for i := range len(path) {
		c := path[i]
		switch {
		case c < ' ', c >= 0x7f, c == '%', c == ';', c == '\\', c == '?', c == '#':
			return false
		case before == '/' && (c == '/' || c == '.' || c == '('), c == '/' && (before == '.' || before == ' '):
			return false
		case c == '$' && before == ':', c == '/' && isScript(path[:i]):
			return false
		}
		before = c
	}
	return before != '.' && before != ' '
}

// Readings are all that programs could take the path of u for, each once, the
// one as it came first. Not all of them are there when more is true: the path
// was made to have too many.
//
// In each of them the letters that need no encoding are decoded; a "%" that is
// left belongs to a character that means something else when it is decoded.
func Readings(u *url.URL) (readings []string, more bool) {
	b := read(u)
	return b.readings, b.full
}

// read finds the readings, in the order of what they are made by: see steps,
// moves and asides.
func read(u *url.URL) *book {
	b := &book{seen: make(map[string]struct{})}
	b.add(spelt(u))
	b.close(steps, 0)
	b.here = len(b.readings)
	all := slices.Concat(steps, moves)
	b.close(all, len(steps))
	b.firm = len(b.readings)
	b.close(slices.Concat(all, asides), len(all))
	return b
}

// book keeps readings in the order in which they were found.
type book struct {
	readings []string
	seen     map[string]struct{}
	here     int // so many of them are made without moves
	firm     int // so many without asides: what is open is so in each of these
	bytes    int
	full     bool
}

func (b *book) add(reading string) {
	if _, known := b.seen[reading]; known || b.full {
		return
	}
	if b.bytes += len(reading); b.bytes > maxBytes || len(b.readings) == maxReadings {
		b.full = true
		return
	}
	b.seen[reading] = struct{}{}
	b.readings = append(b.readings, reading)
}

// close adds what becomes of the readings by any steps in any order: a request
// may pass several programs. Those that are there already are closed under the
// first known steps.
func (b *book) close(steps []func(string) string, known int) {
	closed := len(b.readings)
	if known == 0 {
		closed = 0
	}
	for i := 0; i < len(b.readings); i++ {
		from := 0
		if i < closed {
			from = known
		}
		for _, step := range steps[from:] {
			b.add(step(b.readings[i]))
		}
	}
}

// spelt is the path as it is sent on, but for letters that were encoded without
// need: every program reads those the same way.
func spelt(u *url.URL) string {
	raw := u.EscapedPath()
	if u.Opaque != "" {
		raw = u.Opaque // GET http:admin, which is sent on as "admin"
	}
	if raw != "*" && !strings.HasPrefix(raw, "/") {
		raw = "/" + raw
	}
	return decodeBut(raw, func(c byte) bool {
		return c < ' ' || c == 0x7f || strings.IndexByte(`/\.;%?#`, c) >= 0
	})
}

// decode decodes once, with or without the slashes, and Microsoft's %u002f too.
func decode(path string, slashes bool) string {
	path = decodeUTF16(path)
	return decodeBut(path, func(c byte) bool { return c == '/' && !slashes })
}

// decodeBut decodes what is encoded but those that are kept.
func decodeBut(path string, kept func(byte) bool) string {
	if strings.IndexByte(path, '%') < 0 {
		return path
	}
	var to strings.Builder
	for i := 0; i < len(path); i++ {
		if c, ok := encoded(path[i:]); ok && !kept(c) {
			to.WriteByte(c)
			i += 2
			continue
		}
		to.WriteByte(path[i])
	}
	return to.String()
}

// encoded is the byte that an encoding at the start of the text stands for.
func encoded(text string) (c byte, ok bool) {
	if len(text) < 3 || text[0] != '%' {
		return 0, false
	}
	high, low := hex(text[1]), hex(text[2])
	return byte(high<<4 | low), high >= 0 && low >= 0
}

func decodeUTF16(path string) string {
	if !strings.Contains(path, "%u") && !strings.Contains(path, "%U") {
		return path
	}
	var to strings.Builder
	for i := 0; i < len(path); i++ {
		if i+6 <= len(path) && path[i] == '%' && path[i+1]|0x20 == 'u' {
			if r, ok := hexRune(path[i+2 : i+6]); ok {
				to.WriteRune(r)
				i += 5
				continue
			}
		}
		to.WriteByte(path[i])
	}
	return to.String()
}

func hexRune(digits string) (r rune, ok bool) {
	for i := range len(digits) {
		d := hex(digits[i])
		if d < 0 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, utf8.ValidRune(r)
}

// hex is the value of a hex digit, or -1.
func hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
