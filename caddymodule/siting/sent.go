package siting

import (
	"slices"
	"strings"

	"go.uber.org/zap"
)

// sent is what a session_auth with upstream_token has put into a request.
type sent struct {
	login string   // whose token; empty where there is none
	by    int      // which session_auth sends it
	dials []string // upstreams that have had it already, and have handed the request on
}

func (s sent) merge(other sent) sent {
	if s.login == "" || len(s.dials) == 0 && other.login != "" {
		return other
	}
	return s
}

// sends tells of a token that goes to one upstream after the other: to a forward_auth,
// or to a reverse_proxy whose `handle_response` asks another one, and to the app.
func (w *walker) sends(p part, at place, s state) state {
	if !w.all || s.sent.login == "" || p.takesOff("Authorization") {
		return s
	}
	dials := p.dials()
	if before := s.sent.dials; len(before) > 0 && !slices.Equal(before, dials) {
		w.warnOnce("what upstream_token sends goes to more than one upstream, and is for the app alone: put what is asked first, such as forward_auth, before the "+
			"session_auth, or take the token away there with `header_up -Authorization`", zap.String("site", w.name(place{hosts: at.hosts})),
			zap.String("upstream_token", s.sent.login), zap.Strings("first", before), zap.Strings("then", dials))
	}
	if len(s.sent.dials) == 0 {
		w.sendsBeside(s.sent, dials, at)
	}
	s.sent.dials = dials
	return s
}

// sendsBeside tells of a token that one session_auth sends to several apps, by different
// paths: what takes one of them in people's names at the provider the other has too.
func (w *walker) sendsBeside(of sent, dials []string, at place) {
	if w.receives == nil {
		w.receives = make(map[int][]string)
	}
	first, known := w.receives[of.by]
	if !known {
		w.receives[of.by] = dials
		return
	}
	if !slices.Equal(first, dials) {
		w.warnOnce("what upstream_token sends goes to several apps of the site, and is for one alone: give each app a session_auth of its own, in its `handle` or `route`, "+
			"and upstream_token to the one that the token is for, or take the token away at the others with `header_up -Authorization`",
			zap.String("site", w.name(place{hosts: at.hosts})), zap.String("upstream_token", of.login), zap.Strings("one", first), zap.Strings("other", dials))
	}
}

// takesOff reports whether a reverse_proxy sends no such header, or one of its own.
func (p part) takesOff(header string) bool {
	headers, _ := p.fields()["headers"].(map[string]any)
	request, _ := headers["request"].(map[string]any)
	deleted, _ := request["delete"].([]any)
	set, _ := request["set"].(map[string]any)
	for name := range set {
		deleted = append(deleted, name)
	}
	return slices.ContainsFunc(deleted, func(name any) bool {
		text, _ := name.(string)
		return text == "*" || strings.EqualFold(text, header)
	})
}
