package source

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// ours are the headers that frame a request; they are not for a configuration.
var ours = map[string]bool{
	"Connection": true, "Content-Length": true, "Expect": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true,
}

// CleanHeaders is a copy of configured headers, by their canonical names. It
// refuses those that could not be sent, or would be read as something else; its
// errors name the header and never show its value.
func CleanHeaders(headers http.Header) (http.Header, error) {
	clean := make(http.Header, len(headers))
	for name, values := range headers {
		if !isToken(name) {
			return nil, errors.New("a header's name is not a token (RFC 9110 section 5.6.2): only letters, digits and !#$%&'*+-.^_`|~")
		}
		name = http.CanonicalHeaderKey(name)
		if ours[name] {
			return nil, fmt.Errorf("header %s is set by the gateway itself: leave it out", name)
		}
		for _, value := range values {
			if strings.ContainsFunc(value, isControl) {
				return nil, fmt.Errorf("header %s has a control character in its value: is there a line break at the end of a secret's file?", name)
			}
			clean.Add(name, value)
		}
	}
	return clean, nil
}

// SetHeaders puts clean headers into the request.
func SetHeaders(r *http.Request, clean http.Header) {
	for name, values := range clean {
		if name == "Host" { // net/http sends it from another field
			r.Host = values[0]
			continue
		}
		r.Header[name] = slices.Clone(values)
	}
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		letterOrDigit := r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letterOrDigit && (r >= utf8.RuneSelf || !strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}
