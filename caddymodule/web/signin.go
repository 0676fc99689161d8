package web

import (
	"html/template"
	"net/http"
)

// signIn is the script of the login page: it takes the part of the address along that
// no server sees, to where signing in leads, and shows the password on demand.
// Without it the page works as well.
var signIn = script("pages/signin.js")

// depart leads to the one provider with that part of the address.
var depart = script("pages/depart.js")

// takeAlong is the script of the pages of refusals: it takes that part of the address
// along to where somebody comes back to it as somebody else, or asks once more.
var takeAlong = script("pages/takealong.js")

func script(name string) template.JS { return template.JS(mustRead(name)) } //nolint:gosec // our own file

// Depart is the page that leads to the one provider at once, in the place of a redirect:
// a browser that is redirected keeps what stands behind the # of an address until the
// provider shows a page of its own, and then nobody has it any more.
type Depart struct {
	// Provider is where people sign in.
	Provider Provider
}

// Write answers 200 with the page.
func (d Depart) Write(w http.ResponseWriter, v View) {
	page{name: "depart", data: d.Provider, status: http.StatusOK, script: depart, noForm: true}.write(w, v)
}
