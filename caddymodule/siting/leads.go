package siting

import (
	"fmt"
	"slices"
	"strings"
)

// leads looks whether the login page is answered where a session_auth leads
// people to it. One for some requests alone, such as those that write, may lead
// nobody.
func (l *look) leads(a site, found *Found) error {
	if !a.auth.Leads || !a.alive || a.special {
		return nil
	}
	for _, host := range a.asked() {
		w := l.toLogin(host)
		switch {
		case w.login == maybe && w.unread:
			found.Doubtful = true
		case w.login == yes || w.other != no:
		case w.login == maybe:
			found.Doubtful = true
		case w.behind:
			return l.endpointsBehind(a)
		case host != "" && !slices.Contains(a.hosts, host) && l.answeredWithin(a):
			found.Doubtful = true
			l.warnOnce(l.ledNowhere(a, host) + ". It is right where nobody comes by another name")
		default:
			return l.unanswered(a, host)
		}
	}
	return nil
}

// toLogin follows somebody who is not signed in to the login page of a host.
func (l *look) toLogin(host string) *walker {
	w := &walker{look: l, asked: true, host: host}
	w.routes(l.server.Routes, place{}, state{alive: true, moves: moves{path: l.login()}})
	return w
}

// asked are hosts that a place is asked by: for a wildcard one that nothing else
// names; an empty one for any.
func (at place) asked() (hosts []string) {
	for _, host := range at.hosts {
		if hasPort(host) {
			continue // nobody is asked for by it
		}
		labels := strings.Split(host, ".")
		for i := range labels {
			if labels[i] == "*" {
				labels[i] = "any-other-name"
			}
		}
		hosts = append(hosts, strings.Join(labels, "."))
	}
	if len(hosts) == 0 {
		return []string{""}
	}
	return hosts
}

// answeredWithin reports whether another session_auth leads people of one of the
// names of a wildcard to a page that session_endpoints answers there.
func (l *look) answeredWithin(a site) bool {
	return slices.ContainsFunc(l.auths, func(other site) bool {
		return other.auth.Leads && slices.ContainsFunc(other.hosts, func(host string) bool {
			return !slices.Contains(a.hosts, host) && matchHosts(a.hosts, host) == yes && l.toLogin(host).login != no
		})
	})
}

func (l *look) login() string { return l.BasePath + "/login" }

func (l *look) endpointsBehind(a site) error {
	return fmt.Errorf("%s: session_auth stands before session_endpoints, and answers %s with 401 itself, so nobody can sign in: "+
		"put session_endpoints before it, or outside `route`, where the two are sorted", l.name(a.place), l.login())
}

// unanswered is an error, or a warning where a proxy in front may answer.
func (l *look) unanswered(a site, host string) error {
	text := l.ledNowhere(a, host)
	if !l.InFront {
		return fmt.Errorf("%s. Where a proxy in front answers there, say `public_url` or `trusted_proxies`", text)
	}
	if site := l.name(place{hosts: a.hosts}); !slices.Contains(l.told, site) {
		l.told = append(l.told, site)
		l.Warn(text + ". It is right where the proxy in front answers there")
	}
	return nil
}

func (l *look) ledNowhere(a site, host string) string {
	return fmt.Sprintf("%s: session_auth leads people to %s, which nothing here answers: %s; or say `no_redirect` in session_auth "+
		"where programs alone come", l.name(a.place), l.login(), l.remedy(host))
}

// remedy says what becomes of the session_endpoints that there are.
func (l *look) remedy(host string) string {
	var hosts []string
	for _, e := range l.endpoints {
		switch {
		case host != "" && len(e.hosts) > 0 && matchHosts(e.hosts, host) == no:
			hosts = append(hosts, e.hosts...)
		case e.stripped != "":
			return fmt.Sprintf("session_endpoints stands where %s is taken off the path (`handle_path`), and %s is not below that: "+
				"put session_endpoints into the site itself, beside it", e.stripped, l.BasePath)
		default:
			return fmt.Sprintf("session_endpoints stands where requests for it do not come (%s): put session_endpoints into the site itself", told(e.place))
		}
	}
	if len(hosts) > 0 {
		slices.Sort(hosts)
		return "session_endpoints answers at " + strings.Join(slices.Compact(hosts), ", ") + " alone: put it into this site too, before session_auth"
	}
	return "put `session_endpoints` into the site, before session_auth"
}
