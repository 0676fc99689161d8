package web

import (
	"html/template"
	"net/http"
)

// submit sends the form of the id go. Without it people press its button themselves.
const submit template.JS = "document.getElementById('go').submit()"

// PostBack is the page between a form that a provider had the browser post to us
// and the callback: it posts the same from our own site. A browser sends no
// SameSite=Lax cookie with what another site posts (RFC 6265bis section 5.2), and
// by the cookie it is known for the one that began the attempt.
type PostBack struct {
	// Action is the callback's path.
	Action string
	// Fields are what is posted, in order.
	Fields []Field
}

// SignOutThere is the page between a sign-out here, which is done, and one at the
// provider, for what an address has no room for (OpenID Connect RP-Initiated Logout
// 1.0 section 2: every provider takes a form as well).
type SignOutThere struct {
	// Action is the provider's end of session.
	Action string
	// Fields are what is posted, in order.
	Fields []Field
}

// Write answers 200 with the page.
func (s SignOutThere) Write(w http.ResponseWriter, v View) {
	page{name: "signoutthere", data: s, status: http.StatusOK, script: submit, anyForm: true}.write(w, v)
}

// Field is one field of a form that people do not see.
type Field struct{ Name, Value string }

// Write answers 200 with the page.
func (p PostBack) Write(w http.ResponseWriter, v View) {
	page{name: "postback", data: p, status: http.StatusOK, script: submit, anyForm: true}.write(w, v)
}
