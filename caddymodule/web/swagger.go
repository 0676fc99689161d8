package web

import (
	"bytes"
	_ "embed"
	"strconv"
)

//go:embed swagger.yaml
var swagger []byte

// defaultOrigin and defaultBasePath are the lines of the document that depend on
// where it is asked for, and on the configuration.
var (
	defaultOrigin   = []byte(`default: "http://localhost:8080"`)
	defaultBasePath = []byte(`default: "/auth"`)
)

// Swagger returns the OpenAPI 3.1 document of the gateway's routes under that
// base_path, for the site of that origin; empty: that of the demo, as in the file.
func Swagger(basePath, origin string) []byte {
	document := bytes.Replace(swagger, defaultBasePath, defaultsTo(basePath), 1)
	if origin == "" {
		return document
	}
	return bytes.Replace(document, defaultOrigin, defaultsTo(origin), 1)
}

// defaultsTo is such a line. A string quoted as Go does it reads the same in YAML, so
// no base path and no host, however odd, adds anything to the document.
func defaultsTo(value string) []byte { return strconv.AppendQuoteToASCII([]byte("default: "), value) }
