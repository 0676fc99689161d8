package oidc

import (
	"bytes"
	"compress/flate"
	"io"
	"sync"
)

// common is what addresses are full of: what is squeezed has to spell none of
// it. It is a part of the format, so it never changes.
const common = "%3D%26%3F%23%2C%3B%2F%3A%22%7B%7D%5B%5D%20filters=&columns=&timezone=browser&refresh=&orgId=1&from=now-6h&to=now" +
	"&query=&search=&category=&status=&type=&name=&order=asc&sort=desc&limit=100&offset=&page=1&view=&tab=&lang=en&id=&q=" +
	"http://localhost:8080/auth/callback/https://www.example.com/auth/callback/"

// squeezers hold what a compressor works with, which is a megabyte: strangers
// have it done.
var squeezers = sync.Pool{New: func() any {
	w, err := flate.NewWriterDict(io.Discard, flate.BestCompression, []byte(common))
	if err != nil {
		panic(err) // of a level that there is not: not at run time
	}
	return w
}}

// Squeeze makes a text shorter that goes through browsers, an address mostly.
func Squeeze(text string) []byte {
	w, _ := squeezers.Get().(*flate.Writer)
	defer squeezers.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	_, _ = io.WriteString(w, text) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// Unsqueeze gives the text back; false when there is none, or one of more than
// so many bytes: a kilobyte can be a megabyte squeezed, and anybody can send it.
func Unsqueeze(squeezed []byte, most int) (string, bool) {
	r := flate.NewReaderDict(bytes.NewReader(squeezed), []byte(common))
	text, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if err != nil || len(text) > most {
		return "", false
	}
	return string(text), true
}
