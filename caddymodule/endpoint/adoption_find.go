package endpoint

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/adopt"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
)

// lookPause is how long it is waited at first before it is looked again what another
// gateway has come to, which adopts the same cookies, and maxLookPause later.
const (
	lookPause    = 50 * time.Millisecond
	maxLookPause = 400 * time.Millisecond
)

// find finds the session of the cookies, or begins it, under a lease: of all gateways
// one asks. It says what is remembered of it, and for how long.
func (a *Adoption) find(ctx context.Context, came newcomer) (found, remembered caller.Adopted, life time.Duration) {
	holder := rand.Text()
	for pause := lookPause; ; pause = min(2*pause, maxLookPause) {
		if found, done := a.look(ctx, came, false); done {
			return keep(found)
		}
		held, err := a.Marks.Hold(ctx, came.cookies, holder)
		switch {
		case err != nil:
			return keep(a.storeFailed(ctx, err))
		case held:
			defer a.release(came, holder)
			if found, done := a.look(ctx, came, true); done {
				return keep(found)
			}
			return keep(a.ask(ctx, came))
		}
		if !waited(ctx, pause) {
			return keep(caller.Adopted{Refusal: refusal.OldGateway})
		}
	}
}

// waited reports whether the time has passed, and the context is not done.
func waited(ctx context.Context, pause time.Duration) bool {
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

// keep is how what was found is remembered: its secret goes to those who wait now.
func keep(found caller.Adopted) (same, remembered caller.Adopted, life time.Duration) {
	switch {
	case found.Refusal != nil:
		return found, found, troubleFor
	case found.Key == sessionstore.Key{}:
		return found, found, nobodyFor
	}
	return found, caller.Adopted{Key: found.Key}, foundFor
}

// look reports whether it is known what the cookies have come to. That there is no
// session any more is known only by who holds the lease: else it may just be made.
func (a *Adoption) look(ctx context.Context, came newcomer, held bool) (found caller.Adopted, done bool) {
	key, made, err := a.Marks.Session(ctx, came.cookies)
	switch {
	case errors.Is(err, adopt.ErrSpent):
		return found, held
	case err != nil:
		return a.storeFailed(ctx, err), true
	case !made:
		return found, false
	}
	if !held { // it may come between two looks, of which a store would tell as of trouble
		ctx = sessionstore.Guess(ctx)
	}
	_, err = a.Store.Get(ctx, key)
	switch {
	case err == nil || sessionstore.IsUnreadable(err):
		return caller.Adopted{Key: key}, true
	case errors.Is(err, sessionstore.ErrNotFound):
		return found, held
	}
	return a.storeFailed(ctx, err), true
}

func (a *Adoption) storeFailed(ctx context.Context, err error) caller.Adopted {
	a.Events.Trouble(ctx, "it could not be asked whether somebody was adopted before", err)
	return caller.Adopted{Refusal: refusal.Unavailable}
}

func (a *Adoption) release(came newcomer, holder string) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	_ = a.Marks.Release(ctx, came.cookies, holder) // it ends by itself
}

// ask asks the other gateways, behind the throttle, and begins the session.
func (a *Adoption) ask(ctx context.Context, came newcomer) caller.Adopted {
	attempt, err := a.Throttle.BeginCookie(ctx, a.Marks.Digest(came.cookies), came.client)
	if throttled, ok := errors.AsType[*login.Throttled](err); ok {
		return a.throttled(came, throttled)
	}
	if err != nil {
		return a.storeFailed(ctx, err)
	}
	by, err := a.mayAsk(ctx, came, attempt)
	var found adopt.Found
	if err == nil {
		by, found, err = a.askAll(ctx, came, attempt)
	}
	if by == nil { // all are over
		a.settle(attempt)
		return caller.Adopted{}
	}
	if isNo(err) {
		a.told(ctx, by, came, err)
		a.attempted(by, refusal.Credentials)
		return caller.Adopted{}
	}
	if err != nil {
		a.unanswered(attempt, by, err)
		return a.notFound(ctx, by, came, err)
	}
	return a.admit(ctx, by, found, came, attempt)
}

