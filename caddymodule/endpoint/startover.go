package endpoint

import (
	"net/http"
	"slices"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

// startOver is POST /auth/start-over: whose session cannot be read has it
// ended, and signs in again.
type startOver struct {
	pages
	callers  *caller.Finder
	sessions *lifecycle.Sessions
	events   lifecycle.Events
	fresh    fresh
}

func startOverRoute(c Config) Route {
	s := startOver{newPages(c), c.Callers, c.Sessions, c.Events, newFresh(c)}
	return Route{Path: "/start-over", Answers: map[string]http.HandlerFunc{http.MethodPost: s.post}, Reads: true, Unshared: true}
}

// post ends every session that cannot be read and whose credential was
// presented. One that can be read is for its person to end, by a sign-out, and
// while the store is away nobody can say which it is.
func (s startOver) post(w http.ResponseWriter, r *http.Request) {
	fromPage := isForm(r)
	if fromPage {
		if err := r.ParseForm(); err != nil {
			refusal.CloseUnread(w, r)
			s.address.Refuse(w, r, refuseBody(err), "")
			return
		}
	}
	presented := s.callers.Presented(r)
	left, done := s.end(w, r, presented)
	if !done {
		return
	}
	// It says nothing, and is not waited for before: when it does not come, the
	// server takes the client to be gone, and then the store is not asked.
	if finishBody(r) != nil {
		refusal.CloseUnread(w, r)
	}
	switch {
	case left == 0 && presented.Ours:
		s.address.signsOut(w, r, nil)
	case left == 0:
		s.fresh.clear(w, r)
	}
	if presented.Unknown && !fromPage { // its session may live
		s.address.Refuse(w, r, refusal.Token, "")
		return
	}
	if fromPage {
		s.leadOn(w, r, s.address.LoginURL(r, only(r.PostForm, fieldReturnTo)))
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// end ends what was presented and cannot be read, or answers that it could not;
// left is how many can be read.
func (s startOver) end(w http.ResponseWriter, r *http.Request, presented *caller.Presented) (left int, done bool) {
	ended, left, err := s.sessions.EndUnreadable(caller.Asking(r), slices.Concat(presented.Sessions, presented.Expired))
	if err != nil {
		s.events.Trouble(r.Context(), "a session that cannot be read could not be ended", err)
		refusal.CloseUnread(w, r)
		s.address.Refuse(w, r, refusal.NotEnded, "")
		return left, false
	}
	if !presented.All {
		refusal.CloseUnread(w, r)
		s.address.Refuse(w, r, refusal.TooMany, "")
		return left, false
	}
	if ended > 0 {
		s.events.Happened(caller.Asker(r).Of(lifecycle.Event{Kind: SignedOut}))
	}
	return left, true
}

// leadOn leads to the login page. Where that is no stop on the way to the one
// provider, a page of its own stands between: browsers hold the form's
// form-action against every redirect that follows it.
func (s startOver) leadOn(w http.ResponseWriter, r *http.Request, login string) {
	if s.pages.login(r, "", false).Alone() {
		web.StartedOver{To: login}.Write(w, s.address.Look.For(r))
		return
	}
	redirect(w, r, login)
}
