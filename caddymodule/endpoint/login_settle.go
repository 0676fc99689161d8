package endpoint

import (
	"context"
	"errors"
	"net/http"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
)

// What the throttle hears of an attempt at a password.

// settleTime bounds how long the throttle may take to hear how an attempt ended.
const settleTime = time.Second

// settle tells the throttle how an attempt ended. The client may be gone by
// now; the count must be right all the same.
func (l passwordLogin) settle(r *http.Request, how func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), settleTime)
	defer cancel()
	if err := how(ctx); err != nil {
		l.events.Happened(lifecycle.Event{Kind: StaysCounted, Err: err})
	}
}

// settleUndecided is for an attempt that ended with neither yes nor no: one that
// was answered all the same stays counted, and one that found no place, or left
// it, is not free.
func (l passwordLogin) settleUndecided(r *http.Request, attempt *login.Attempt, err error) {
	answered, ok := errors.AsType[*login.Answered](err)
	switch {
	case errors.Is(err, login.ErrBusy), !ok && errors.Is(err, context.Canceled):
		l.settle(r, attempt.SentAway)
	case !ok:
		l.settle(r, attempt.Abandoned)
	case answered.Down:
		l.settle(r, attempt.Undecided)
	}
}