func (a *Adoption) throttled(came newcomer, why *login.Throttled) caller.Adopted {
	if why.Scope == login.ScopeCookie {
		return caller.Adopted{} // it was refused as often as that
	}
	a.Events.Happened(came.asker.Of(lifecycle.Event{Kind: Throttled, Err: why}))
	a.Events.Happened(lifecycle.Event{Kind: Attempted, Result: refusal.Throttled})
	return caller.Adopted{Refusal: refusal.OldGatewayNotAsked.After(why.RetryAfter)}
}

// isNo reports whether a login knows nobody by the cookies.
func isNo(err error) bool {
	return errors.Is(err, login.ErrUnknown) || errors.Is(err, login.ErrRefused)
}

// errDiffer is for cookies of two people: nobody can tell which the person means.
var errDiffer = fmt.Errorf("%w: the cookies are of two people", login.ErrUnknown)

// asks are the logins whose cookies there are, by their places.
func (a *Adoption) asks(came newcomer) iter.Seq2[int, *adopt.Login] {
	return func(yield func(int, *adopt.Login) bool) {
		for i, l := range a.Logins {
			if len(came.cookies.Of(l.Names())) > 0 && !l.Over() && !yield(i, l) {
				return
			}
		}
	}
}

// mayAsk returns the login that may not be asked now. Then none is: what another one
// says would count for nothing, and it would be asked without end.
func (a *Adoption) mayAsk(ctx context.Context, came newcomer, attempt *login.Attempt) (by *adopt.Login, err error) {
	for _, l := range a.asks(came) {
		if err := attempt.MayAsk(ctx, l.Name()); err != nil {
			return l, err
		}
	}
	return nil, nil
}

// askAll asks each of the logins whose cookies there are, and returns who has found
// somebody, else the last of them.
func (a *Adoption) askAll(ctx context.Context, came newcomer, attempt *login.Attempt) (by *adopt.Login, found adopt.Found, err error) {
	for i, l := range a.asks(came) {
		other, no := l.Ask(ctx, adopt.Question{
			Cookies: came.cookies.Of(l.Names()), Headers: came.headers[i], Scheme: came.site.Scheme, Host: came.site.Host, Client: came.asker.Client, Turn: attempt.Turn(),
			Still: func(ctx context.Context) error { return attempt.MayAsk(ctx, l.Name()) },
		})
		switch {
		case no != nil && !isNo(no):
			return l, other, no
		case no != nil && found.Person == nil:
			by, err = l, no
		case no == nil && found.Person != nil && !samePerson(found, other):
			a.Events.Happened(came.asker.Of(lifecycle.Event{Kind: CookiesDiffer, Err: errDiffer}))
			return l, adopt.Found{}, errDiffer
		case no == nil && found.Person == nil:
			by, found, err = l, other, nil
		}
	}
	return by, found, err
}

func samePerson(a, b adopt.Found) bool {
	return a.Method.Name() == b.Method.Name() && a.Person.Subject == b.Person.Subject || a.Person.Email == b.Person.Email
}

// told tells the operator of a no.
func (a *Adoption) told(ctx context.Context, by *adopt.Login, came newcomer, err error) {
	if unclear, ok := errors.AsType[*login.Unclear](err); ok {
		a.Events.Trouble(ctx, "a login's answer is taken for a no", lifecycle.SourceFault{Err: unclear.Err, Login: by.Name()})
	}
	a.Events.Happened(came.asker.Of(lifecycle.Event{Kind: Refused, Login: by.Name(), Err: err}))
}

