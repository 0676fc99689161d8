package endpoint

import (
	"net/http"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/profile"
)

// ClearCookies is one of Clearable. It reaches beyond the site: browsers forget the
// cookies of its whole registrable domain (Clear Site Data section 3.1).
const ClearCookies = "cookies"

// Clearable is what a browser can be told to forget, in the order of Clear-Site-Data.
var Clearable = []string{"cache", "storage", ClearCookies}

// Clearing is the value of Clear-Site-Data at a sign-out; empty: browsers are told
// nothing. They heed it over https, and on their own machine.
type Clearing string

// NewClearing is that of some of Clearable.
func NewClearing(what []string) Clearing {
	var listed []string
	for _, word := range Clearable {
		if slices.Contains(what, word) {
			listed = append(listed, `"`+word+`"`)
		}
	}
	return Clearing(strings.Join(listed, ", "))
}

// tell sets the header.
func (c Clearing) tell(h http.Header) {
	if c != "" {
		h.Set("Clear-Site-Data", string(c))
	}
}

// signsOut has the browser forget who was signed in there; known are the apps' cookies
// of what has ended.
func (a *Address) signsOut(w http.ResponseWriter, r *http.Request, known profile.AppCookies) {
	a.Cookie.ClearOf(w, r, known)
	a.Clearing.tell(w.Header())
}
