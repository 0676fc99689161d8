package web

import (
	"net/http"
	"net/url"
	"time"
)

// Problem is the page that says why there is no other page.
type Problem struct {
	// Status is the HTTP status, 400 to 599.
	Status int
	// Title and Detail replace the fixed texts of the status. Give texts of
	// the program or of its configuration here, never anything of the request.
	Title  string
	Detail string
	// RetryAfter is how long to wait; it is sent as Retry-After as well.
	RetryAfter time.Duration
	// SignedInAs is the email address of whom is signed in; shown with 403.
	SignedInAs string
	// ReturnTo is where to come back to as somebody else; empty: nowhere in
	// particular. The caller has checked that it may.
	ReturnTo string
	// Base is the configured base_path, such as /auth. With it the page offers
	// a way on: to sign in after 401, to change who is signed in after 403.
	Base string
}

// Write answers with the page and its Status. A Status that is no error is
// answered as 500: this page must not be taken for a success.
func (p Problem) Write(w http.ResponseWriter) {
	if p.Status < 400 || p.Status > 599 {
		p.Status = http.StatusInternalServerError
	}
	text := textOf(p.Status)
	if p.Title == "" {
		p.Title = text.title
	}
	if p.Detail == "" {
		p.Detail = text.detail
	}
	page{name: "problem", data: p, status: p.Status, retryAfter: p.RetryAfter}.write(w)
}

// Leave is where to sign out.
func (p Problem) Leave() string {
	if p.ReturnTo == "" {
		return p.Base + "/logout"
	}
	return p.Base + "/logout?return_to=" + url.QueryEscape(p.ReturnTo)
}

// Wait is what to do when waiting helps; empty when it does not.
func (p Problem) Wait() string {
	if p.RetryAfter <= 0 {
		return ""
	}
	return "Try again in " + inWords(p.RetryAfter) + "."
}

type problemText struct{ title, detail string }

var problemTexts = map[int]problemText{
	http.StatusBadRequest: {"That did not work",
		"Your browser sent something that cannot be read here. Go back and try again."},
	http.StatusUnauthorized: {"Sign in first",
		"You are not signed in, or no longer."},
	http.StatusForbidden: {"No access",
		"Your account does not open this page. If you think it should, ask whoever looks after it."},
	http.StatusNotFound: {"Nothing here",
		"This address leads nowhere. Check it for a slip, or begin at the front page."},
	http.StatusMethodNotAllowed: {"Not this way",
		"This address does not take that kind of request. Go back and use the page's own buttons."},
	http.StatusRequestEntityTooLarge: {"Too much at once",
		"What was sent is larger than this address takes."},
	http.StatusUnsupportedMediaType: {"Wrong kind of content",
		"What was sent is of a kind that this address does not read."},
	http.StatusTooEarly: {"A moment too early",
		"What you sent came before the connection to this service was established, so nothing was done. Please send it again."},
	http.StatusTooManyRequests: {"Too many attempts",
		"Wait before you try again: more in so short a time is not let through."},
	// The store is down: nobody is signed out by that, and people should hear
	// it before they look for their password.
	http.StatusServiceUnavailable: {"One moment, please",
		"Sessions cannot be looked up just now. If you were signed in, you still are."},
}

func textOf(status int) problemText {
	if t, ok := problemTexts[status]; ok {
		return t
	}
	if status < 500 {
		return problemTexts[http.StatusBadRequest]
	}
	return problemText{"Something went wrong", "The fault is here, not with you. Try again in a little while."}
}