// notFound is for an answer that is neither yes nor no, or makes nobody.
func (a *Adoption) notFound(ctx context.Context, by *adopt.Login, came newcomer, err error) caller.Adopted {
	_, refused := errors.AsType[*profile.Refused](err)
	throttled, often := errors.AsType[*login.Throttled](err)
	switch {
	case refused || profile.IsUnmapped(err):
		a.Sessions().NotBegun(ctx, by.Name(), 0, err)
		a.attempted(by, refusalOf(err))
		return caller.Adopted{}
	case errors.Is(err, login.ErrBusy):
		a.attempted(by, refusal.Busy)
		return caller.Adopted{Refusal: refusal.Busy}
	case often:
		a.Events.Happened(came.asker.Of(lifecycle.Event{Kind: Throttled, Err: throttled}))
		a.attempted(by, refusal.OldGateway)
		return caller.Adopted{Refusal: refusal.OldGateway.After(throttled.RetryAfter)}
	}
	// A time-out of its own is the other gateway's.
	a.Events.Trouble(context.Background(), "somebody is to be adopted", lifecycle.SourceFault{Err: err, Login: by.Name()})
	a.attempted(by, refusal.OldGateway)
	return caller.Adopted{Refusal: refusal.OldGateway}
}

// begin begins the session of somebody whom another gateway knows. The cookies are
// marked before it is kept.
func (a *Adoption) begin(ctx context.Context, by *adopt.Login, found adopt.Found, came newcomer) caller.Adopted {
	arrival := lifecycle.Arrival{Address: came.asker.Client, UserAgent: came.userAgent, By: by.Name()}
	if found.Method.Name() == by.Name() {
		arrival.Ends = by.Until()
	}
	var marked sessionstore.Key
	arrival.Claim = func(ctx context.Context, s *sessionstore.Session) error {
		marked = s.Key
		return a.Marks.Mark(ctx, came.cookies, found.Owner(), s.Key, a.until())
	}
	s, secret, err := a.Sessions().Begin(ctx, found.Method, found.Person, arrival)
	if err == nil {
		a.attempted(by, nil)
		return caller.Adopted{Key: s.Key, Secret: secret, Life: s.ExpiresAt.Sub(a.Now())}
	}
	if marked != (sessionstore.Key{}) {
		a.drop(came, found.Owner(), marked)
	}
	why := refusalOf(err)
	a.attempted(by, why)
	if why.Status == refusal.Unavailable.Status {
		return caller.Adopted{Refusal: why}
	}
	return caller.Adopted{} // who may not sign in is told so where they do
}

// drop takes the marks back of a session that there is not.
func (a *Adoption) drop(came newcomer, of adopt.Owner, key sessionstore.Key) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	if err := a.Marks.Drop(ctx, came.cookies, of, key); err != nil {
		a.Events.Trouble(ctx, "cookies stay marked as adopted, and nobody was: the person signs in", err)
	}
}

// settle gives the attempt back: the cookie was no guess, as far as is known.
func (a *Adoption) settle(attempt *login.Attempt) { a.settled(attempt.Abandoned) }

func (a *Adoption) settled(by func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	if err := by(ctx); err != nil {
		a.Events.Happened(lifecycle.Event{Kind: StaysCounted, Err: err})
	}
}

// unanswered settles an attempt at a gateway that has not said who somebody is. What
// it was asked and did not answer counts there, as with a login app: where it was not
// asked, or cannot be reached, it had no work by it.
func (a *Adoption) unanswered(attempt *login.Attempt, by *adopt.Login, err error) {
	if _, silent := errors.AsType[*adopt.Silent](err); silent {
		a.settled(func(ctx context.Context) error { return attempt.Unanswered(ctx, by.Name()) })
		return
	}
	a.settle(attempt)
}

func (a *Adoption) attempted(by *adopt.Login, why *refusal.Refusal) {
	a.Events.Happened(lifecycle.Event{Kind: Attempted, Login: by.Name(), Result: refusal.ResultOf(why)})
}
