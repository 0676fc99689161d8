package endpoint

import (
	"net/http"
	"net/url"

	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

// pages make the login page, which several routes answer with.
type pages struct {
	address   Address
	passwords bool // somebody is asked about passwords
	providers []Provider
}

func newPages(c Config) pages { return pages{c.Address, len(c.Passwords) > 0, c.Providers} }

// login is the page as it stands before anybody did anything.
func (p pages) login(r *http.Request, returnTo string) web.Login {
	return web.Login{
		Base:        p.address.BasePath,
		ReturnTo:    p.address.ReturnTo.Clean(r, returnTo),
		Password:    p.passwords,
		Providers:   p.buttons(r, returnTo),
		FormTargets: p.address.ReturnTo.written,
	}
}

// refuse answers with the page that says why.
func (p pages) refuse(w http.ResponseWriter, r *http.Request, returnTo string, why *refusal.Refusal) {
	page := p.login(r, returnTo)
	page.Failure, page.Reason, page.RetryAfter = why.Page, why.Message, why.RetryAfter
	why.WriteHeaders(w)
	page.Write(w, why.Status)
}

// buttons lead to the configured providers.
func (p pages) buttons(r *http.Request, returnTo string) []web.Provider {
	var buttons []web.Provider
	for _, at := range p.providers {
		href := p.address.BasePath + "/login/" + at.Name()
		if target, ok := p.address.ReturnTo.Allow(r, returnTo); ok {
			href += "?return_to=" + url.QueryEscape(target)
		}
		buttons = append(buttons, web.Provider{Name: at.Name(), Label: at.Label, Href: href})
	}
	return buttons
}
