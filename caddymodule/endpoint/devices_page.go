package endpoint

import (
	"cmp"
	"net/http"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/sessionstore"
)

// varyOnLooking is what an answer depends on that is a page where a person is looking,
// and JSON for all others.
const varyOnLooking = web.VaryOnCaller + ", Accept, Sec-Fetch-Mode"

// What the page of one's devices is led back to with, and says only where it is so:
// anybody can write it into an address.
const (
	signedOutParam = "signed_out"
	othersOut      = "others"
)

// get answers a person with the page, and a program with the list.
func (d devices) get(w http.ResponseWriter, r *http.Request) {
	if !web.IsNavigation(r) {
		d.list(w, r)
		return
	}
	c := d.received(w, r, devicesPath)
	if c == nil {
		return
	}
	sessions, unreadable, err := d.of(r, c)
	if err != nil {
		d.address.Refuse(w, r, refusal.Unavailable, d.address.BasePath+devicesPath)
		return
	}
	page := web.Sessions{
		Base: d.address.BasePath, SignedInAs: calledHere(c), This: d.shown(c.Session), Unreadable: unreadable,
	}
	for _, s := range sessions {
		if s.Key == c.Session.Key {
			page.This = d.shown(s)
		} else {
			page.Others = append(page.Others, d.shown(s))
		}
	}
	page.Done = doneAt(only(r.URL.Query(), signedOutParam), &page)
	w.Header().Set("Vary", varyOnLooking)
	page.Write(w, d.address.Look.For(r))
}

// doneAt is what of the word in the address is so.
func doneAt(word string, page *web.Sessions) web.SessionsDone {
	switch {
	case word == othersOut && page.Alone():
		return web.OthersOut
	case isID(word) && !page.Has(word):
		return web.DeviceOut
	}
	return web.NothingDone
}

func isID(text string) bool {
	_, err := sessionstore.ParseID(text)
	return err == nil
}

// shown is the session as its person sees it.
func (d devices) shown(s *sessionstore.Session) web.Device {
	called, known := d.methods[s.Method]
	if !known {
		called = s.Method
	}
	return web.Device{
		ID: s.Key.ID(), UserAgent: s.UserAgent, Address: s.Address, Method: called,
		Created: s.CreatedAt, LastSeen: s.LastSeenAt, Expires: s.ExpiresAt,
	}
}

// calledMethods is what people call each way to sign in: a provider by its button, and
// nothing for a password.
func calledMethods(l Logins) map[string]string {
	called := make(map[string]string)
	for _, m := range l.Passwords {
		called[m.Name()] = ""
	}
	for _, p := range l.Providers {
		called[p.Name()] = cmp.Or(p.Label, p.Name())
	}
	return called
}

// post signs one device out for the page's form. One that is out already is: the page
// was open for a while, or the button pressed twice.
func (d devices) post(w http.ResponseWriter, r *http.Request) {
	c := d.receivedForm(w, r)
	if c == nil {
		return
	}
	id := d.asked(r)
	if !isID(id) {
		d.refuseForm(w, r, refusal.NoSession)
		return
	}
	key, found, err := d.end(w, r, c)
	switch {
	case err != nil:
		d.refuseForm(w, r, d.notEnded(r, err))
		return
	case found:
		d.ended(r, c, key)
	}
	if found && key == c.Session.Key {
		redirect(w, r, d.address.BasePath+logoutPath)
		return
	}
	redirect(w, r, withParam(d.address.BasePath+devicesPath, signedOutParam, id))
}

// postOthers signs every other device out for the page's form.
func (d devices) postOthers(w http.ResponseWriter, r *http.Request) {
	c := d.receivedForm(w, r)
	if c == nil {
		return
	}
	if err := d.sessions.EndOthers(caller.Asking(r), c.Session); err != nil {
		d.refuseForm(w, r, d.notEnded(r, err))
		return
	}
	d.ended(r, c, sessionstore.Key{})
	redirect(w, r, withParam(d.address.BasePath+devicesPath, signedOutParam, othersOut))
}

// receivedForm is received for what a form has posted: a program asks by DELETE.
func (d devices) receivedForm(w http.ResponseWriter, r *http.Request) *caller.Caller {
	if mediaType(r) != mediaForm {
		d.address.Refuse(w, r, refusal.MediaForm, "")
		return nil
	}
	return d.received(w, r, devicesPath)
}

func (d devices) refuseForm(w http.ResponseWriter, r *http.Request, why *refusal.Refusal) {
	d.address.Refuse(w, r, why, d.address.BasePath+devicesPath)
}
