package web

import (
	"net/http"
	"time"
)

// Failure is why the person is still not signed in. What is told is the same
// whether they are unknown, disabled, or mistyped the password.
type Failure int

// The failures that the login page can tell. The zero value is none.
const (
	NoFailure Failure = iota
	// Wrong says that the address and the password do not belong together.
	Wrong
	// Throttled says that there were too many attempts; see Login.RetryAfter.
	Throttled
	// Busy says that too many people sign in at this moment.
	Busy
	// Unavailable says that nothing could be checked: a source or the store
	// cannot be reached.
	Unavailable
	// Unfinished says that a provider did not sign the person in: they
	// cancelled, took too long, or the provider answered with an error.
	Unfinished
	// Incomplete says that the password is right, but what is known of the
	// person makes no session; only the operator can help.
	Incomplete
)

// Provider is another place to sign in at, a button on the login page.
type Provider struct {
	// Name is the login's name in the configuration.
	Name string
	// Label is what the button says after "Continue with". Empty means Name.
	Label string
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
	// Password shows the form for email address and password.
	Password bool
	// Providers are shown in this order.
	Providers []Provider
	// Failure is what to tell of the last attempt.
	Failure Failure
	// RetryAfter is how long to wait after Throttled, Busy or Unavailable; it
	// is sent as Retry-After as well. Zero leaves it out.
	RetryAfter time.Duration
	// SignedInAs is the email address of whom is signed in already.
	SignedInAs string
	// FormTargets are URLs whose origins, outside this site, a form may end up
	// at by redirect: those listed for return_to and, for the page of whom is
	// signed in, the providers' end-session endpoints. Whatever is no plain
	// http or https URL is left out.
	FormTargets []string
}

// Write answers with the page. The status is the caller's: 200 for the page
// itself, 401 for Wrong, 429 for Throttled, 503 for Busy and Unavailable.
func (l Login) Write(w http.ResponseWriter, status int) {
	p := page{name: "login", data: l, status: status, retryAfter: l.RetryAfter, formTargets: l.FormTargets}
	if l.SignedInAs != "" && l.Failure == NoFailure {
		p.name = "signedin"
	}
	p.write(w)
}

// Message is the failure in words; empty when there is none.
func (l Login) Message() string {
	switch l.Failure {
	case NoFailure:
		return ""
	case Wrong:
		return "The email address or the password is not right. Check both and try again."
	case Throttled:
		return "There were too many attempts to sign in. Try again in " + inWords(l.RetryAfter) + "."
	case Busy:
		return "Many people are signing in at once. Try again in " + inWords(l.RetryAfter) + "."
	case Unfinished:
		return "Signing in there did not finish. Try again, or choose another way."
	case Incomplete:
		return "Your entry is not complete, so you cannot be signed in. Please tell whoever looks after this service."
	default:
		// Unavailable, and whatever is added one day and forgotten here: not
		// the person's fault.
		return "Signing in does not work at the moment. You have done nothing wrong: try again in " + inWords(l.RetryAfter) + "."
	}
}

// Refused reports whether what was typed is wrong, so that the fields say so.
func (l Login) Refused() bool { return l.Failure == Wrong }

// Next is where signing in leads: ReturnTo, or the front page.
func (l Login) Next() string { return orFront(l.ReturnTo) }

func orFront(path string) string {
	if path == "" {
		return "/"
	}
	return path
}
