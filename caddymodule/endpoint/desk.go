package endpoint

import (
	"net/http"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

// desk receives callers: who is signed in is let on, all others have their
// answer there.
type desk struct {
	callers *caller.Finder
	address Address
	denied  func(lifecycle.Event) // hears who is signed in and refused all the same
}

func newDesk(c Config) desk {
	return desk{c.Callers, c.Address, func(e lifecycle.Event) { c.Events.Happened(e) }}
}

// signedIn returns who calls, or answers that they may not and returns nil.
func (d desk) signedIn(w http.ResponseWriter, r *http.Request) *caller.Caller {
	c := d.callers.Caller(r)
	d.address.Cookie.HandOver(w, c)
	d.address.Cookie.Known(w, r, c, false)
	if c.MayPass() {
		return c
	}
	d.refuse(w, r, c)
	return nil
}

// refuse answers a caller who is not signed in, in JSON. On these endpoints a
// store that cannot be asked is 500 where the contract says so.
func (d desk) refuse(w http.ResponseWriter, r *http.Request, c *caller.Caller) {
	if c.StaleCookie {
		d.address.Cookie.Clear(w, r)
	}
	refusal.CloseUnread(w, r)
	if c.Standing == caller.CannotTell {
		d.address.CannotTell(r, c.Refusal).WriteJSON(w)
		return
	}
	d.deny(w, r, c)
}

// deny answers with what the caller is refused with, and tells of them where they are
// signed in.
func (d desk) deny(w http.ResponseWriter, r *http.Request, c *caller.Caller) {
	if c.Standing == caller.SignedIn {
		d.denied(demand.Denied(caller.Asker(r), c))
	}
	c.Refusal.WriteJSON(w)
}

// received is signedIn where a person may be looking, at a page or at what its form is
// answered with: one who is not signed in is led to the login page and back to that
// page of ours, and any other refusal is a page that leads back to it.
func (d desk) received(w http.ResponseWriter, r *http.Request, page string) *caller.Caller {
	if !web.IsNavigation(r) {
		return d.signedIn(w, r)
	}
	c := d.callers.Caller(r)
	d.address.Cookie.HandOver(w, c)
	d.address.Cookie.Known(w, r, c, false)
	if c.MayPass() {
		return c
	}
	refusal.CloseUnread(w, r)
	switch {
	case c.Refusal.Status == http.StatusUnauthorized:
		if c.StaleCookie {
			d.address.Cookie.ClearStale(w, r, true)
		}
		d.address.ToLogin(w, r, d.address.BasePath+page)
	case c.Standing == caller.SignedIn:
		d.denied(demand.Denied(caller.Asker(r), c))
		d.address.Forbid(w, r, c.Refusal, c, d.address.BasePath+page)
	default:
		d.address.Refuse(w, r, c.Refusal, d.address.BasePath+page)
	}
	return nil
}
