package oidc

import (
	"net/url"
	"slices"
	"strings"
)

// ReadAnswer reads the query, or the form, that an answer of a provider came in.
// Besides what net/url can read, it takes parameters that nobody needs and that are
// not well-formed, such as `scope=a;b` or `error_description=100%`: they are left out.
// One of those that are read must be in order: ErrForged says which is not.
func ReadAnswer(raw string) (url.Values, error) {
	query := make(url.Values)
	for pair := range strings.SplitSeq(raw, "&") {
		written, text, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(written)
		if pair == "" || err != nil || strings.Contains(written, ";") {
			continue
		}
		value, err := url.QueryUnescape(text)
		switch bad := err != nil || strings.Contains(text, ";"); {
		case !bad:
			query.Add(name, value)
		case slices.Contains(answers, name):
			return nil, because(ErrForged, "its %s has a semicolon, or a %% without two hexadecimal digits behind it: see whether something on the way "+
				"has changed it", name)
		}
	}
	return query, nil
}
