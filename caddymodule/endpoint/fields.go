package endpoint

import (
	"net/url"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/refusal"
)

// spelt finds the fields of a request that an app would read under the name of one
// of ours, and we would not: Username, username[], or username with a NUL behind it.
// What is read here has one spelling, or else the name that is counted is not the
// one that is looked at in front of us or behind.
type spelt []string

// strange reports whether the name is another spelling of one of the fields.
func (fields spelt) strange(name string) bool {
	return !slices.Contains(fields, name) && slices.ContainsFunc(fields, func(field string) bool {
		return strings.EqualFold(field, plain(name)) // takes ſ for s and K for k, as encoding/json does
	})
}

// plain is a field's name as PHP and its like make it: without what stands behind a
// bracket or NUL, without space around it, and with _ for what no variable holds.
func plain(name string) string {
	if end := strings.IndexAny(name, "[\x00"); end > 0 {
		name = name[:end]
	}
	return strings.NewReplacer(".", "_", " ", "_", "-", "_").Replace(strings.TrimSpace(strings.Trim(name, "\x00\ufeff")))
}

// of reads the names of a form, or of anything that has several values by name.
func (fields spelt) of(given url.Values) *refusal.Refusal {
	for name := range given {
		if fields.strange(name) {
			return refusal.Misspelt
		}
	}
	if doubled(given, fields...) {
		return refusal.Doubled
	}
	return nil
}

// inQuery reports whether the address has one of the fields, in whatever spelling. It
// reads what url.ParseQuery leaves out too: a pair behind a semicolon, and one with
// an escape that is none.
func (fields spelt) inQuery(query string) bool {
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(pair, "=")
		if read, err := url.QueryUnescape(name); err == nil {
			name = read
		}
		if slices.Contains(fields, name) || fields.strange(name) {
			return true
		}
	}
	return false
}
