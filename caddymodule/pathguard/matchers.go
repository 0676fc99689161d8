package pathguard

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// matching is what a route is chosen by, as far as that looks at the path.
type matching struct {
	byPath      bool
	patterns    []string // of Caddy's matcher path
	excluded    []string // patterns within `not`
	expressions []string // regular ones
	told        []string // the matchers, for the log
	asWritten   bool     // they look at the path as it came
}

// matchingOf reads the matchers of a route, which Caddy has provisioned
// already, or not yet.
func matchingOf(route *caddyhttp.Route) (m matching) {
	for _, set := range route.MatcherSetsRaw {
		m.readSet(set, false)
	}
	for _, set := range route.MatcherSets {
		m.readModules(set, false)
	}
	return m
}

func (m *matching) readSet(set caddy.ModuleMap, not bool) {
	for _, name := range slices.Sorted(maps.Keys(set)) {
		m.read(name, set[name], not)
	}
}

func (m *matching) readModules(set caddyhttp.MatcherSet, not bool) {
	for _, matcher := range set {
		if negated, ok := matcher.(*caddyhttp.MatchNot); ok {
			for _, inner := range negated.MatcherSets {
				m.readModules(inner, !not)
			}
			continue
		}
		raw, err := json.Marshal(matcher)
		if module, ok := matcher.(caddy.Module); ok && err == nil {
			m.read(module.CaddyModule().ID.Name(), raw, not)
		} else {
			m.byPath = true
		}
	}
}

// pathless are the matchers that do not look at the path. Others may: a
// variable, for one, may have been set by it.
var pathless = []string{
	"client_ip", "header", "header_regexp", "host", "method", "protocol", "query", "remote_ip", "session", "tls",
}

// read takes one matcher in. One that cannot be read is Caddy's to complain of.
func (m *matching) read(name string, raw json.RawMessage, not bool) {
	told := strings.Trim(string(raw), "[]")
	switch name {
	case "not":
		var sets []caddy.ModuleMap
		_ = json.Unmarshal(raw, &sets)
		for _, set := range sets {
			m.readSet(set, !not)
		}
		return
	case "path":
		var patterns []string
		_ = json.Unmarshal(raw, &patterns)
		m.take(patterns, not)
	case "path_regexp":
		told = textOf(raw, "pattern")
		m.expressions = append(m.expressions, told)
	case "url_pattern":
		told = textOf(raw, "pattern")
		m.take(literalPaths(`"`+told+`"`), not)
	case "expression":
		if told = textOf(raw, "expr"); !looksAtPath(told) {
			return
		}
		m.take(literalPaths(told), not)
		m.asWritten = m.asWritten || strings.Contains(elsewhere.ReplaceAllString(told, ""), "{")
	default:
		if slices.Contains(pathless, name) {
			return
		}
		m.asWritten = m.asWritten || name != "file"
	}
	m.byPath = true
	m.told = append(m.told, name+" "+told)
}

// textOf is a field of an object, or the text that stands in its place.
func textOf(raw json.RawMessage, field string) (text string) {
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var fields map[string]any
	_ = json.Unmarshal(raw, &fields)
	text, _ = fields[field].(string)
	return text
}

func (m *matching) take(patterns []string, not bool) {
	m.patterns = append(m.patterns, patterns...)
	if not {
		m.excluded = append(m.excluded, patterns...)
	}
}

// Of expressions: what is surely of another part of the request, what may be of
// the path, and a path that is written out, up to what is a pattern in it.
var (
	elsewhere = regexp.MustCompile(`\{(method|host|hostport|scheme|client_ip|remote[._a-z]*|header\.[^}]*|cookie\.[^}]*|query\.[^}]*|err\.[^}]*` +
		`|http\.(auth|error|request\.(method|host|hostport|scheme|remote|header|cookie))\b[^}]*)\}`)
	ofThePath = regexp.MustCompile(`\{|path|uri|url|file|vars`)
	writtenAs = regexp.MustCompile("[\"'`](/[^\"'`:({*]*)")
)

func looksAtPath(expression string) bool {
	return ofThePath.MatchString(strings.ToLower(elsewhere.ReplaceAllString(expression, "")))
}

// literalPaths are the paths in a text, as what they may be the beginning of.
func literalPaths(text string) (patterns []string) {
	for _, found := range writtenAs.FindAllStringSubmatch(text, -1) {
		if found[1] != "/" {
			patterns = append(patterns, found[1]+"*")
		}
	}
	return patterns
}
