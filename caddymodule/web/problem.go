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
	// OtherAccount says that they have other accounts, for one of which it may be allowed.
	OtherAccount bool
	// Asked says that something was only asked for, so that asking again does nothing
	// twice. Where that may help, the page offers it.
	Asked bool
	// Back is the page whose form has sent what is refused; empty: none that is known.
	Back string
	// ReturnTo is where to come back to as somebody else; empty: nowhere in
	// particular. The caller has checked that it may.
	ReturnTo string
	// Base is the configured base_path, such as /auth. With it the page offers
	// to sign in after 401, and to change who is signed in after 403. Without any of
	// these ways on it leads to the front page.
	Base string
}

// Write answers with the page and its Status. A Status that is no error is
// answered as 500: this page must not be taken for a success.
func (p Problem) Write(w http.ResponseWriter, v View) {
	if p.Status < 400 || p.Status > 599 {
		p.Status = http.StatusInternalServerError
	}
	text := textOf(p.Status)
	shown := shownProblem{Problem: p}
	if p.Title == "" {
		shown.Title = v.Text(text.title)
	}
	if p.Detail == "" {
		shown.Detail = v.Text(text.detail)
	}
	if p.RetryAfter > 0 {
		shown.Wait = v.Text("problem.wait", v.wait(p.RetryAfter))
	}
	page{name: "problem", data: shown, status: p.Status, retryAfter: p.RetryAfter, script: takeAlong}.write(w, v)
}

// shownProblem is the page in a language.
type shownProblem struct {
	Problem
	Wait string // what to do when waiting helps; empty when it does not
}

// Leave is where to sign out, SignIn where to sign in, and Choose where to choose the
// account that one acts for: each leads back.
func (p Problem) Leave() string { return p.at("/logout") }

// SignIn is where to sign in.
func (p Problem) SignIn() string { return p.at("/login") }

// Choose is where to choose the account that one acts for.
func (p Problem) Choose() string { return p.at("/account") }

func (p Problem) at(path string) string {
	if p.ReturnTo == "" {
		return p.Base + path
	}
	return p.Base + path + "?return_to=" + url.QueryEscape(p.ReturnTo)
}

// Signs reports whether the page offers to sign in, Leaves whether to do so as
// somebody else, and Again whether to ask once more.
func (p Problem) Signs() bool { return p.Base != "" && p.Status == http.StatusUnauthorized }

// Leaves reports whether it offers to sign in as somebody else.
func (p Problem) Leaves() bool {
	return p.Base != "" && p.SignedInAs != "" && p.Status == http.StatusForbidden
}

// Again reports whether it offers to ask once more, which may help where nothing is
// wrong with what was asked.
func (p Problem) Again() bool {
	switch p.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return p.Asked
	}
	return p.Asked && p.Status >= 500
}

// Front reports whether it leads to the front page: from where there is nothing else,
// or nothing that was looked for.
func (p Problem) Front() bool {
	return p.Status == http.StatusForbidden || p.Status == http.StatusNotFound || !p.Signs() && !p.Again() && p.Back == ""
}

// problemText are the keys of what is said of a status.
type problemText struct{ title, detail string }

var problemTexts = map[int]problemText{
	http.StatusBadRequest:            {"problem.bad_request.title", "problem.bad_request.detail"},
	http.StatusUnauthorized:          {"problem.unauthorized.title", "problem.unauthorized.detail"},
	http.StatusForbidden:             {"problem.forbidden.title", "problem.forbidden.detail"},
	http.StatusNotFound:              {"problem.not_found.title", "problem.not_found.detail"},
	http.StatusMethodNotAllowed:      {"problem.method.title", "problem.method.detail"},
	http.StatusRequestEntityTooLarge: {"problem.too_large.title", "problem.too_large.detail"},
	http.StatusUnsupportedMediaType:  {"problem.media.title", "problem.media.detail"},
	http.StatusTooEarly:              {"problem.too_early.title", "problem.too_early.detail"},
	http.StatusTooManyRequests:       {"problem.too_many.title", "problem.too_many.detail"},
	// The store is down: nobody is signed out by that, and people should hear
	// it before they look for their password.
	http.StatusServiceUnavailable: {"problem.unavailable.title", "problem.unavailable.detail"},
}

func textOf(status int) problemText {
	if t, ok := problemTexts[status]; ok {
		return t
	}
	if status < 500 {
		return problemTexts[http.StatusBadRequest]
	}
	return problemText{"problem.internal.title", "problem.internal.detail"}
}
