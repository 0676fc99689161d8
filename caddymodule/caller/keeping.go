package caller

import (
	"net/http"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/web"
)

// Keeping is which caches may keep what an app answers, where the app does not say
// so itself. Without a word of it, a browser shows a page again that it has kept
// when its person has signed out, and a shared cache shows it to others (RFC 9111,
// section 4.2.2).
type Keeping uint8

const (
	// KeepAsSaid leaves it to the app, and to the rules of the caches.
	KeepAsSaid Keeping = iota
	// KeepPrivate is for an open route whose app is told who asks: their browser
	// alone keeps it, unless the app says otherwise.
	KeepPrivate
	// KeepApart is for a route that is not open to all: where the app lets shared
	// caches keep an answer, they keep it for each caller apart.
	KeepApart
	// KeepNowhere is for an answer that gives a browser its cookie, whatever the app
	// says of it.
	KeepNowhere
)

// kept is how an answer may be kept. Value is in the room of the request, for a
// later handler may edit it in place.
type kept struct {
	keeping Keeping
	request *http.Request
	value   [1]string
}

// KeepAnswer says which caches may keep the answer to the request. Of several
// handlers the strictest one's word counts.
func (v *Remembered) KeepAnswer(r *http.Request, k Keeping) {
	v.answer.keeping, v.answer.request = max(v.answer.keeping, k), r
}

// Failed bounds what ends in an error, before which nothing was sent: the server
// itself answers, with the headers that are there. Who answers in its place begins
// anew: see Guard.
func (v *Remembered) Failed(h http.Header) {
	if !v.answer.begun {
		v.answer.kept.bound(h)
	}
}

// release takes back what Failed has said.
func (k *kept) release(h http.Header) {
	if said := h["Cache-Control"]; len(said) == 1 && &said[0] == &k.value[0] {
		delete(h, "Cache-Control")
	}
}

// bound writes into the headers of an answer who may keep it.
func (k *kept) bound(h http.Header) {
	switch {
	case k.keeping == KeepAsSaid:
	case k.keeping == KeepNowhere:
		k.value[0] = "private, no-store"
		h["Cache-Control"] = k.value[:]
	case !saysOfCaches(h):
		k.value[0] = "private"
		if web.IsNavigation(k.request) { // ask again whether they are still signed in
			k.value[0] = "private, no-cache"
		}
		h["Cache-Control"] = k.value[:]
	case k.keeping == KeepApart && !keptFromOthers(h):
		varyOnCaller(h)
	}
}

// saysOfCaches reports whether the answer says anything of how to keep it. A date
// or a tag to ask again by does not.
func saysOfCaches(h http.Header) bool {
	return len(h["Cache-Control"]) > 0 || len(h["Expires"]) > 0 || len(h["Pragma"]) > 0
}

// keptFromOthers reports whether no shared cache keeps the answer. A `private`
// that names fields is about those alone (RFC 9111, section 5.2.2.7).
func keptFromOthers(h http.Header) bool {
	return slices.ContainsFunc(h["Cache-Control"], func(line string) bool {
		for word := range strings.SplitSeq(line, ",") {
			if word = strings.TrimSpace(word); strings.EqualFold(word, "private") || strings.EqualFold(word, "no-store") {
				return true
			}
		}
		return false
	})
}

// varyOnCaller adds what tells callers apart to what the app says already.
func varyOnCaller(h http.Header) {
	for _, line := range h["Vary"] {
		if strings.TrimSpace(line) == "*" {
			return
		}
	}
	h["Vary"] = append(slices.Clip(h["Vary"]), web.VaryOnCaller)
}
