package endpoint

import (
	"net/http"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/refusal"
)

const (
	// troubleLasts is how long a trouble is told at the least. An app that fails now
	// and then would tell by each answer else, whether it was asked.
	troubleLasts = 10 * time.Second
	// troubleEnds is after how long it is told no more, though nobody has been heard
	// of since: people of a users file are not to read for days what was one night.
	troubleEnds = 5 * time.Minute
)

// refusedUnasked is for what nobody is asked about: it is no guess, and not counted.
func (l passwordLogin) refusedUnasked(r *http.Request, given credentials, err error) tried {
	l.events.Happened(caller.Asker(r).Of(lifecycle.Event{Kind: Refused, Name: given.name(), Err: err}))
	return refusedBy(refusal.Credentials)
}

// trouble is that of the logins behind the first: whom an earlier one refuses is
// told of it too, for they would be told that do not exist.
type trouble struct {
	why *refusal.Refusal // nil when there is none
	at  time.Time
}

// answer is what a refusal is answered with; whole says that it was those logins'.
// What ends the trouble is still answered with it.
func (t *trouble) answer(now time.Time, whole bool, why *refusal.Refusal) *refusal.Refusal {
	if why != refusal.Credentials {
		t.why, t.at = why, now
		return why
	}
	told := t.why
	if told != nil && now.Sub(t.at) >= troubleEnds {
		t.why, told = nil, nil
	}
	if whole {
		t.heard(now)
	}
	if told != nil {
		return told
	}
	return why
}

// heard notes that those logins said yes or no.
func (t *trouble) heard(now time.Time) {
	if now.Sub(t.at) >= troubleLasts {
		t.why = nil
	}
}
