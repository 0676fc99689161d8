package pathrule

import (
	"fmt"
	"net/url"
	"strings"
)

// Clear are exact paths and prefixes that hold only for a path that has one
// reading. The zero value holds for none.
type Clear struct {
	exact    map[string]struct{}
	prefixes []string
}

// NewClear reads patterns: exact paths, or prefixes that end in an asterisk,
// written decoded. One that would never match is an error.
func NewClear(patterns []string) (Clear, error) {
	p := Clear{exact: make(map[string]struct{})}
	for _, pattern := range patterns {
		prefix, open := strings.CutSuffix(pattern, "*")
		if !strings.HasPrefix(pattern, "/") || strings.Contains(prefix, "*") {
			return p, fmt.Errorf("public %q: give an exact path such as /healthz, or a prefix such as /assets/*", pattern)
		}
		if neverPublic(prefix, open) {
			return p, fmt.Errorf("public %q: it would never match: write the path decoded, without //, dot segments, ; ? # or \\", pattern)
		}
		if open {
			p.prefixes = append(p.prefixes, prefix)
		} else {
			p.exact[pattern] = struct{}{}
		}
	}
	return p, nil
}

// neverPublic reports whether all that the pattern stands for is ambiguous, or
// is encoded, where paths are compared decoded.
func neverPublic(prefix string, open bool) bool {
	if open {
		prefix += "x" // any one path below; the prefix by itself may end within a segment
	}
	return AmbiguousPath(&url.URL{Path: prefix})
}

// Match decides on the path as it will be forwarded (CVE-2026-33494). One that
// an upstream could read in another way than we do is never public.
func (p *Clear) Match(u *url.URL) bool {
	if len(p.exact) == 0 && len(p.prefixes) == 0 {
		return false
	}
	_, found := p.exact[u.Path]
	for i := 0; i < len(p.prefixes) && !found; i++ {
		found = strings.HasPrefix(u.Path, p.prefixes[i])
	}
	return found && !AmbiguousPath(u)
}
