package demand

import (
	"net/http"
	"sync/atomic"

	"example.com/sidegate/caddymodule/caller"
)

// Outcome is what came of a request, in one word.
type Outcome uint8

// The outcomes.
const (
	// Allowed: somebody who is signed in passes.
	Allowed Outcome = iota
	// Public: it passes without anybody: a path that is public, or optional.
	Public
	// Unknown: nobody is signed in, and somebody has to be.
	Unknown
	// Refused: it does not pass, whatever the caller signs in as.
	Refused
	// Unanswered: whether it may pass cannot be told, which is answered with 503.
	Unanswered
)

// OutcomeNames are the words, in the order of the outcomes.
var OutcomeNames = [...]string{"allowed", "public", "anonymous", "forbidden", "cannot_tell"}

// OutcomeOf says what comes of a request of that caller by a decision.
func OutcomeOf(made *Decision, c *caller.Caller) Outcome {
	switch {
	case made.Why == nil && c.MayPass():
		return Allowed
	case made.Why == nil:
		return Public
	case made.Why.Status == http.StatusUnauthorized:
		return Unknown
	case made.Why.Status >= http.StatusInternalServerError:
		return Unanswered
	}
	return Refused
}

// Outcomes count by Outcome. The zero value is ready, and may be used concurrently.
type Outcomes struct {
	by [len(OutcomeNames)]atomic.Int64
}

// Add counts one. It is on the way of every request: one atomic addition.
func (o *Outcomes) Add(what Outcome) { o.by[what].Add(1) }

// All are the counts, in the order of OutcomeNames.
func (o *Outcomes) All() (counted [len(OutcomeNames)]int64) {
	for i := range o.by {
		counted[i] = o.by[i].Load()
	}
	return counted
}
