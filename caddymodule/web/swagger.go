package web

import (
	"bytes"
	_ "embed"
	"strconv"
)

//go:embed swagger.yaml
var swagger []byte

// defaultBasePath is the one line of the document that depends on the
// configuration.
var defaultBasePath = []byte(`default: "/auth"`)

// Swagger returns the OpenAPI 3.1 document of the gateway's routes under that
// base_path. The caller may keep it: it is the same for every request.
func Swagger(basePath string) []byte {
	// A string quoted as Go does it reads the same in YAML, so no base path,
	// however odd, adds anything to the document.
	line := strconv.AppendQuoteToASCII([]byte("default: "), basePath)
	return bytes.Replace(swagger, defaultBasePath, line, 1)
}
