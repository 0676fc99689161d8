package siting

import (
	"fmt"
	"slices"
	"strings"
)

// moves is what rewrites have made of the path of a request.
type moves struct {
	path     string // empty where that is not known
	stripped string // what was taken off it
	off      string // what was, of every request that comes here
	moved    string // what has put another path into its place
}

// relativeFile stands for the file that a matcher has found.
const relativeFile = "{http.matchers.file.relative}"

// rewritten is what a rewrite makes of a request's path.
func (w *walker) rewritten(p part, s state) state {
	fields := p.fields()
	uri, _ := fields["uri"].(string)
	switch found, _, _ := strings.Cut(uri, "?"); {
	case found == relativeFile && w.asked && s.path != "" && s.last != "":
		return s.to(s.last, "try_files")
	case uri == relativeFile && len(s.tries) > 0:
		return s.toFile()
	case len(fields) == 2 && strings.HasPrefix(found, "/") && !strings.ContainsAny(found, "{%"):
		return s.to(found, "rewrite")
	}
	if parts := p.replaces(); len(fields) == 2 && parts != nil && s.path != "" {
		if to := parts.Replace(s.path); to != s.path {
			return s.to(to, "uri replace")
		}
		return s
	}
	for field := range fields {
		if !slices.Contains([]string{"handler", "method", "query", "strip_path_prefix"}, field) {
			s = s.to("", "")
		}
	}
	if strings.HasPrefix(uri, "/") && !strings.Contains(strings.ReplaceAll(uri, "{http.error.status_code}", ""), "{") {
		s.moved = "rewrite" // to the page of an error
	}
	if prefix, _ := fields["strip_path_prefix"].(string); prefix != "" {
		return s.strip(prefix)
	}
	return s
}

// to is a request for another path.
func (s state) to(path, by string) state {
	s.path, s.fallback, s.off, s.moved = path, "", "", by
	return s
}

func (s state) strip(prefix string) state {
	s.fallback = ""
	if strings.Contains(prefix, "{") {
		return s.to("", "")
	}
	prefix = "/" + strings.TrimPrefix(prefix, "/")
	s.stripped += prefix
	s.off += prefix
	if rest, ok := strings.CutPrefix(s.path, prefix); ok {
		s.path = "/" + strings.TrimPrefix(rest, "/")
	}
	return s
}

// replaces is what a rewrite puts in the place of parts of a path; nil where it is
// none, or cannot be told.
func (p part) replaces() *strings.Replacer {
	parts, _ := p.fields()["uri_substring"].([]any)
	if len(parts) != 1 {
		return nil
	}
	one, _ := parts[0].(map[string]any)
	find, _ := one["find"].(string)
	replace, _ := one["replace"].(string)
	if find == "" || one["limit"] != nil || strings.ContainsAny(find+replace, "{%") {
		return nil
	}
	return strings.NewReplacer(find, replace)
}

// endpointsMoved looks for a session_endpoints that requests for the login page do
// come to, with another path in its place: Caddy runs rewrites outside of `route`
// and `handle` before it.
func (l *look) endpointsMoved() error {
	for _, e := range l.endpoints {
		hosts, by, sure := e.asked(), "", true
		for _, host := range hosts {
			w := l.toLogin(host)
			if w.login != no || w.moved == "" {
				by = ""
				break
			}
			by, sure = w.moved, sure && (w.moved == "try_files" || w.other == no)
		}
		text := fmt.Sprintf("%s: nobody can sign in, for `%s` gives requests for %s another path before session_endpoints sees them: put what rewrites, "+
			"with what answers behind it, into a block such as `handle { ... }`, which comes later; or, where it takes a matcher, let that be `not path %s/*`",
			l.name(e.place), by, l.login(), l.BasePath)
		switch {
		case by == "":
		case sure:
			return fmt.Errorf("%s", text)
		default: // as where a site is closed for a while
			l.warnOnce(text)
		}
	}
	return nil
}
