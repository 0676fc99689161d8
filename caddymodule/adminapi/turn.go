package adminapi

import (
	"context"
	"net/http"
)

// turn has walks over everybody's sessions come one after the other, so that what each
// leaves of the store for others is left however many operators ask. Those who look and
// those who end have one each: an end waits for no row of questions.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// turnOf is the one that a request by that method waits for.
func (d *Desk) turnOf(method string) turn {
	if method == http.MethodDelete {
		return d.ends
	}
	return d.looks
}

// take waits for the turn, as long as the context lasts; done gives it on.
func (t turn) take(ctx context.Context) (done func(), err error) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
