package source

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Address is the URL of a source, as configured: its scheme and host are
// fixed, its path and query may hold placeholders for what is known of a
// person. Whatever a person is called, the host, the number of path segments
// and the query's parameters are those of the configuration.
type Address struct {
	origin   string     // scheme://host[:port]
	segments []Template // of the path, with what follows each "/"
	query    Template
	asks     bool // there is a query
}

// ParseAddress reads the URL of a configuration, in which those placeholders
// are known. Its errors do not show the URL, which may hold a secret.
func ParseAddress(raw string, known ...string) (*Address, error) {
	if strings.ContainsFunc(raw, neverInURL) {
		return nil, errors.New("URL has a space, backslash, # or other character that must be percent-encoded in it")
	}
	origin, rest := splitOrigin(raw)
	if err := checkOrigin(origin); err != nil {
		return nil, err
	}
	a := &Address{origin: origin}
	path, query, asks := strings.Cut(rest, "?")
	a.asks = asks
	var err error
	if a.query, err = ParseTemplate(query, known); err != nil {
		return nil, fmt.Errorf("URL %w", err)
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		t, err := ParseTemplate(segment, known)
		if err != nil {
			return nil, fmt.Errorf("URL %w", err)
		}
		a.segments = append(a.segments, t)
	}
	return a, a.try(known)
}

// splitOrigin cuts behind the authority (RFC 3986 section 3.2).
func splitOrigin(raw string) (origin, rest string) {
	scheme := strings.Index(raw, "://")
	if scheme < 0 {
		return raw, ""
	}
	host := scheme + len("://")
	if end := strings.IndexAny(raw[host:], "/?"); end >= 0 {
		return raw[:host+end], raw[host+end:]
	}
	return raw, ""
}

func checkOrigin(origin string) error {
	if strings.ContainsAny(origin, "{}") {
		return errors.New("URL has a placeholder in its scheme or host: who is asked is fixed by the configuration")
	}
	u, err := url.Parse(origin)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return errors.New("URL is not of the form http://host/path or https://host/path")
	case u.User != nil:
		return errors.New("URL has credentials in it: give them as basic credentials or as a header")
	}
	return nil
}

// try expands the address once, so that a percent sign which is none is found
// when the configuration is read.
func (a *Address) try(known []string) error {
	values := make(map[string]string, len(known))
	for _, name := range known {
		values[name] = "x" // no hexadecimal digit
	}
	u, err := a.Expand(values)
	if err == nil {
		_, err = url.QueryUnescape(u.RawQuery)
	}
	if err != nil {
		return errors.New("URL has a % that begins no percent-encoding: write it as %25")
	}
	return nil
}

// Expand is the URL with the values percent-encoded in it. A value that is
// empty would ask about everybody, and one that is or holds a path segment
// "..", "." or "" would ask for something else (a server may decode the slash
// before it resolves dots): both are refused, as are control characters. The
// errors name the placeholder and never show the value.
func (a *Address) Expand(values map[string]string) (*url.URL, error) {
	var b strings.Builder
	b.WriteString(a.origin)
	for _, t := range a.segments {
		if err := t.check(values, checkInPath); err != nil {
			return nil, err
		}
		b.WriteString("/" + t.Expand(values, encode))
	}
	if a.asks {
		if err := a.query.check(values, checkInQuery); err != nil {
			return nil, err
		}
		b.WriteString("?" + a.query.Expand(values, encode))
	}
	u, err := url.Parse(b.String())
	if err != nil {
		return nil, errors.New("the URL cannot be read")
	}
	return u, nil
}
