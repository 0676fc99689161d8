package pathrule

import (
	"strings"
	"unicode/utf8"
)

// steps are what programs do to a path beside decoding it. Each leaves a path
// alone that it has nothing to do with.
var steps = []func(string) string{
	compatible, withoutBreaks, backslashes, withoutParameters, merged, resolved, withoutTrailingDots, withoutAuthority,
	cutAt("?"), cutAt("#"), cutAt("\x00"),
}

// withoutBreaks drops tabs and line ends, as programs do that read a path as a URL
// (WHATWG URL, basic URL parser).
func withoutBreaks(path string) string {
	if !strings.ContainsAny(path, "\t\n\r") {
		return path
	}
	return strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(path)
}

// backslashes takes \ for /, as Windows and browsers do.
func backslashes(path string) string { return strings.ReplaceAll(path, `\`, "/") }

// withoutParameters drops ";..." of each segment, as servlet containers do.
func withoutParameters(path string) string {
	if strings.IndexByte(path, ';') < 0 {
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i], _, _ = strings.Cut(segment, ";")
	}
	return strings.Join(segments, "/")
}

// merged makes one slash of several.
func merged(path string) string {
	if !strings.Contains(path, "//") {
		return path
	}
	var to strings.Builder
	for i := range len(path) {
		if i == 0 || path[i] != '/' || path[i-1] != '/' {
			to.WriteByte(path[i])
		}
	}
	return to.String()
}

// resolved resolves dot segments (RFC 3986, 5.2.4); an empty segment is one
// like others.
func resolved(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	kept := segments[:0]
	for i, segment := range segments {
		last := i == len(segments)-1
		switch segment {
		case ".":
		case "..":
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
		default:
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "") // a directory keeps its slash
		}
	}
	return "/" + strings.Join(kept, "/")
}

// withoutTrailingDots drops dots and spaces at the end of names, which to
// Windows are no part of them.
func withoutTrailingDots(path string) string {
	if !strings.Contains(path+"/", "./") && !strings.Contains(path+"/", " /") {
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if segment != "." && segment != ".." {
			segments[i] = strings.TrimRight(segment, ". ")
		}
	}
	return strings.Join(segments, "/")
}

// withoutAuthority takes what follows // for a host, as a program does that
// resolves the path against an address of its own (new URL(path, base)).
func withoutAuthority(path string) string {
	if !strings.HasPrefix(path, "//") {
		return path
	}
	_, rest, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	return "/" + rest
}

// cutAt ends a path at a character that was decoded too early.
func cutAt(end string) func(string) string {
	return func(path string) string {
		before, _, _ := strings.Cut(path, end)
		return before
	}
}

// compatible takes characters beyond ASCII for those of ASCII that they are
// normalised to (NFKC, "best fit"), and reads overlong UTF-8.
func compatible(path string) string {
	ascii := true
	for i := 0; i < len(path) && ascii; i++ {
		ascii = path[i] < utf8.RuneSelf
	}
	if ascii {
		return path
	}
	var to strings.Builder
	for i := 0; i < len(path); {
		r, size := utf8.DecodeRuneInString(path[i:])
		if c, long := overlong(path[i:]); r == utf8.RuneError && size == 1 && long > 0 {
			to.WriteByte(c)
			i += long
			continue
		}
		if alike, ok := lookalike(r); ok {
			to.WriteString(alike)
		} else {
			to.WriteString(path[i : i+size])
		}
		i += size
	}
	return to.String()
}

// overlong is the ASCII character that is written in two or three bytes at the
// start of the text, and in how many.
func overlong(text string) (c byte, size int) {
	switch {
	case len(text) >= 2 && text[0]&0xfe == 0xc0 && text[1]&0xc0 == 0x80:
		return text[0]&1<<6 | text[1]&0x3f, 2
	case len(text) >= 3 && text[0] == 0xe0 && text[1]&0xfe == 0x80 && text[2]&0xc0 == 0x80:
		return text[1]&1<<6 | text[2]&0x3f, 3
	}
	return 0, 0
}

func lookalike(r rune) (string, bool) {
	switch r {
	case '\u2024', '\ufe52':
		return ".", true
	case '\u2025':
		return "..", true
	case '\u2026':
		return "...", true
	case '\u2044', '\u2215':
		return "/", true
	case '\ufe68', '\u2216':
		return `\`, true
	case '\u037e', '\ufe54':
		return ";", true
	case '\ufe6a':
		return "%", true
	}
	if '\uff01' <= r && r <= '\uff5e' {
		return string(r - '\uff01' + '!'), true
	}
	return "", false
}
