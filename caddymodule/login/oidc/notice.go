package oidc

import (
	"strconv"
	"sync"
)

// notice tells the operator what is odd at a provider and stops nobody. Each
// thing is told when it begins.
type notice struct {
	tell func(error) // nil: nobody listens

	mu  sync.Mutex
	odd map[string]bool
}

// of tells what there is to say of the subject; nil says that nothing is.
func (n *notice) of(subject string, what error) {
	n.mu.Lock()
	begins := what != nil && !n.odd[subject]
	if n.odd == nil {
		n.odd = make(map[string]bool)
	}
	n.odd[subject] = what != nil
	n.mu.Unlock()
	if begins && n.tell != nil {
		n.tell(what)
	}
}

// once tells what is odd with some people, whenever it was first seen.
func (n *notice) once(subject string, what error) {
	if what != nil {
		n.of(subject, what)
	}
}

// maxShown is the most of a name that others chose in an error, in bytes.
const maxShown = 64

// shown is a name that a provider, or whoever sent a token, has chosen, such that
// it can stand in a line of the log.
func shown(name string) string {
	if name == "" {
		return "(none)"
	}
	return quoted(name, maxShown)
}

// maxShownURL is the same for an address.
const maxShownURL = 256

func shownURL(address string) string { return quoted(address, maxShownURL) }

func quoted(text string, most int) string {
	if len(text) > most {
		return strconv.QuoteToASCII(text[:most]) + "..."
	}
	return strconv.QuoteToASCII(text)
}
