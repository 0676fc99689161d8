package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"regexp"
)

//go:embed npm/client.js npm/client.d.ts npm/react.js npm/react.d.ts
var npm embed.FS

// ClientFile is a file of the client for browsers.
type ClientFile struct {
	Name      string
	MediaType string
	Body      []byte
	// ETag names the content: it changes with releases, and not with restarts.
	ETag string
}

// ClientFiles are those that pages load from the gateway. They are the same
// below every base_path. Types are for readers; scripts come without what is.
func ClientFiles() []ClientFile {
	const script, types = "text/javascript; charset=utf-8", "application/typescript; charset=utf-8"
	files := []ClientFile{
		{Name: "client.js", MediaType: script}, {Name: "client.d.ts", MediaType: types},
		{Name: "react.js", MediaType: script}, {Name: "react.d.ts", MediaType: types},
	}
	for i, f := range files {
		body, err := npm.ReadFile("npm/" + f.Name)
		if err != nil {
			panic(err) // it is embedded: not at run time
		}
		if f.MediaType == script {
			body = forReaders.ReplaceAll(body, nil)
		}
		files[i] = clientFile(f.Name, f.MediaType, body)
	}
	return files
}

// forReaders is what of a script pages can do without: what a line is indented by, and
// lines that are comments or empty. Nothing of it may stand in a text of several lines.
var forReaders = regexp.MustCompile(`(?m)^[ \t]*(//.*\n|\n)?`)

func clientFile(name, media string, body []byte) ClientFile {
	sum := sha256.Sum256(body)
	return ClientFile{name, media, body, `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
}
