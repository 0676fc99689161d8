package siting

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// dials are the upstreams of a reverse_proxy: addresses as they are written, and
// what is asked for others.
func (p part) dials() (dials []string) {
	var proxy struct{ Upstreams []struct{ Dial string } }
	_ = json.Unmarshal(p.raw, &proxy)
	for _, u := range proxy.Upstreams {
		if u.Dial != "" {
			dials = append(dials, u.Dial)
		}
	}
	if p.dynamic != "" {
		dials = append(dials, p.dynamic)
	}
	return dials
}

// placeholder is one of Caddy's. In JSON a brace is followed by a quote.
var placeholder = regexp.MustCompile(`\{([^{}"]+)\}`)

// sameEverywhere reports whether an upstream is the same whatever path of a site
// leads to it. One that a placeholder names may be another by another path.
func (l *look) sameEverywhere(dial string) bool {
	for _, found := range placeholder.FindAllStringSubmatch(dial, -1) {
		name, isVar := strings.CutPrefix(found[1], "http.vars.")
		switch {
		case isVar && len(slices.DeleteFunc(slices.Clone(l.vars), func(set string) bool { return set != name })) < 2:
		case slices.ContainsFunc([]string{"env.", "file.", "system.", "http.request.host"}, func(same string) bool { return strings.HasPrefix(name, same) }):
		default:
			return false
		}
	}
	return true
}

// dynamicOf is what a reverse_proxy asks for its upstreams. Of one that is
// provisioned only what Caddy's own say of themselves is all that was written.
func dynamicOf(h *reverseproxy.Handler) string {
	if h.DynamicUpstreams == nil {
		return dynamicText(h.DynamicUpstreamsRaw)
	}
	source := ""
	switch h.DynamicUpstreams.(type) {
	case *reverseproxy.AUpstreams:
		source = "a"
	case *reverseproxy.SRVUpstreams:
		source = "srv"
	default:
		return ""
	}
	raw, err := json.Marshal(h.DynamicUpstreams)
	if err != nil {
		return ""
	}
	return dynamicText(append([]byte(`{"source":"`+source+`",`), raw[1:]...))
}

// dynamicText names what is asked for, however often and through whom; empty
// where nothing is.
func dynamicText(raw json.RawMessage) string {
	var fields map[string]any
	if json.Unmarshal(raw, &fields) != nil || len(fields) < 2 {
		return ""
	}
	for _, how := range []string{"refresh", "grace_period", "resolver", "dial_timeout", "dial_fallback_delay", "dial_network", "versions"} {
		delete(fields, how)
	}
	same, _ := json.Marshal(fields)
	return string(same)
}
