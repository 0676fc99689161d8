package siting

import (
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// answered follows a request into a reverse_proxy whose answers are handled: the
// routes of `handle_response` may hand it on to what stands behind the
// reverse_proxy, as those of forward_auth do; an answer that none of them is for
// is given to who has asked.
func (w *walker) answered(p part, at place, s state) state {
	if len(p.responses) == 0 || !s.alive {
		return w.stranger(p, s)
	}
	met := w.met // what stands in there is not on the way of every request
	w.met = nil
	defer func() { w.met = met }()
	w.other = max(w.other, maybe)
	in := s
	in.guarded, in.doubtful = true, true // the answer may say who it is
	on, gives := state{}, true
	for i := range p.responses {
		response := &p.responses[i]
		out := w.response(response, at, in)
		switch {
		case out.alive && on.alive:
			on = merge(on, out)
		case out.alive:
			on = out
		}
		if response.Match == nil { // it is for all that are left
			gives = givesAway(out.ended)
			break
		}
	}
	if on.alive {
		return on
	}
	s.alive, s.ended = false, ""
	if gives {
		s.ended = nameProxy
	}
	return s
}

func (w *walker) response(h *caddyhttp.ResponseHandler, at place, s state) state {
	if h.StatusCode != "" { // the answer is given with another status
		s.alive, s.ended = false, nameProxy
		return s
	}
	return w.routes(h.Routes, at, s)
}
