package endpoint

import (
	"cmp"
	"net/http"
	"slices"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

// pages make the login page, which several routes answer with.
type pages struct {
	address   Address
	passwords []login.PasswordMethod
	nameLabel string
	providers []Provider
}

func newPages(c Config) pages { return pages{c.Address, c.Passwords, c.NameLabel, c.Providers} }

// login is the page as it stands before anybody did anything. cut says that
// returnTo is not all of where the person wanted to go.
func (p pages) login(r *http.Request, returnTo string, cut bool) web.Login {
	target, cutHere := p.address.ReturnTo.Keep(r, returnTo)
	return web.Login{
		Base:      p.address.BasePath,
		ReturnTo:  target,
		Cut:       cut || cutHere,
		Password:  len(p.passwords) > 0,
		Names:     slices.ContainsFunc(p.passwords, takesNames),
		NameLabel: p.nameLabel,
		Providers: p.buttons(target, cut || cutHere),
	}
}

// takesNames reports whether people may sign in there by what is no email address.
func takesNames(m login.PasswordMethod) bool {
	named, ok := m.(login.Named)
	return ok && named.TakesNames()
}

// calledHere is what somebody who is signed in knows themselves by.
func calledHere(c *caller.Caller) string { return cmp.Or(c.Session.Username, c.User.Email) }

// refuseAt answers with the page that says why a sign-in at that provider has failed,
// and with JSON who asks for that.
func (p pages) refuseAt(w http.ResponseWriter, r *http.Request, returnTo string, why *refusal.Refusal, at string) {
	if web.AsksForJSON(r) {
		why.WriteJSON(w)
		return
	}
	page := p.login(r, returnTo, false)
	page.At = at
	p.refuseOn(w, r, page, why)
}

func (p pages) refuseOn(w http.ResponseWriter, r *http.Request, page web.Login, why *refusal.Refusal) {
	page.Failure, page.Reason, page.RetryAfter = why.Page, why.Own(), why.RetryAfter
	why.WriteHeaders(w)
	page.Write(w, p.address.Look.For(r), why.Status)
}

// buttons lead to the configured providers.
func (p pages) buttons(target string, cut bool) []web.Provider {
	var buttons []web.Provider
	query := returnToQuery(target, cut)
	for _, at := range p.providers {
		href := p.address.BasePath + loginPath + "/" + at.Name() + query
		buttons = append(buttons, web.Provider{Name: at.Name(), Label: at.Label, Icon: at.Icon, Href: href})
	}
	return buttons
}
