package web

import "net/http"

// Logout is the page that asks whether to sign out. Signing out takes a form,
// because a mere link could be followed by a prefetch or planted elsewhere.
type Logout struct {
	// Base is the configured base_path, such as /auth.
	Base string
	// SignedInAs is the user name, or else the email address, of whom is signed in.
	// Empty leaves it out.
	SignedInAs string
	// ReturnTo is where "Stay signed in" leads, and signing out. The caller has checked
	// that it may. Empty means the front page for who stays, and the page that says so
	// for who does not.
	ReturnTo string
}

// Write answers with the page.
func (l Logout) Write(w http.ResponseWriter, v View, status int) {
	page{name: "logout", data: l, status: status, anyForm: true}.write(w, v)
}

// Stay is where "Stay signed in" leads.
func (l Logout) Stay() string { return orFront(l.ReturnTo) }

// SignedOut is the page that says that the session is over. Show it only when
// the store has confirmed that (CVE-2020-15223).
type SignedOut struct {
	// Base is the configured base_path, such as /auth.
	Base string
	// Still is where else the person may be signed in still.
	Still Elsewhere
}

// Elsewhere is where people come from who do not sign in here by a password, as they
// call it.
type Elsewhere string

// Nowhere is none, and Somewhere is one that people have no name for.
const (
	Nowhere   Elsewhere = ""
	Somewhere Elsewhere = "\x00"
)

// Named reports whether people have a name for it.
func (e Elsewhere) Named() bool { return e != Nowhere && e != Somewhere }

// Write answers with the page.
func (s SignedOut) Write(w http.ResponseWriter, v View, status int) {
	page{name: "signedout", data: s, status: status}.write(w, v)
}
