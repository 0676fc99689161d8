package pathrule

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// steps are what programs do to a path. Each leaves a path alone that it has
// nothing to do with. They decode as often as there is something to decode: by
// the server of the app, by the app itself, and by whoever stands between.
var steps = []func(string) string{
	decodeBySlashes(false), decodeBySlashes(true),
	compatible, withoutBreaks, backslashes, withoutParameters, withoutStreams, merged, resolved, withoutSpacedDots, withoutTrailingDots,
	withoutAuthority, cutAt("?"), cutAt("#"), cutAt("\x00"),
}

func decodeBySlashes(slashes bool) func(string) string {
	return func(path string) string { return decode(path, slashes) }
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

// withoutStreams drops the stream of a file from names: to Windows
// admin::$INDEX_ALLOCATION is admin.
func withoutStreams(path string) string {
	return eachSegment(path, ":$", func(segment string) string {
		if name, stream, found := strings.Cut(segment, ":"); found && strings.Contains(":"+stream, ":$") {
			return name
		}
		return segment
	})
}

// withoutSpacedDots takes ".. " for "..", as Windows does.
func withoutSpacedDots(path string) string {
	return eachSegment(path, " ", func(segment string) string {
		if bare := strings.TrimRight(segment, " "); bare == "." || bare == ".." {
			return bare
		}
		return segment
	})
}

// eachSegment makes something of each segment of a path that has the mark.
func eachSegment(path, mark string, of func(string) string) string {
	if !strings.Contains(path, mark) {
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = of(segment)
	}
	return strings.Join(segments, "/")
}

// cutAt ends a path at a character that was decoded too early.
func cutAt(end string) func(string) string {
	return func(path string) string {
		before, _, _ := strings.Cut(path, end)
		return before
	}
}

// compatible takes characters beyond ASCII for those that they are normalised to
// (NFKC, "best fit"), leaves out those that are not to be seen (a soft hyphen, a
// zero width space), and reads overlong UTF-8.
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
		c, long := overlong(path[i:])
		switch {
		case r != utf8.RuneError || size != 1:
			to.WriteString(alike(path[i:i+size], r))
		case long > 0:
			to.WriteByte(c)
			size = long
		default:
			to.WriteByte(path[i])
		}
		i += size
	}
	return norm.NFKC.String(to.String())
}

// alike is what is read where that character is written.
func alike(written string, r rune) string {
	switch {
	case r < utf8.RuneSelf:
		return written
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
		return ""
	}
	normal := norm.NFKC.String(written)
	return bestFit.Replace(normal)
}

// bestFit are characters that are no others by NFKC, but are taken for those of
// ASCII where text is put into another encoding.
var bestFit = strings.NewReplacer("\u2044", "/", "\u2215", "/", "\u2216", `\`)

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
