package appearance

import (
	"bytes"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/sidegate/caddymodule/ownfile"
)

const plainSVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>`

// inSVG is an SVG with that in it.
func inSVG(text string) string {
	return `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">` + text + `</svg>`
}

func drawn(t *testing.T, kind string) string {
	t.Helper()
	var b bytes.Buffer
	picture := image.NewGray(image.Rect(0, 0, 3, 2))
	err := map[string]func() error{
		"png":  func() error { return png.Encode(&b, picture) },
		"jpeg": func() error { return jpeg.Encode(&b, picture, nil) },
		"gif":  func() error { return gif.Encode(&b, picture, nil) },
	}[kind]()
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// webP is the head of a lossless picture of that many pixels across and down.
func webP(across, down int) string {
	bits := uint32(across-1) | uint32(down-1)<<14
	body := append([]byte("WEBPVP8L\x0a\x00\x00\x00\x2f"), byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24), 0, 0, 0, 0, 0)
	return "RIFF" + string([]byte{byte(len(body)), 0, 0, 0}) + string(body)
}

func TestAPictureIsKnownByWhatIsInIt(t *testing.T) {
	for name, c := range map[string]struct{ text, media, refused string }{
		"an SVG":                                {plainSVG, "image/svg+xml", ""},
		"an SVG with a style and a gradient":    {inSVG(`<style>.a{fill:url(#g)}</style><path fill="url( '#g')" xlink:href="#p"/>`), "image/svg+xml", ""},
		"an SVG as old programs write it":       {`<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">` + plainSVG, "image/svg+xml", ""},
		"an SVG with a picture in it":           {inSVG(`<image href="data:image/png;base64,AA=="/>`), "image/svg+xml", ""},
		"a PNG":                                 {drawn(t, "png"), "image/png", ""},
		"a JPEG":                                {drawn(t, "jpeg"), "image/jpeg", ""},
		"a WebP":                                {webP(3, 2), "image/webp", ""},
		"a GIF":                                 {drawn(t, "gif"), "", "no picture of a kind that is known"},
		"a WebP that is cut off":                {"RIFF\xff\x00\x00\x00WEBPVP8L", "", "no picture"},
		"a WebP of too many pixels":             {webP(5000, 1), "", "5000 times 1 pixels, and may have 4096"},
		"a sound":                               {"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00", "", "no picture"},
		"HTML":                                  {"<!doctype html><html><body>x</body></html>", "", "no picture"},
		"an SVG of no namespace":                {`<svg><path/></svg>`, "", "no picture"},
		"nothing":                               {"", "", "no picture"},
		"a text":                                {"a logo", "", "no picture"},
		"an SVG with a script":                  {inSVG(`<script>alert(1)</script>`), "", "line 1: it has a <script>, which a picture must not have"},
		"an SVG with a script in capitals":      {inSVG(`<SCRIPT>alert(1)</SCRIPT>`), "", "it has a <SCRIPT>"},
		"an SVG with a handler":                 {inSVG("\n<g onload=\"x()\"/>"), "", "line 2: it has a handler, onload"},
		"an SVG with a page in it":              {inSVG(`<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>`), "", "foreignObject"},
		"an SVG that shows a picture elsewhere": {inSVG(`<image href="https://evil.example/a.png"/>`), "", "lies outside of it"},
		"an SVG that uses a part of another":    {inSVG(`<use xlink:href="//evil.example/a.svg#a"/>`), "", "lies outside of it"},
		"an SVG that leads to a script":         {inSVG(`<a href="javascript:alert(1)"><path/></a>`), "", "lies outside of it"},
		"an SVG with an SVG in its address":     {inSVG(`<image href="data:image/svg+xml;base64,AA=="/>`), "", "lies outside of it"},
		"an SVG with a fill elsewhere":          {inSVG(`<path fill="URL(https://evil.example/a.svg#g)"/>`), "", "lies outside of it"},
		"an SVG with a style elsewhere":         {inSVG(`<style>@import "https://evil.example/a.css";</style>`), "", "lies outside of it"},
		"an SVG with a style sheet elsewhere":   {`<?xml-stylesheet href="https://evil.example/a.css"?>` + plainSVG, "", "no picture"},
		"an SVG with entities of its own":       {`<!DOCTYPE svg [<!ENTITY a "b">]>` + plainSVG, "", "no picture"},
		"an SVG that does not end":              {`<svg xmlns="http://www.w3.org/2000/svg"><path>`, "", "line 1"},
		"an SVG of too many bytes":              {inSVG(strings.Repeat(" ", largestPicture)), "", "bytes, and may have 65536: make it smaller"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "logo.txt")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Picture(ownfile.Named{Path: file})
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), file) {
					t.Errorf("told: %v", err)
				}
				return
			}
			if err != nil || !strings.HasPrefix(string(got), "data:"+c.media+";base64,") {
				t.Errorf("it is %.40s: %v", got, err)
			}
		})
	}
}

// Whoever opens a pipe waits for who writes into it.
func TestAPictureIsAPlainFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "logo.svg")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{pipe: "no plain file: name one that is", t.TempDir(): "is a folder: name a file in it"} {
		if _, err := Picture(ownfile.Named{Path: path}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("told: %v", err)
		}
	}
	if _, err := Picture(ownfile.Named{Path: filepath.Join(t.TempDir(), "logo.svg")}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("told: %v", err)
	}
}
