package foresee

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/everyroute"
)

// answer is whether something matches.
type answer uint8

const (
	no answer = iota
	yes
	maybe // it is not asked
)

// Matchers of Caddy's: those that look at nothing but what is known of the request,
// and those that look at what another one may have otherwise.
var (
	known = []string{"client_ip", "host", "method", "path", "path_regexp", "protocol", "query", "remote_ip", "tls", "url_pattern", "vars", "vars_regexp"}
	loose = map[string]string{
		"header":        "a matcher looks at headers: it was asked about those of this request",
		"header_regexp": "a matcher looks at headers: it was asked about those of this request",
		"expression":    "a matcher looks at more than method, host and path: it was asked about this request as it came",
		"file":          "a matcher looks at files: it was asked about those that are there now",
	}
)

// plain are placeholders of an expression, and its functions, that look at what is
// known of the request.
var plain = regexp.MustCompile(`\{(http\.request\.)?(method|host|path|uri(\.path)?)\}|\b(method|host|path|path_regexp)\(`)

// looksFurther reports whether an expression may look at anything else.
func looksFurther(expression string) bool {
	return strings.ContainsAny(plain.ReplaceAllString(expression, ""), "{(")
}

// anyOf is MatcherSets.AnyMatchWithError, where not all are asked.
func (w *walk) anyOf(sets caddyhttp.MatcherSets) (matches answer, err error) {
	if len(sets) == 0 {
		return yes, nil
	}
	for _, set := range sets {
		one, err := w.allOf(set)
		if err != nil || one == yes {
			return one, err
		}
		matches = max(matches, one)
	}
	return matches, nil
}

func (w *walk) allOf(set caddyhttp.MatcherSet) (matches answer, err error) {
	matches = yes
	for _, m := range set {
		one, err := w.match(m)
		if err != nil || one == no {
			return no, err
		}
		matches = max(matches, one)
	}
	return matches, nil
}

func (w *walk) match(m any) (matches answer, err error) {
	switch m := m.(type) {
	case Matcher:
		w.note("the matcher session chooses a route: for somebody else another one may be taken")
		return of(m.Foresee(w.r, w.c)), nil
	case *caddyhttp.MatchNot:
		return w.noneOf(m.MatcherSets)
	case caddyhttp.MatchNot:
		return w.noneOf(m.MatcherSets)
	}
	name := caddy.GetModuleName(m)
	note, isLoose := loose[name]
	switch by, isExpression := m.(*caddyhttp.MatchExpression); {
	case everyroute.IsFirst(m):
		return yes, nil
	case isExpression && !looksFurther(by.Expr):
	case isLoose:
		w.note(note)
	case !slices.Contains(known, name):
		w.note("the matcher " + named(name) + " is not asked")
		return maybe, nil
	}
	matched, err := caddyhttp.MatcherSet{m}.MatchWithError(w.r)
	return of(matched), err
}

func (w *walk) noneOf(sets []caddyhttp.MatcherSet) (matches answer, err error) {
	matches = yes
	for _, set := range sets {
		one, err := w.allOf(set)
		switch {
		case err != nil || one == yes:
			return no, err
		case one == maybe:
			matches = maybe
		}
	}
	return matches, nil
}

func of(matches bool) answer {
	if matches {
		return yes
	}
	return no
}

func named(module string) string {
	if module == "" {
		return "of no module"
	}
	return module
}

// statusOf is that of an error of Caddy's.
func statusOf(err error) int {
	if failed, ok := errors.AsType[caddyhttp.HandlerError](err); ok && failed.StatusCode != 0 {
		return failed.StatusCode
	}
	return http.StatusInternalServerError
}
