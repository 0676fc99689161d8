package web

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// Bounds of the fields of a form that is kept. They are those of what stands around:
// PHP, Django, Express and Tomcat read 1,000 fields, and ASP.NET names of 2,048 bytes;
// Chromium lets nobody type more than 524,288 characters into a field of one line.
const (
	keptFields = 1000
	keptName   = 2048
	keptValue  = 512 << 10
)

// keptText bounds what the fields are in a page's HTML, where a quotation mark is five
// bytes: half as much again as a body may have.
const keptText = 3 << 19

// ReadForm reads what a browser writes (URL Standard section 5.2), in order. What
// none writes, or what would be sent otherwise from our page than it came, is not kept
// at all: half a form is worse than none.
func ReadForm(body string) (fields []Field, leftOut []string, lost Lost) {
	if strings.ContainsFunc(body, notOfForms) {
		return nil, nil, LostKind
	}
	if strings.Count(body, "&") >= keptFields {
		return nil, nil, LostSize
	}
	text := 0
	for part := range strings.SplitSeq(body, "&") {
		if body == "" {
			break
		}
		name, value, _ := strings.Cut(part, "=")
		f, err := readField(name, value)
		text += inHTML(f.Name) + inHTML(f.Value)
		switch {
		case err != nil || !comesAsItCame(f):
			return nil, nil, LostKind
		case len(f.Name) > keptName || len(f.Value) > keptValue || text > keptText:
			return nil, nil, LostSize
		case isSecret(f.Name):
			leftOut = append(leftOut, f.Name)
		default:
			fields = append(fields, f)
		}
	}
	return fields, leftOut, ""
}

// inHTML is how long a text is in a page.
func inHTML(text string) int {
	length := len(text)
	for _, c := range []byte(text) {
		if strings.IndexByte(`"'&<>+`, c) >= 0 {
			length += len("&#34;") - 1
		}
	}
	return length
}

func readField(name, value string) (f Field, err error) {
	if f.Name, err = url.QueryUnescape(name); err == nil {
		f.Value, err = url.QueryUnescape(value)
	}
	return f, err
}

// notOfForms are characters that no browser leaves as they are in a form.
func notOfForms(c rune) bool {
	return (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("*-._+%&=", c)
}

// comesAsItCame reports whether a browser sends a hidden field as this one came: text
// in UTF-8 without NUL, with the line breaks of forms, under a name; and of the one
// name that it fills in itself (HTML section 4.10.22.4) with what it fills in.
func comesAsItCame(f Field) bool {
	if f.Name == "" || strings.EqualFold(f.Name, "_charset_") && !strings.EqualFold(f.Value, "utf-8") {
		return false
	}
	both := f.Name + f.Value
	return utf8.ValidString(f.Name) && utf8.ValidString(f.Value) && !strings.Contains(both, "\x00") &&
		!strings.ContainsAny(strings.ReplaceAll(f.Name, "\r\n", "")+strings.ReplaceAll(f.Value, "\r\n", ""), "\r\n")
}
