package siting

import (
	"slices"
	"strings"

	"go.uber.org/zap"
)

// proxy is a way to an app.
type proxy struct {
	place
	state
	dials []string
}

// open reports whether everybody may come to the app by it.
func (p proxy) open() bool { return p.alive && !p.guarded && !p.special }

// warnOfOpen tells of an app that a session_auth guards on one path of a site,
// and nothing on another. It may be meant, for what programs ask.
func (l *look) warnOfOpen() {
	for _, open := range l.proxies {
		if !open.open() {
			continue
		}
		for _, guarded := range l.proxies {
			dial := l.shared(open.dials, guarded.dials)
			if dial == "" || !guarded.guarded || !slices.Equal(open.hosts, guarded.hosts) {
				continue
			}
			l.warnOnce("an app that session_auth guards can be reached without it by another path of the site: have one way to the app, "+
				"and name what is open in it, by `public <path>...` in the block of session_auth", zap.String("site", l.name(place{hosts: open.hosts})), zap.String("upstream", dial),
				zap.String("open", told(open.place)), zap.String("guarded", told(guarded.place)))
			break
		}
	}
}

func (l *look) warnOnce(message string, fields ...zap.Field) {
	var key strings.Builder
	key.WriteString(message)
	for _, f := range fields {
		key.WriteString(f.String + "\n")
	}
	if slices.Contains(l.told, key.String()) {
		return
	}
	l.told = append(l.told, key.String())
	l.Warn(message, fields...)
}

// shared is an upstream of both; empty where there is none.
func (l *look) shared(a, b []string) string {
	i := slices.IndexFunc(a, func(dial string) bool {
		return l.sameEverywhere(dial) && slices.ContainsFunc(b, func(other string) bool { return here(dial) == here(other) })
	})
	if i >= 0 {
		return a[i]
	}
	return ""
}

// here is an address with one name for this machine.
func here(dial string) string {
	if port, ok := strings.CutPrefix(dial, "localhost:"); ok {
		return "127.0.0.1:" + port
	}
	return dial
}
