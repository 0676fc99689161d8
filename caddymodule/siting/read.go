package siting

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"example.com/sidegate/caddymodule/everyroute"
)

// The handlers that are looked at more closely, by the names of their modules.
const (
	nameAuth      = "session_auth"
	nameEndpoints = "session_endpoints"
	nameProxy     = "reverse_proxy"
	nameFiles     = "file_server"
	nameRespond   = "static_response"
	nameInvoke    = "invoke"
	nameError     = "error"
	nameHealth    = "session_health"
	nameCopy      = "copy_response"
)

// part is a handler of a route.
type part struct {
	name      string
	raw       json.RawMessage             // as it is written
	routes    caddyhttp.RouteList         // within it
	responses []caddyhttp.ResponseHandler // what a reverse_proxy does with answers
	dynamic   string                      // what it asks for its upstreams
}

// partsOf reads the handlers of a route, which Caddy has provisioned already, or
// not yet.
func partsOf(route *caddyhttp.Route) (parts []part) {
	for _, raw := range route.HandlersRaw {
		parts = append(parts, readPart(raw))
	}
	if route.HandlersRaw == nil {
		for _, h := range route.Handlers {
			parts = append(parts, partOf(h))
		}
	}
	return parts
}

func readPart(raw json.RawMessage) part {
	p := part{raw: raw}
	p.name = p.text("handler")
	switch p.name { // what cannot be read is Caddy's to complain of
	case "subroute":
		var s caddyhttp.Subroute
		_ = json.Unmarshal(raw, &s)
		p.routes = s.Routes
	case nameProxy:
		var h reverseproxy.Handler
		_ = json.Unmarshal(raw, &h)
		p.responses, p.dynamic = h.HandleResponse, dynamicText(h.DynamicUpstreamsRaw)
	}
	return p
}

func partOf(h caddyhttp.MiddlewareHandler) (p part) {
	switch h := h.(type) {
	case *caddyhttp.Subroute:
		p.routes = h.Routes
	case everyroute.Before:
		p.routes = h.Inner()
	case *reverseproxy.Handler:
		p.responses, p.dynamic = h.HandleResponse, dynamicOf(h)
	}
	if module, ok := h.(caddy.Module); ok {
		p.name = module.CaddyModule().ID.Name()
		if p.routes == nil {
			p.raw, _ = json.Marshal(h)
		}
	}
	return p
}

// fields are those of a handler; nil where it cannot be read.
func (p part) fields() (fields map[string]any) {
	_ = json.Unmarshal(p.raw, &fields)
	return fields
}

func (p part) text(field string) string {
	text, _ := p.fields()[field].(string)
	return text
}

// What a handler may do with a request.
type deed int

const (
	answers deed = 1 << iota // what people may read
	ends                     // none comes past it
	guards                   // it may ask who somebody is
	leadsOn                  // to another address
)

// passing are handlers that hand every request on.
var passing = []string{
	"copy_response_headers", "encode", "headers", "log_append", "map", "push", "request_body", "session_health", "subroute", "templates", "timeouts",
	"tracing", "vars",
}

// does is what a handler does that is none of ours. Of one that is not known,
// everything may be true.
func (p part) does() deed {
	switch {
	case slices.Contains(passing, p.name):
		return 0
	case p.name == "authentication":
		return guards
	case p.name == nameRespond:
		return p.responds()
	case p.name == nameFiles && p.fields() != nil && p.fields()["pass_thru"] != true:
		return answers | ends
	case p.name == nameProxy && p.fields() != nil, p.name == nameCopy:
		return answers | ends
	case p.name == nameError:
		return answers | ends | guards
	}
	return answers | guards
}

// responds tells a page, and where people are led elsewhere, from an error.
func (p part) responds() deed {
	fields := p.fields()
	status := fmt.Sprint(fields["status_code"]) // a text or a number
	switch {
	case fields == nil || strings.Contains(status, "{"), status == "103":
		return answers | guards
	case fields["abort"] == true, strings.HasPrefix(status, "4"), strings.HasPrefix(status, "5"):
		return ends
	case strings.HasPrefix(status, "3"):
		return answers | ends | leadsOn
	}
	return answers | ends
}

// givesAway reports whether what has ended a request has given an app's answer.
func givesAway(ended string) bool {
	return slices.Contains([]string{nameProxy, nameFiles, nameRespond, nameCopy}, ended)
}
