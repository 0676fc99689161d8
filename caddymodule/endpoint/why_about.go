package endpoint

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/refusal"
)

// longestMethod bounds the method that is asked about: Caddy answers 405 to longer
// ones.
const longestMethod = 32

// about is the request that is asked about.
type about struct {
	url    *url.URL
	told   string // as it was given
	method string
}

// aboutParams are those that are known, and host, which is refused by a reason of its own.
var aboutParams = spelt{"path", "method", "host"}

// cutName is a parameter's name as an answer repeats it.
func cutName(name string) string { return name[:min(len(name), longestMethod)] }

// readAbout reads what is asked about; nil where no path is. The parameter that chooses
// an account for the question itself is no part of it.
func readAbout(u *url.URL, accountParam string) (*about, *refusal.Refusal) {
	asks := u.RawQuery
	if accountParam != "" {
		asks, _ = identity.TakeParameter(asks, accountParam)
	}
	query, err := url.ParseQuery(asks)
	switch {
	case err != nil && strings.Contains(u.RawQuery, ";"):
		return nil, refusal.WhySemicolon
	case err != nil:
		return nil, refusal.WhyUnread
	}
	if why := aboutParams.of(query); why != nil {
		return nil, why
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(aboutParams, name) {
			return nil, refusal.WhyParameter.Saying(fmt.Sprintf("There is no parameter %+q: path and method are taken here.", cutName(name)))
		}
	}
	path, method := only(query, "path"), only(query, "method")
	switch {
	case query.Has("host"):
		return nil, refusal.WhyHost
	case query.Has("method") && !isMethod(method), query.Has("method") && !query.Has("path"):
		return nil, refusal.WhyMethod
	case !query.Has("path"):
		return nil, nil
	case method == "":
		method = http.MethodGet
	}
	asked, err := parseTarget(path)
	if err != nil {
		return nil, refusal.WhyUnread
	}
	return &about{asked, path, method}, nil
}

// parseTarget reads a path, perhaps with a query, as a request line has it: an escape
// in it stays what it is, and what no client could send is none.
func parseTarget(target string) (*url.URL, error) {
	if !strings.HasPrefix(target, "/") || strings.ContainsFunc(target, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return nil, errors.New("it is no path that a client could send")
	}
	asked, err := parseOriginal(target)
	if err != nil {
		return nil, err
	}
	return asked.url, nil
}

// isMethod reports whether text is a token (RFC 9110 sections 5.6.2 and 9.1) of no more
// than longestMethod.
func isMethod(text string) bool {
	return text != "" && len(text) <= longestMethod && !strings.ContainsFunc(text, func(c rune) bool {
		return (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	})
}
