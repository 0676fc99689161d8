package endpoint

import (
	"net/http"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/refusal"
)

// account is PUT /auth/session/primary-account: the person acts for that
// account until they choose another.
type account struct {
	session
	sessions *lifecycle.Sessions
}

func accountRoute(c Config) Route {
	a := account{newSession(c), c.Sessions}
	return Route{Path: "/session/primary-account", Answers: map[string]http.HandlerFunc{http.MethodPut: a.put}, Reads: true}
}

func (a account) put(w http.ResponseWriter, r *http.Request) {
	c := a.signedIn(w, r)
	if c == nil {
		return
	}
	var chosen struct {
		AccountID string `json:"accountId"`
	}
	if mediaType(r) != mediaJSON {
		refusal.CloseUnread(w, r)
		refusal.Media.Saying("Send application/json.").WriteJSON(w)
		return
	}
	if why := readJSON(r, &chosen, "accountId"); why != nil {
		refusal.CloseUnread(w, r)
		why.WriteJSON(w)
		return
	}
	told := caller.Asker(r).Of(lifecycle.Event{
		Kind: AccountRefused, Login: c.Session.Method, UserID: c.User.ID, Session: c.Session.Key, Result: chosen.AccountID,
	})
	if _, ok := c.Session.User.Account(chosen.AccountID); !ok {
		a.events.Happened(told)
		refusal.Account.WriteJSON(w)
		return
	}
	changed, err := a.sessions.ChooseAccount(r.Context(), c.Session, chosen.AccountID)
	if err == nil {
		told.Kind = AccountChosen
		a.events.Happened(told)
	}
	a.writeChanged(w, r, c.With(changed, nil), err)
}
