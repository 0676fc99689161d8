package endpoint

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

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

// readAbout reads what is asked about; nil where no path is.
func readAbout(u *url.URL) (*about, *refusal.Refusal) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, refusal.WhyUnread
	}
	if why := (spelt{"path", "method", "host"}).of(query); why != nil {
		return nil, why
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
