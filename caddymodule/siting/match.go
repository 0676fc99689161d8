package siting

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// truth is what can be told of a request that is not there yet.
type truth int

const (
	no truth = iota
	maybe
	yes
)

// matcher is one of Caddy's. not holds the sets of `not`.
type matcher struct {
	name string // empty for one that says nothing of itself
	raw  json.RawMessage
	not  [][]matcher
}

// setsOf reads the matchers of a route, which Caddy has provisioned already, or
// not yet.
func setsOf(route *caddyhttp.Route) (sets [][]matcher) {
	for _, set := range route.MatcherSetsRaw {
		sets = append(sets, written(set))
	}
	for _, set := range route.MatcherSets {
		sets = append(sets, provisioned(set))
	}
	return sets
}

func written(set caddy.ModuleMap) (matchers []matcher) {
	for name, raw := range set {
		m := matcher{name: name, raw: raw}
		if name == "not" {
			var sets []caddy.ModuleMap
			_ = json.Unmarshal(raw, &sets) // what cannot be read is Caddy's to complain of
			for _, inner := range sets {
				m.not = append(m.not, written(inner))
			}
		}
		matchers = append(matchers, m)
	}
	slices.SortFunc(matchers, func(a, b matcher) int { return strings.Compare(a.name, b.name) })
	return matchers
}

func provisioned(set caddyhttp.MatcherSet) (matchers []matcher) {
	for _, one := range set {
		var m matcher
		if _, ours := one.(interface{ ComesFirst() error }); ours {
			continue // it holds for everybody, on a server that was looked at before
		}
		if negated, ok := one.(*caddyhttp.MatchNot); ok {
			m.name = "not"
			for _, inner := range negated.MatcherSets {
				m.not = append(m.not, provisioned(inner))
			}
		} else if module, ok := one.(caddy.Module); ok {
			m.name = module.CaddyModule().ID.Name()
			m.raw, _ = json.Marshal(one)
		}
		matchers = append(matchers, m)
	}
	return matchers
}

func (w *walker) matches(sets [][]matcher, at place, s state) truth {
	if len(sets) == 0 {
		return yes
	}
	return w.any(sets, at, s)
}

func (w *walker) any(sets [][]matcher, at place, s state) (best truth) {
	for _, set := range sets {
		all := yes
		for _, m := range set {
			all = min(all, w.holds(m, at, s))
		}
		best = max(best, all)
	}
	return best
}

func (w *walker) holds(m matcher, at place, s state) truth {
	switch m.name {
	case "not":
		return yes - w.any(m.not, at, s)
	case "host":
		return w.matchHosts(m.texts(), at)
	case "file":
		if m.tries() != nil || w.asked && s.path != "" && m.last() != "" {
			return yes
		}
	case "path":
		return matchPath(m.texts(), s.path)
	case "method":
		if !w.asked || w.probe {
			return maybe
		}
		if slices.Contains(m.texts(), "GET") {
			return yes
		}
		return no
	}
	return maybe
}

// texts are those of a matcher that is a list of them.
func (m matcher) texts() (texts []string) {
	_ = json.Unmarshal(m.raw, &texts)
	return texts
}

// matchHosts is what the matcher host says of who comes there: where no host is
// asked for, it is one of those that lead there.
func (w *walker) matchHosts(patterns []string, at place) truth {
	if w.host != "" || len(at.hosts) == 0 {
		return matchHosts(patterns, w.host)
	}
	best, worst := no, yes
	for _, host := range at.hosts {
		best, worst = max(best, matchHosts(patterns, host)), min(worst, matchHosts(patterns, host))
	}
	if best != worst {
		return maybe
	}
	return best
}

// matchHosts is Caddy's matcher host. An empty host is any.
func matchHosts(patterns []string, host string) (best truth) {
	for _, p := range patterns {
		switch {
		case hasPort(p): // Caddy's hosts have none
		case strings.EqualFold(p, host):
			return yes
		case host == "" || strings.ContainsFunc(p+host, unclear) || strings.Contains(host, "*") && strings.Contains(p, "*"),
			strings.Contains(host, "*") && likeHost(strings.ToLower(host), strings.ToLower(p)):
			best = maybe
		case strings.Contains(p, "*") && likeHost(strings.ToLower(p), strings.ToLower(host)):
			return yes
		}
	}
	return best
}

// unclear are letters of hosts that may be written otherwise, or stand for others.
func unclear(r rune) bool { return r >= utf8.RuneSelf || strings.ContainsRune("{[", r) }

// likeHost compares label by label; an asterisk is one of any kind.
func likeHost(pattern, host string) bool {
	labels, names := strings.Split(pattern, "."), strings.Split(host, ".")
	return slices.EqualFunc(labels, names, func(label, name string) bool { return label == "*" || label == name })
}

// matchPath is Caddy's matcher path. An empty path is any.
func matchPath(patterns []string, asked string) (best truth) {
	asked = strings.ToLower(asked)
	for _, p := range patterns {
		p = strings.ToLower(p)
		switch {
		case p == "*", p == "/*":
			return yes
		case asked == "", strings.ContainsAny(p, "{%"):
			best = maybe
		case likePath(p, asked):
			return yes
		}
	}
	return best
}

func likePath(pattern, asked string) bool {
	inside := strings.Trim(pattern, "*")
	switch before, after := strings.HasPrefix(pattern, "*"), strings.HasSuffix(pattern, "*"); {
	case strings.Contains(inside, "*"):
		ok, err := path.Match(pattern, asked)
		return ok || err != nil
	case before && after:
		return strings.Contains(asked, inside)
	case before:
		return strings.HasSuffix(asked, inside)
	case after:
		return strings.HasPrefix(asked, inside)
	}
	ok, err := path.Match(pattern, asked)
	return ok || err != nil
}

// asksWho reports whether a route is chosen by who makes the request.
func asksWho(sets [][]matcher) bool {
	return slices.ContainsFunc(sets, func(set []matcher) bool {
		return slices.ContainsFunc(set, func(m matcher) bool { return m.name == "session" })
	})
}

// byPath reports whether a matcher looks at the address alone.
func byPath(m matcher) bool {
	switch m.name {
	case "host", "path", "path_regexp":
		return true
	case "not":
		return !slices.ContainsFunc(m.not, func(set []matcher) bool {
			return slices.ContainsFunc(set, func(inner matcher) bool { return !byPath(inner) })
		})
	}
	return false
}

// enter notes what a route is chosen by. Of several sets any will do.
func (at *place) enter(sets [][]matcher) {
	hosts, others := make([]string, 0), []string(nil)
	everySet := len(sets) > 0
	for _, set := range sets {
		named := false
		for _, m := range set {
			switch m.name {
			case "host":
				hosts, named = append(hosts, m.texts()...), true
			case "path":
				others = append(others, "path "+strings.Join(m.texts(), " "))
			default:
				at.special = at.special || !byPath(m) && (!at.errors || !ofRefusals(m))
				others = append(others, "matcher "+m.name)
			}
		}
		everySet = everySet && named
	}
	if everySet {
		at.hosts = hosts
	}
	at.told = append(slices.Clip(at.told), others...)
}
