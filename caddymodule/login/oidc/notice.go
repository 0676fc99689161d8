package oidc

import (
	"regexp"
	"strconv"
	"sync"
)

// notice tells the operator what is odd at a provider and stops nobody. Each kind
// of thing is told when it begins.
type notice struct {
	tell func(error) // nil: nobody listens

	mu  sync.Mutex
	odd map[string]map[string]bool // the kinds that are odd, by their subject
}

// maxKinds bounds what is told of one subject.
const maxKinds = 32

// of tells what there is to say of the subject; nil says that nothing is.
func (n *notice) of(subject string, what error) {
	if n.begins(subject, what) && n.tell != nil {
		n.tell(what)
	}
}

func (n *notice) begins(subject string, what error) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if what == nil {
		delete(n.odd, subject)
		return false
	}
	kind := kindOf(what)
	if kinds := n.odd[subject]; kinds[kind] || len(kinds) >= maxKinds {
		return false
	}
	if n.odd == nil {
		n.odd = make(map[string]map[string]bool)
	}
	if n.odd[subject] == nil {
		n.odd[subject] = make(map[string]bool)
	}
	n.odd[subject][kind] = true
	return true
}

// once tells what is odd with some people, whenever it was first seen.
func (n *notice) once(subject string, what error) {
	if what != nil {
		n.of(subject, what)
	}
}

// particulars are what differs between errors of one kind.
var particulars = regexp.MustCompile(`(?:"(?:[^"\\]|\\.)*"(?:, )?)+|[0-9]+`)

func kindOf(what error) string { return particulars.ReplaceAllString(what.Error(), "") }

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
