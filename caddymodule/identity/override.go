package identity

import (
	"iter"
	"net/url"
	"strings"
)

// override is the parameter of a query by which some apps, WordPress for one,
// take another method than that of the request. Of a form in the body nothing is
// known here.
const override = "_method"

// WithoutOverride is the query without it; had reports whether it was there.
func WithoutOverride(query string) (left string, had bool) {
	if !strings.ContainsAny(query, "_%.+[") {
		return query, false // as nearly all
	}
	var kept strings.Builder
	for parameter := range separately(query) {
		if isOverride(strings.TrimRight(parameter, separators)) {
			had = true
		} else {
			kept.WriteString(parameter)
		}
	}
	return strings.TrimRight(kept.String(), separators), had
}

// separators stand between the parameters of a query: some programs take a
// semicolon for one.
const separators = "&;"

// separately are the parameters, each with what follows it.
func separately(query string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for query != "" {
			parameter := query
			if end := strings.IndexAny(query, separators); end >= 0 {
				parameter = query[:end+1]
			}
			if !yield(parameter) {
				return
			}
			query = query[len(parameter):]
		}
	}
}

// isOverride reads a name as PHP does, which takes a dot, a space and a bracket
// for an underscore and leaves out spaces before; others take less for it.
func isOverride(parameter string) bool {
	name, _, _ := strings.Cut(parameter, "=")
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	name = strings.TrimLeft(name, " ")
	if len(name) < len(override) || len(name) > len(override) && name[len(override)] != '[' && name[len(override)] != 0 {
		return false
	}
	return strings.EqualFold(strings.NewReplacer(".", "_", " ", "_", "[", "_").Replace(name[:len(override)]), override)
}
