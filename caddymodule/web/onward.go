package web

import (
	"html/template"
	"net/http"
)

// Onward is the page that leads somewhere, at once unless it has something to
// say. It stands in for a redirect
// where the browser would hold a SameSite=Strict cookie back, because the
// redirects before it began at another site (RFC 6265bis section 5.2). Where it
// leads nobody learns its own address, which has a code in it (RFC 9700 section
// 4.2.4).
type Onward struct {
	// Base is the configured base_path, such as /auth.
	Base string
	// To is where it leads. The caller has checked that it may. Empty means
	// the front page.
	To string
	// Cut says that To is not all of where the person wanted to go. The page
	// says so, and waits for them.
	Cut bool
	// Finished says that the sign-in was finished before, so that whether somebody
	// is signed in, for it may have been refused, shows where it leads. The page
	// says so, and waits for them.
	Finished bool
}

// Write answers 200 with the page.
func (o Onward) Write(w http.ResponseWriter, v View) {
	page{name: "onward", data: o, status: http.StatusOK}.write(w, v)
}

// Leads reports whether it leads on by itself, for it has nothing to say.
func (o Onward) Leads() bool { return !o.Cut && !o.Finished }

// Next is where it leads.
func (o Onward) Next() string { return orFront(o.To) }

// goOn leads where the link of the id go does, with the part of the address that no
// server sees, and that only a script can keep. Without it the page leads on as well.
// A layout may have links of its own in front of it.
const goOn template.JS = "location.replace(document.getElementById('go').href+location.hash)"

// SameSite is the page that asks for what was asked for once more, at once: as a
// page of this site, which the browser sends a SameSite=Strict cookie for. The
// link that was followed stood on a page of another site.
type SameSite struct {
	// To is the address that was asked for. The caller has checked that it may
	// be led to.
	To string
}

// Write answers 200 with the page.
func (s SameSite) Write(w http.ResponseWriter, v View) {
	page{name: "samesite", data: s, status: http.StatusOK, script: goOn, noForm: true}.write(w, v)
}
