package web

import (
	"html/template"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Provider is another place to sign in at, a button on the login page.
type Provider struct {
	// Name is the login's name in the configuration.
	Name string
	// Label is what the button says after "Continue with". Empty means Name.
	Label string
	// Icon is shown in the button, a picture as a data: URL. Empty: none is.
	Icon template.URL
	// Href is where the button leads, return_to included.
	Href string
}

// Login is the login page, or, to whom is signed in already and did not just
// fail, the page that says so.
type Login struct {
	// Base is the configured base_path, such as /auth.
	Base string
	// ReturnTo is where signing in leads back to. The caller has checked that
	// it may. Empty means the front page.
	ReturnTo string
	// Cut says that ReturnTo is not all of where the person wanted to go.
	Cut bool
	// Password shows the form for name and password.
	Password bool
	// Names says that the name may be another than an email address.
	Names bool
	// NameLabel is what the name is called. Empty means by what it may be.
	NameLabel string
	// Providers are shown in this order.
	Providers []Provider
	// Name is what was typed for a name in the last attempt, to be sent again with a
	// password alone. It is shown with Wrong, Throttled, Busy and Unavailable only, and
	// where it is one that people type.
	Name string
	// Failure is what to tell of the last attempt.
	Failure Failure
	// At is the provider that the last attempt was at, by its label or name. Empty:
	// none is named.
	At string
	// Reason is what the configuration says to whom it refuses, the message of
	// a require; shown with Refused only. Never give anything of a request, or
	// of a provider, here. Empty means a fixed text.
	Reason string
	// RetryAfter is how long to wait after Throttled, Busy, Unavailable or
	// ProviderTrouble; it
	// is sent as Retry-After as well. Zero leaves it out.
	RetryAfter time.Duration
	// SignedInAs is the user name, or else the email address, of whom is signed in
	// already.
	SignedInAs string
}

// Write answers with the page. The status is the caller's: 200 for the page
// itself, 400 for Expired, NoCookie, NoCookiePlain and Forged, 401 for Wrong, Denied, Unfinished, Clock
// and Misconfigured, 403 for Incomplete, Unverified, Unvouched, NoEmail, Refused, TooMany,
// Taken and Unmapped, 429 for Throttled, 503 for Busy, Unavailable,
// ProviderTrouble, ProviderAway and Mismatched.
func (l Login) Write(w http.ResponseWriter, v View, status int) {
	if !l.Failure.keepsName() || len(l.Name) > maxTyped || !utf8.ValidString(l.Name) || strings.ContainsFunc(l.Name, unseen) {
		l.Name = ""
	}
	p := page{
		name: "login", data: shownLogin{l, l.Message(v), v.fieldLabel(l)}, status: status, retryAfter: l.RetryAfter,
		anyForm: true, script: signIn,
	}
	if l.SignedInAs != "" && l.Failure == NoFailure {
		p.name = "signedin"
	}
	p.write(w, v)
}

// keepsName reports whether the same name may be sent once more.
func (f Failure) keepsName() bool {
	return f == Wrong || f == Throttled || f == Busy || f == Unavailable
}

// maxTyped is as much of a name as its field takes, in bytes.
const maxTyped = 254

// unseen is for what nobody can mend who does not see it.
func unseen(c rune) bool { return !unicode.IsPrint(c) }

// shownLogin is the login page in a language.
type shownLogin struct {
	Login
	Message    string // what to tell of the last attempt; empty: nothing
	FieldLabel string // what the name to sign in by is called
}

// Alone reports whether there is one way to sign in and it is a provider, whose
// button is then the page's main one.
func (l Login) Alone() bool { return !l.Password && len(l.Providers) == 1 }

func (v View) fieldLabel(l Login) string {
	switch {
	case l.NameLabel != "":
		return l.NameLabel
	case l.Names:
		return v.Text("login.name_or_email")
	}
	return v.Text("login.email")
}

// Next is where signing in leads: ReturnTo, or the front page.
func (l Login) Next() string { return orFront(l.ReturnTo) }

func orFront(path string) string {
	if path == "" {
		return "/"
	}
	return path
}
