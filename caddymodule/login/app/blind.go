package app

import (
	"net/http"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/source"
)

// noes are how apps refuse a wrong password where the status alone tells it to
// nobody: an API in its JSON, a form with an error, a redirect back to the form.
func noes() []source.Answer {
	return []source.Answer{
		{Status: http.StatusOK, Body: []byte(`{"success":false}`)},
		{Status: http.StatusBadRequest, Body: []byte(`{"error":"wrong password"}`)},
		{Status: http.StatusFound, Header: http.Header{"Location": {"/login"}}},
	}
}

// LetsAnybodyIn reports whether nothing that an app answers would make a
// difference: a success that holds whatever it says, or, without one, a mapping
// that makes a person of 200 {"success": false}. Every wrong password would do.
func (l *Login) LetsAnybodyIn() bool {
	if l.config.Success == nil {
		_, err := l.person(noes()[0], someName, secret{})
		return err == nil
	}
	if !l.readsTheAnswer() {
		return true
	}
	for _, no := range noes() {
		fact := factOf(no, secret{})
		fact[factUsername] = someName
		if holds, err := l.config.Success.Holds(profile.Facts{"login": fact}); err != nil || !holds {
			return false
		}
	}
	return true
}

// someName is typed by nobody (RFC 2606 section 3).
const someName = "somebody@example.com"

// readsTheAnswer tells a success that looks at the answer from one that looks at
// no more than what was typed.
func (l *Login) readsTheAnswer() bool {
	return l.looksInside() || l.config.Success.Reads("login", "status")
}

// looksInside reports whether success looks at more of the answer than its status.
func (l *Login) looksInside() bool {
	return l.config.Success.Reads("login", "body") || l.config.Success.Reads("login", "location")
}
