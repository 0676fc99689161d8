package caddymodule

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// resolve replaces {env.*} and {file.*} in a configured value; what they name
// must exist and not be empty.
func resolve(value string) (string, error) {
	resolved, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	if err != nil {
		return "", unresolved(value)
	}
	if resolved = strings.TrimSpace(resolved); resolved == "" {
		return "", errors.New("it is empty: set the variable or the file that it names")
	}
	return resolved, nil
}

// resolveReferences resolves {env.*} and {file.*} in a value that may hold
// other placeholders too, which stay.
func resolveReferences(value string) (string, error) {
	var missing error
	resolved := reference.ReplaceAllStringFunc(value, func(name string) string {
		text, err := resolve(name)
		if err != nil && missing == nil {
			missing = err
		}
		return text
	})
	return resolved, missing
}

// reference is a placeholder that names where a value lies.
var reference = regexp.MustCompile(`\{(?:env|file)\.[^{}]+\}`)

// unresolved names what could not be resolved. A placeholder of another kind
// is not repeated: it may be a part of a password that has braces in it.
func unresolved(value string) error {
	for _, name := range reference.FindAllString(value, -1) {
		if _, err := caddy.NewReplacer().ReplaceOrErr(name, true, true); err != nil {
			return fmt.Errorf("%s is missing or empty: set the variable, or let this process read the file, and start again", name)
		}
	}
	return errors.New(`it has braces that are neither {env.NAME} nor {file./path}: write \{ for a brace that is meant as one`)
}
