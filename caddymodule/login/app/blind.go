package app

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/source"
)

// noes are how an API refuses a wrong password where the status does not tell it
// to everybody.
func noes() []source.Answer {
	return []source.Answer{
		{Status: http.StatusOK, Body: []byte(`{"success":false}`)},
		{Status: http.StatusBadRequest, Body: []byte(`{"error":"wrong password"}`)},
	}
}

// LetsAnybodyIn reports whether nothing that an app answers would make a
// difference, to whomever: a success that holds for either of those answers, or,
// without one, a mapping that makes a person of 200 {"success": false}. Every wrong
// password would do.
func (l *Login) LetsAnybodyIn() bool {
	if l.config.Success != nil && !l.readsTheAnswer() {
		return true
	}
	return slices.ContainsFunc(l.someNames(), l.letsIn)
}

func (l *Login) letsIn(name string) bool {
	if l.config.Success == nil {
		_, err := l.person(noes()[0], name, secret{})
		return err == nil
	}
	for _, no := range noes() {
		fact := factOf(no, secret{})
		fact[factUsername] = name
		if holds, err := l.config.Success.Holds(profile.Facts{"login": fact}); err != nil || !holds {
			return false
		}
	}
	return true
}

// someNames are names that somebody may type: without a domain and with one that
// the expressions do not know, and those that they may tell from others.
func (l *Login) someNames() []string {
	unknown := strings.ToLower(rand.Text())
	names := []string{unknown, unknown + "@" + unknown + ".example"}
	var texts []string
	if l.config.Success != nil {
		texts = l.config.Success.Texts()
	}
	if m, ok := l.config.Mapper.(interface{ Texts() []string }); ok {
		texts = append(texts, m.Texts()...)
	}
	for _, text := range texts {
		names = append(names, text, unknown+text, text+unknown, unknown+"@"+text)
	}
	return names
}

// readsTheAnswer tells a success that looks at the answer from one that looks at
// no more than what was typed.
func (l *Login) readsTheAnswer() bool {
	return l.looksInside() || l.config.Success.Reads("login", "status")
}

// looksInside reports whether success looks at more of the answer than its status.
func (l *Login) looksInside() bool {
	return l.config.Success.Reads("login", "body") || l.config.Success.Reads("login", "location")
}
