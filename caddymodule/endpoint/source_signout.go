package endpoint

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/web"
)

// sourceSignOut leads people who sign out here on to their provider, to sign
// out there too.
type sourceSignOut struct {
	address   Address
	providers []Provider
	adoption  *Adoption
}

func newSourceSignOut(c Config) sourceSignOut {
	return sourceSignOut{c.Address, c.Providers, c.Adoption}
}

// called is where somebody may be signed in still who has come by that login, as
// people call it. A password is of nowhere else.
func (o sourceSignOut) called(login string) web.Elsewhere {
	for _, p := range o.providers {
		if p.Name() == login {
			return web.Elsewhere(cmp.Or(p.Label, login))
		}
	}
	if o.adoption.has(login) {
		return web.Somewhere
	}
	return web.Nowhere
}

// patience bounds how long a sign-out waits to learn where the provider wants
// to be told of it.
const patience = 2 * time.Second

// of is where the browser should go next to end the session at its provider too,
// and back to a page of ours from there.
func (o sourceSignOut) of(r *http.Request, c *caller.Caller) (end oidc.EndSession, ok bool) {
	if c.Standing != caller.SignedIn {
		return end, false
	}
	i := slices.IndexFunc(o.providers, func(p Provider) bool { return p.Name() == c.Session.Method })
	if i < 0 {
		return end, false
	}
	kept, err := profile.DecodeKept(c.Session.Kept)
	if err != nil {
		kept = nil // then it is told of nobody in particular
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	return o.providers[i].EndSession(ctx, kept, o.address.Sites.Of(r).String()+o.address.BasePath+logoutPath)
}

// lead leads on. A page of ours posts what an address has no room for, where there
// is a browser to show it in: a script that asked would never get beyond the page.
func (o sourceSignOut) lead(w http.ResponseWriter, r *http.Request, end oidc.EndSession) {
	if end.PostTo == "" || !web.IsNavigation(r) {
		redirect(w, r, end.Location)
		return
	}
	page := web.SignOutThere{Action: end.PostTo}
	for _, name := range slices.Sorted(maps.Keys(end.Form)) {
		page.Fields = append(page.Fields, web.Field{Name: name, Value: end.Form.Get(name)})
	}
	page.Write(w, o.address.Look.For(r))
}
