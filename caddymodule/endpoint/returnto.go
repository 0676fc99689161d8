package endpoint

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/caller"
)

// maxReturnTo bounds a return_to, in bytes; a longer one leads to the front page.
const maxReturnTo = 2048

// ReturnTargets decides where a sign-in or sign-out may lead back to: a path
// of the same site, or an origin that the operator listed.
type ReturnTargets struct {
	basePath string
	own      string   // the configured public origin, if any
	listed   []string // origins
}

// NewReturnTargets reads the listed origins; one that is none is an error.
func NewReturnTargets(basePath, publicURL string, listed []string) (ReturnTargets, error) {
	t := ReturnTargets{basePath: basePath, own: publicURL}
	for i, raw := range listed {
		origin, err := ParseOrigin(raw)
		if err != nil {
			return t, fmt.Errorf("return_to %d: %w", i+1, err)
		}
		t.listed = append(t.listed, origin)
	}
	return t, nil
}

// ParseOrigin reads a configured origin: scheme and host, perhaps a port. The
// error does not repeat it: somebody may have written a password into it.
func ParseOrigin(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || !plainHost(u.Hostname()) || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("give an origin such as https://app.example.com, without path or wildcard")
	}
	return originOf(u), nil
}

// plainHost reports whether a host can stand in a page's content security
// policy, where a semicolon or an asterisk would mean something else.
func plainHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == "" // a zone names an interface of one machine: no browser sends it
	}
	return host != "" && !strings.ContainsFunc(host, func(c rune) bool {
		return c != '-' && c != '.' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z')
	})
}

// Clean returns where raw leads, or the front page when it may not lead there.
func (t ReturnTargets) Clean(r *http.Request, raw string) string {
	if target, ok := t.Allow(r, raw); ok {
		return target
	}
	return "/"
}

// Allow reads raw as a browser would (WHATWG URL, not RFC 3986): a browser
// drops tabs and line breaks and takes backslashes for slashes, so anything
// with those is refused rather than interpreted.
func (t ReturnTargets) Allow(r *http.Request, raw string) (string, bool) {
	if raw == "" || len(raw) > maxReturnTo || strings.ContainsFunc(raw, deceptive) {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Opaque != "" {
		return "", false
	}
	if u.Scheme != "" || u.Host != "" {
		if !slices.Contains(t.listed, originOf(u)) && !t.isOwn(r, originOf(u)) {
			return "", false
		}
	}
	if !t.plainPath(u) {
		return "", false
	}
	return raw, true
}

// plainPath refuses paths that the next reader could take for another host
// (//evil, /%09/evil, /%5Cevil), and our own endpoints, which would sign the
// person out again or go round in circles.
func (t ReturnTargets) plainPath(u *url.URL) bool {
	p := u.Path
	if p == "" && u.Host != "" {
		return true
	}
	if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") {
		return false
	}
	// A space that was encoded stays so on the way: it deceives nobody.
	if strings.ContainsFunc(strings.ReplaceAll(p, " ", ""), deceptive) {
		return false
	}
	return p != t.basePath && !strings.HasPrefix(p, t.basePath+"/")
}

func (t ReturnTargets) isOwn(r *http.Request, origin string) bool {
	return origin == t.own || (t.own == "" && origin == caller.Origin(r))
}

// originOf writes an origin as browsers do: lower case, without the scheme's
// own port.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

func deceptive(c rune) bool { return c <= ' ' || c == 0x7f || c == '\\' || c == 0xfffd }
