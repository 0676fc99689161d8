package endpoint

import (
	"net/http"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/refusal"
)

// desk receives callers: who is signed in is let on, all others have their
// answer there.
type desk struct {
	callers *caller.Finder
	address Address
}

func newDesk(c Config) desk { return desk{c.Callers, c.Address} }

// signedIn returns who calls, or answers that they may not and returns nil.
func (d desk) signedIn(w http.ResponseWriter, r *http.Request) *caller.Caller {
	c := d.callers.Caller(r)
	d.address.Cookie.HandOver(w, c)
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
	c.Refusal.WriteJSON(w)
}
