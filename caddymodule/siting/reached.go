package siting

import (
	"fmt"
	"slices"
)

// answersBehind notes that what stands at a place comes behind every session_auth
// that was met on the same site.
func (l *look) answersBehind(at place) {
	for i := range l.auths {
		if slices.Equal(l.auths[i].hosts, at.hosts) {
			l.auths[i].behind = true
		}
	}
}

// neverRun looks for a session_auth that no request comes to, because an app has
// answered them all, or all but those for files.
func (l *look) neverRun() error {
	for _, a := range l.auths {
		switch {
		case a.guarded:
		case givesAway(a.ended):
			return fmt.Errorf("%s: session_auth never runs, for %s before it answers every request, so it keeps nobody out: "+
				"put session_auth before it; outside `route` and `handle` it runs first", l.name(a.place), word(a.ended))
		case a.alive && a.left != "" && len(a.told) <= a.within && !a.behind:
			return fmt.Errorf("%s: %s", l.name(a.place), filesAlone)
		case a.alive && a.left != "" && len(a.told) <= a.within:
			l.warnOnce(fmt.Sprintf("%s: %s", l.name(a.place), filesAlone))
		}
	}
	return nil
}

const filesAlone = "session_auth is asked of files that are there alone, for php_fastcgi before it answers every other request, so the app is open " +
	"to everybody: put session_auth before it; outside `route` and `handle` it runs first"

// word is what the Caddyfile calls a handler.
func word(handler string) string {
	if handler == nameRespond {
		return "respond"
	}
	return handler
}

// notReached looks for a session_endpoints or a session_health that no request
// comes to.
func (l *look) notReached() error {
	for _, e := range l.endpoints {
		if givesAway(e.ended) && !slices.ContainsFunc(e.asked(), func(host string) bool { return l.toLogin(host).login != no }) {
			return fmt.Errorf("%s: session_endpoints never answers, for %s before it answers every request: put session_endpoints before it; "+
				"outside `route` and `handle` it runs first", l.name(e.place), word(e.ended))
		}
	}
	for _, h := range l.probed {
		if err := l.probeOf(h); err != nil {
			return err
		}
	}
	return nil
}

// probeOf follows a probe to the path of a session_health. What is taken off the
// path elsewhere cannot be told.
func (l *look) probeOf(h site) error {
	met, ended, moved := false, "", ""
	for _, host := range h.asked() {
		reached := false
		w := &walker{look: l, asked: true, probe: true, host: host}
		w.met = func(p part, _ place, s state) {
			if p.name == nameHealth && p.text("path") == h.path {
				here := s.moved == "" || s.path == "" || s.path == h.path
				met, reached = true, reached || s.alive && here
				ended, moved = s.ended, ""
				if !here {
					moved = s.moved
				}
			}
		}
		w.routes(l.server.Routes, place{}, state{alive: true, moves: moves{path: h.path}})
		if reached || h.stripped != "" {
			return nil
		}
	}
	switch where := l.name(h.place); {
	case !met:
		return fmt.Errorf("%s: session_health stands where requests for %s do not come: put it into the site itself", where, h.path)
	case moved != "":
		return fmt.Errorf("%s: session_health never answers, for `%s` gives requests for %s another path before it: put what rewrites, with what "+
			"answers behind it, into a block such as `handle { ... }`, which comes later", where, moved, h.path)
	case ended == nameAuth:
		return fmt.Errorf("%s: session_auth stands before session_health, and answers %s with 401 itself: put session_health before it; "+
			"outside `route` and `handle` it runs first; or say `public %s` in session_auth", where, h.path, h.path)
	case givesAway(ended):
		return fmt.Errorf("%s: session_health %s never answers, for %s before it answers there: put session_health before it; "+
			"outside `route` and `handle` it runs first", where, h.path, word(ended))
	}
	return nil
}
