package endpoint

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/sessionstore"
)

// accountPath is the page to choose the account that one acts for.
const accountPath = "/account"

// fieldAccount is the chosen account, in the page's form and as a member of JSON.
const fieldAccount = "accountId"

// account is PUT /auth/session/primary-account, and GET and POST /auth/account for
// people: the person acts for that account until they choose another.
type account struct {
	session
	sessions *lifecycle.Sessions
}

func accountRoute(c Config) Route {
	a := account{newSession(c), c.Sessions}
	return Route{Path: "/session/primary-account", Answers: map[string]http.HandlerFunc{http.MethodPut: a.put}, Reads: true}
}

func accountPageRoute(c Config) Route {
	a := account{newSession(c), c.Sessions}
	return Route{Path: accountPath, Answers: map[string]http.HandlerFunc{http.MethodGet: a.get, http.MethodPost: a.post}, Reads: true}
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
	if why := readJSON(r, &chosen, fieldAccount); why != nil {
		refusal.CloseUnread(w, r)
		why.WriteJSON(w)
		return
	}
	changed, why, err := a.choose(r, c, chosen.AccountID)
	if why != nil {
		why.WriteJSON(w)
		return
	}
	a.writeChanged(w, r, c.With(changed, nil), err)
}

// choose has the caller act for that account, or says why not where it is none of theirs.
func (a account) choose(r *http.Request, c *caller.Caller, id string) (*sessionstore.Session, *refusal.Refusal, error) {
	told := caller.Asker(r).Of(lifecycle.Event{
		Kind: AccountRefused, Login: c.Session.Method, UserID: c.User.ID, Session: c.Session.Key, Result: id,
	})
	if _, ok := c.Session.User.Account(id); !ok {
		a.events.Happened(told)
		return nil, refusal.Account, nil
	}
	changed, err := a.sessions.ChooseAccount(r.Context(), c.Session, id)
	if err == nil {
		told.Kind = AccountChosen
		a.events.Happened(told)
	}
	return changed, nil, err
}

// get answers with the page. Which account another tab acts for it does not know: the
// one that is marked is that of the session.
func (a account) get(w http.ResponseWriter, r *http.Request) {
	returnTo, _ := a.address.ReturnTo.Allow(r, returnToOf(r))
	c := a.received(w, r, a.pathOf(returnTo))
	if c == nil {
		return
	}
	page := web.Account{
		Base: a.address.BasePath, SignedInAs: calledHere(c), ReturnTo: returnTo,
		Choices: make([]web.Choice, len(c.Session.User.Accounts)),
	}
	for i, one := range c.Session.User.Accounts {
		page.Choices[i] = web.Choice{ID: one.AccountID, Name: one.AccountName, Primary: one.UsersPrimaryAccount, Admin: one.AccountAdmin}
	}
	w.Header().Set("Vary", web.VaryOnCaller)
	page.Write(w, a.address.Look.For(r))
}

// pathOf is the page with where it leads back to.
func (a account) pathOf(returnTo string) string {
	if returnTo == "" {
		return accountPath
	}
	return accountPath + returnToQuery(returnTo, false)
}

// post is what a press on the page does: 303 to where it was to lead, or to the page.
func (a account) post(w http.ResponseWriter, r *http.Request) {
	chosen, returnTo, why := a.readChoice(r)
	if why != nil {
		refusal.CloseUnread(w, r)
		a.refusePage(w, r, why)
		return
	}
	c := a.received(w, r, a.pathOf(returnTo))
	if c == nil {
		return
	}
	_, why, err := a.choose(r, c, chosen)
	switch {
	case why != nil:
		a.address.Forbid(w, r, why, c, a.address.BasePath+a.pathOf(returnTo))
	case errors.Is(err, lifecycle.ErrEnded):
		if c.Token == "" {
			a.address.Cookie.ClearOf(w, r, cookiesOf(c, a.sessions))
		}
		a.address.ToLogin(w, r, a.address.BasePath+a.pathOf(returnTo))
	case errors.Is(err, lifecycle.ErrUnmapped):
		a.refusePage(w, r, refusal.SourceUnmapped)
	case err != nil:
		a.events.Trouble(r.Context(), "a session could not be changed", err)
		a.refusePage(w, r, NotChanged(err))
	case returnTo != "":
		redirect(w, r, a.unchosen(r, returnTo))
	default:
		redirect(w, r, a.address.BasePath+accountPath)
	}
}

// unchosen is where choosing leads without the parameter that chooses an account: it
// would have the page there be for the account of before, and refused as before. The
// addresses of other sites are theirs.
func (a account) unchosen(r *http.Request, returnTo string) string {
	to, err := url.Parse(returnTo)
	if a.address.AccountParam == "" || err != nil || to.Host != "" && !a.address.ReturnTo.isOwn(r, origin.OfURL(to)) {
		return returnTo
	}
	before, fragment, _ := strings.Cut(returnTo, "#")
	path, query, _ := strings.Cut(before, "?")
	left, chosen := identity.TakeParameter(query, a.address.AccountParam)
	if chosen == nil {
		return returnTo
	}
	if left != "" {
		path += "?" + left
	}
	if fragment != "" {
		path += "#" + fragment
	}
	return path
}

// readChoice reads the page's form.
func (a account) readChoice(r *http.Request) (chosen, returnTo string, why *refusal.Refusal) {
	if mediaType(r) != mediaForm {
		return "", "", refusal.MediaForm
	}
	if err := r.ParseForm(); err != nil {
		return "", "", refuseBody(err)
	}
	if why := (spelt{fieldAccount, fieldReturnTo}).of(r.PostForm); why != nil {
		return "", "", why
	}
	returnTo, _ = a.address.ReturnTo.Allow(r, only(r.PostForm, fieldReturnTo))
	return only(r.PostForm, fieldAccount), returnTo, nil
}

func (a account) refusePage(w http.ResponseWriter, r *http.Request, why *refusal.Refusal) {
	a.address.Refuse(w, r, why, a.address.BasePath+accountPath)
}
