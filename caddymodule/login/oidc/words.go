package oidc

import (
	"fmt"
	"strconv"
)

// inJSON is what JSON calls a value, for errors that must not tell it.
func inJSON(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case string:
		if v == "" {
			return "an empty text"
		}
		return "a text"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}

// found is a value that is no secret, as it can stand in a line of the log.
func found(value any) string {
	switch v := value.(type) {
	case string:
		if v != "" {
			return "the text " + shown(v)
		}
	case int64, uint64, float64:
		return fmt.Sprint("the number ", v)
	}
	return inJSON(value)
}
