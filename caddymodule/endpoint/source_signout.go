package endpoint

import (
	"context"
	"net/http"
	"slices"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/profile"
)

// sourceSignOut leads people who sign out here on to their provider, to sign
// out there too.
type sourceSignOut struct {
	address   Address
	providers []Provider
}

func newSourceSignOut(c Config) sourceSignOut { return sourceSignOut{c.Address, c.Providers} }

// patience bounds how long a sign-out waits to learn where the provider wants
// to be told of it.
const patience = 2 * time.Second

// location is where the browser should go next to end the session at its
// provider too, and back to a page of ours from there.
func (o sourceSignOut) location(r *http.Request, c *caller.Caller) (string, bool) {
	if c.Standing != caller.SignedIn {
		return "", false
	}
	i := slices.IndexFunc(o.providers, func(p Provider) bool { return p.Name() == c.Session.Method })
	if i < 0 {
		return "", false
	}
	kept, err := profile.DecodeKept(c.Session.Kept)
	if err != nil {
		kept = nil // then it is told of nobody in particular
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	return o.providers[i].EndSession(ctx, kept, o.address.Sites.Of(r).String()+o.address.BasePath+logoutPath)
}

// targets are where a sign-out may lead, for the policies of pages that have
// such a form: the listed origins, and the session's provider.
func (o sourceSignOut) targets(r *http.Request, c *caller.Caller) []string {
	targets := slices.Clone(o.address.ReturnTo.written)
	if location, ok := o.location(r, c); ok {
		targets = append(targets, location)
	}
	return targets
}
