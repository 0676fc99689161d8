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

// split parts what can be told at once from what has to wait where a cookie of the same
// answer is to come back: a browser that forgets cookies forgets that one as well.
func (c Clearing) split() (now, later Clearing) {
	rest, has := strings.CutSuffix(string(c), `"`+ClearCookies+`"`)
	if !has {
		return c, ""
	}
	return Clearing(strings.TrimSuffix(rest, ", ")), `"` + ClearCookies + `"`
}

// signsOut has the browser forget who was signed in there; known are the apps' cookies
// of what has ended.
func (a *Address) signsOut(w http.ResponseWriter, r *http.Request, known profile.AppCookies) {
	a.Cookie.ClearOf(w, r, known)
	afterwards{*a}.signsOut(w, r, "")
}
