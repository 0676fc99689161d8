package everyroute

import (
	"net/http"
	"net/url"
	"strings"
)

// override is the parameter of a query by which some apps, WordPress for one,
// take another method than that of the request. Of a form in the body nothing is
// known here.
const override = "_method"

// dropOverride takes it out of the query.
func dropOverride(r *http.Request) {
	query := r.URL.RawQuery
	if !strings.ContainsRune(query, '_') && !strings.ContainsAny(query, "%.+[") {
		return
	}
	var kept strings.Builder
	dropped := false
	for query != "" {
		end := strings.IndexAny(query, "&;")
		parameter, rest := query, ""
		if end >= 0 {
			parameter, rest = query[:end+1], query[end+1:]
		}
		if isOverride(strings.TrimRight(parameter, "&;")) {
			dropped = true
		} else {
			kept.WriteString(parameter)
		}
		query = rest
	}
	if dropped {
		r.URL.RawQuery = strings.TrimRight(kept.String(), "&;")
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
