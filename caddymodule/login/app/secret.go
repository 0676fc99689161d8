package app

import (
	"html"
	"net/url"
	"slices"
	"strings"
)

// leastEcho is the length in bytes from which a password is looked for within
// texts. A shorter one is in texts that have nothing to do with it.
const leastEcho = 8

// secret finds the password in what an app sends back: some echo the question,
// in their answer or in an error.
type secret struct {
	typed     string
	fields    []string // that it was sent in
	email     string
	spellings []string
}

// alwaysSecret are the names of members that are a password or its hash.
var alwaysSecret = []string{"password", "passwd", "pwd"}

func newSecret(fields []string, email, typed string) secret {
	s := secret{typed: typed, fields: fields, email: email}
	if len(typed) >= leastEcho {
		quoted := quote(typed)
		s.spellings = []string{
			typed, quoted[1 : len(quoted)-1], url.QueryEscape(typed), url.PathEscape(typed), html.EscapeString(typed),
		}
	}
	return s
}

// in reports whether the text gives the password away. Somebody's own address
// does not, even where they have made it their password.
func (s secret) in(text string) bool {
	return !strings.EqualFold(text, s.email) &&
		slices.ContainsFunc(s.spellings, func(spelling string) bool { return strings.Contains(text, spelling) })
}

// strip takes the password out of a fact: texts that hold it become empty in
// objects and go from lists, and members that are named like it go. Whose
// password is the name of their own role or display name goes without that;
// kept, it could not be told from the password.
func (s secret) strip(fact any) any {
	switch v := fact.(type) {
	case string:
		if s.in(v) {
			return ""
		}
	case map[string]any:
		for key, element := range v {
			if s.is(key, element) {
				delete(v, key)
			} else {
				v[key] = s.strip(element)
			}
		}
	case []any:
		clean := v[:0]
		for _, element := range v {
			if text, ok := element.(string); !ok || !s.in(text) {
				clean = append(clean, s.strip(element))
			}
		}
		return clean
	}
	return fact
}

// is reports whether the member of an object is the password, by its name. The
// name of a field that it was sent in may mean something else in an answer (a
// "token"), so there even a short password is looked for.
func (s secret) is(key string, element any) bool {
	text, _ := element.(string)
	return named(alwaysSecret, key) || slices.Contains(s.spellings, key) ||
		named(s.fields, key) && strings.Contains(text, s.typed)
}

func named(names []string, key string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, key) })
}
