package appearance

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"image"
	_ "image/jpeg" // pictures of people's own
	_ "image/png"
	"io"
	"os"
	"strings"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/ownfile"
)

// A picture stands in every page that shows it.
const (
	largestPicture = 64 << 10
	mostPixels     = 4096 // across and down
)

// Picture reads a picture file, SVG, PNG, JPEG or WebP, by what is in it and whatever
// it is called, as the URL of itself.
func Picture(file ownfile.Named) (template.URL, error) {
	text, err := readRegular(file, largestPicture)
	if err != nil {
		return "", err
	}
	media, err := mediaOf(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return template.URL("data:" + media + ";base64," + base64.StdEncoding.EncodeToString(text)), nil //nolint:gosec // a picture, as was seen
}

// readRegular reads a plain file of at most that many bytes: a pipe would be waited
// for without end.
func readRegular(file ownfile.Named, most int64) ([]byte, error) {
	info, err := os.Stat(file.Path)
	switch {
	case err != nil:
		return nil, directive.LookedIn(file.Err(err))
	case !info.Mode().IsRegular():
		return nil, file.Err(ownfile.Instead(file.Path, info))
	case info.Size() > most:
		return nil, fmt.Errorf("%s has %d bytes, and may have %d: make it smaller", file, info.Size(), most)
	}
	text, err := file.Read()
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s has more than %d bytes: make it smaller", file, most)
	}
	return text, err
}

func mediaOf(text []byte) (media string, err error) {
	if bytes.HasPrefix(text, []byte("RIFF")) {
		return "image/webp", checkWebP(text)
	}
	if shape, kind, err := image.DecodeConfig(bytes.NewReader(text)); err == nil && (kind == "png" || kind == "jpeg") {
		return "image/" + kind, checkShape(shape.Width, shape.Height)
	}
	if err := checkSVG(text); err != nil {
		return "", err
	}
	return "image/svg+xml", nil
}

func checkShape(across, down int) error {
	if across < 1 || down < 1 || across > mostPixels || down > mostPixels {
		return fmt.Errorf("the picture has %d times %d pixels, and may have %d times %d: make it smaller", across, down, mostPixels, mostPixels)
	}
	return nil
}

// checkWebP looks at the head of the file (RFC 9649 section 2).
func checkWebP(text []byte) error {
	if len(text) < 30 || string(text[8:12]) != "WEBP" || uint64(binary.LittleEndian.Uint32(text[4:8]))+8 > uint64(len(text)) {
		return errNoPicture
	}
	switch string(text[12:16]) {
	case "VP8X":
		three := func(at int) int { return int(text[at]) | int(text[at+1])<<8 | int(text[at+2])<<16 }
		return checkShape(three(24)+1, three(27)+1)
	case "VP8L":
		bits := binary.LittleEndian.Uint32(text[21:25])
		return checkShape(int(bits&0x3fff)+1, int(bits>>14&0x3fff)+1)
	case "VP8 ":
		return checkShape(int(binary.LittleEndian.Uint16(text[26:28])&0x3fff), int(binary.LittleEndian.Uint16(text[28:30])&0x3fff))
	}
	return errNoPicture
}

var errNoPicture = errors.New("this is no picture of a kind that is known: give an SVG, PNG, JPEG or WebP file")

// checkSVG refuses an SVG that does more than show itself. As a picture of a page a
// browser runs no script of it and asks nobody for it, but what would not be seen is
// said, and a file that is opened by itself would do both (SVG 2 section 2.2.1).
func checkSVG(text []byte) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	for root := true; ; {
		next, err := d.Token()
		if errors.Is(err, io.EOF) {
			if root {
				return errNoPicture
			}
			return nil
		}
		line, _ := d.InputPos()
		switch t := next.(type) {
		case xml.StartElement:
			if root && (t.Name.Local != "svg" || t.Name.Space != "http://www.w3.org/2000/svg") {
				return errNoPicture
			}
			root = false
			err = checkElement(t)
		case xml.CharData:
			err = checkReferences(string(t))
		case xml.Directive:
			if bytes.ContainsAny(t, "[") {
				err = errors.New("it has entities of its own, which can make any length of text: export it without")
			}
		case xml.ProcInst:
			if t.Target != "xml" {
				err = errOutside
			}
		}
		if err != nil {
			if root {
				return errNoPicture
			}
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

var errOutside = errors.New("it refers to what lies outside of it, which no page would show: export it with all that it needs in it")

// active are elements that do something, or show something of elsewhere.
var active = map[string]bool{"script": true, "foreignobject": true, "iframe": true, "object": true, "embed": true, "audio": true, "video": true, "handler": true, "listener": true}

func checkElement(e xml.StartElement) error {
	if active[strings.ToLower(e.Name.Local)] {
		return fmt.Errorf("it has a <%s>, which a picture must not have: export it as plain SVG", e.Name.Local)
	}
	for _, a := range e.Attr {
		name := strings.ToLower(a.Name.Local)
		switch {
		case strings.HasPrefix(name, "on"):
			return fmt.Errorf("it has a handler, %s, which a picture must not have: export it as plain SVG", a.Name.Local)
		case name == "href" || name == "src":
			value := strings.TrimSpace(a.Value)
			if !strings.HasPrefix(value, "#") && !isPictureData(value) {
				return errOutside
			}
		case name != "xmlns" && a.Name.Space != "xmlns":
			if err := checkReferences(a.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func isPictureData(value string) bool {
	for _, kind := range []string{"png", "jpeg", "webp"} {
		if strings.HasPrefix(value, "data:image/"+kind+";base64,") {
			return true
		}
	}
	return false
}

// checkReferences finds what a style sheet would load, in an attribute or in a <style>.
func checkReferences(css string) error {
	lower := strings.ToLower(css)
	if strings.Contains(lower, "@import") || strings.Contains(lower, "@font-face") {
		return errOutside
	}
	for _, rest := range strings.Split(lower, "url(")[1:] {
		if target := strings.TrimLeft(rest, " \t\r\n\"'"); !strings.HasPrefix(target, "#") && !isPictureData(target) {
			return errOutside
		}
	}
	return nil
}
