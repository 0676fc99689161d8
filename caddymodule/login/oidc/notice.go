package oidc

import (
	"strconv"
	"sync"
)

// notice tells the operator what is odd at a provider and stops nobody. Each
// thing is told when it begins, and when it changes.
type notice struct {
	tell func(error) // nil: nobody listens

	mu   sync.Mutex
	told map[string]string
}

// of tells what there is to say of the subject; nil says that nothing is.
func (n *notice) of(subject string, what error) {
	text := ""
	if what != nil {
		text = what.Error()
	}
	n.mu.Lock()
	news := n.told[subject] != text
	if news {
		if n.told == nil {
			n.told = make(map[string]string)
		}
		n.told[subject] = text
	}
	n.mu.Unlock()
	if news && what != nil && n.tell != nil {
		n.tell(what)
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
	if len(name) > maxShown {
		return strconv.QuoteToASCII(name[:maxShown]) + "..."
	}
	return strconv.QuoteToASCII(name)
}
