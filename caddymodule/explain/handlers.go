package explain

import "slices"

// harmless are handlers and matchers that neither ask nor write: they are left as
// they are.
var (
	harmlessHandlers = []string{
		"copy_response", "copy_response_headers", "encode", "error", "headers", "invoke", "log_append", "map", "metrics", "push", "request_body",
		"rewrite", "session_auth", "session_endpoints", "session_health", "static_response", "timeouts", "vars",
	}
	harmlessMatchers = []string{
		"client_ip", "expression", "file", "header", "header_regexp", "host", "method", "not", "path", "path_regexp", "protocol", "query",
		"remote_ip", "session", "tls", "url_pattern", "vars", "vars_regexp",
	}
)

func (r *rewriting) routes(routes []any) {
	for _, route := range routes {
		route, ok := route.(object)
		if !ok {
			continue
		}
		r.matchers(list(route, "match"))
		handlers := list(route, "handle")
		for i, h := range handlers {
			if h, ok := h.(object); ok {
				handlers[i] = r.handler(h)
			}
		}
	}
}

// matchers takes those that are not known for ones that do not hold.
func (r *rewriting) matchers(sets []any) {
	for _, set := range sets {
		set, _ := set.(object)
		for name := range set {
			switch {
			case name == "not":
				r.matchers(list(set, "not"))
			case name == "file" && text(under(set, "file"), "fs") != "", !slices.Contains(harmlessMatchers, name):
				r.note("the matcher %s is not run, and taken for one that does not match", name)
				delete(set, name)
				set[standInName] = object{}
			}
		}
	}
}

// handler is what stands for one.
func (r *rewriting) handler(h object) object {
	name := text(h, "handler")
	switch {
	case name == "session_auth" && text(h, "upstream_token") != "":
		of := text(h, "upstream_token")
		r.note("upstream_token %s: what was given out to a person there is not known here, so none of it is sent", of)
		if !slices.Contains(r.apps, of) { // a provider has a stand-in, which gives out none
			delete(h, "upstream_token")
		}
	case slices.Contains(harmlessHandlers, name):
	case name == "subroute":
		r.routes(list(h, "routes"))
		r.routes(list(under(h, "errors"), "routes"))
	case name == "intercept":
		r.responses(h)
	case name == "reverse_proxy":
		return r.proxy(h)
	case name == "tracing":
		return object{"handler": "vars"}
	case name == "templates":
		delete(h, "match_extensions")
		delete(h, "extensions")
	case name == "file_server" && h["fs"] == nil:
	case name == "authentication" && onlyBasic(h):
	default:
		return object{"handler": standInName, "name": name}
	}
	return h
}

func onlyBasic(h object) bool {
	for name := range under(h, "providers") {
		if name != "http_basic" {
			return false
		}
	}
	return true
}

func (r *rewriting) responses(h object) {
	for _, response := range list(h, "handle_response") {
		if response, ok := response.(object); ok {
			r.routes(list(response, "routes"))
		}
	}
}

// proxy keeps all that a reverse_proxy does to a request, and sends it to the
// recorder.
func (r *rewriting) proxy(h object) object {
	transport := under(h, "transport")
	if source := text(under(h, "dynamic_upstreams"), "source"); source != "" {
		h["upstreams"] = []any{object{"dial": "upstream." + source + ":80"}}
	}
	for _, left := range []string{"circuit_breaker", "dynamic_upstreams", "health_checks", "stream_logs", "verbose_logs"} {
		delete(h, left)
	}
	stand := object{"protocol": standInName, "tls": transport["tls"] != nil}
	switch protocol := text(transport, "protocol"); protocol {
	case "", "http":
		stand["plain"] = transport["compression"] == false
	case "sidegate": // which speaks HTTP, and has no compression to turn off
		stand["plain"] = true
	default:
		stand["of"] = protocol
	}
	h["transport"] = stand
	h["load_balancing"] = object{"selection_policy": object{"policy": "first"}}
	r.responses(h)
	return h
}
