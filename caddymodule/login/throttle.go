package login

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"example.com/sidegate/sessionstore"
)

// The defaults of Limits: failed sign-ins within one window.
const (
	DefaultWindow          = 15 * time.Minute
	DefaultPerAddress      = 100 // by one address, over all accounts
	DefaultAttackThreshold = 50  // on one account, from all addresses
	DefaultPerPair         = 10  // on one account by one address
	DefaultPerPairAttacked = 3   // the same, while the account is under attack

	DefaultPerAddressDown = 1000 // by one address, of a method that is down
	DefaultPerPairDown    = 100  // on one account by one address, of a method that is down

	DefaultPerAddressBusy = 200 // by one address, that found no place
	DefaultPerPairBusy    = 50  // on one account by one address, that found no place

	DefaultPerAddressCookies = 1000  // different cookies of other gateways, by one address
	DefaultPerProxyCookies   = 20000 // the same, by one proxy that is not trusted

	DefaultPerAddressSilence = 100  // questions about cookies that got no answer, by one address
	DefaultPerProxySilence   = 1000 // the same, by one proxy that is not trusted
	DefaultSilenceWindow     = 30 * time.Second

	DefaultPerProxy        = 2000            // by one proxy that is not trusted, over all accounts
	DefaultPerProxyAccount = 10              // on one account by one proxy that is not trusted
	DefaultProxyWindow     = 2 * time.Minute // in which they do
)

// giveBackTimeout bounds how long a settled attempt may keep the store busy.
const giveBackTimeout = 2 * time.Second

// Limits are how many sign-ins may fail within Window, which begins with the
// first of them. A field that is zero or less has its default.
type Limits struct {
	Window time.Duration
	// PerAddress bounds one client address (one /64 network of IPv6), whatever
	// accounts it tries.
	PerAddress int
	// AttackThreshold is how many failures an account has, counted over all
	// addresses, before it is under attack. It refuses nobody by itself.
	AttackThreshold int
	// PerPair bounds one account at one address.
	PerPair int
	// PerPairAttacked is PerPair while the account is under attack.
	PerPairAttacked int
	// PerAddressDown and PerPairDown are how many may end with nobody knowing,
	// for who was asked is down. Further ones are failures.
	PerAddressDown, PerPairDown int
	// PerAddressBusy and PerPairBusy are how many may be sent away, for too many
	// sign in at once. Further ones are failures: were they free, who floods the
	// gateway would never be throttled.
	PerAddressBusy, PerPairBusy int
	// PerAddressCookies and PerProxyCookies bound how many different cookies of other
	// gateways may be refused to one address, and to the people of one proxy that is
	// not trusted: see BeginCookie.
	PerAddressCookies, PerProxyCookies int
	// PerAddressSilence and PerProxySilence bound how many questions about such
	// cookies one gateway may leave without an answer within SilenceWindow, before
	// it is asked no more for whoever is there: see Attempt.MayAsk. It is short, for
	// it refuses people who have done nothing.
	PerAddressSilence, PerProxySilence int
	SilenceWindow                      time.Duration
	// PerProxy bounds the people of one proxy together who are Shared, within
	// Window: those who make up what it says of them. It is high, for else one of
	// them would lock all others out.
	PerProxy int
	// PerProxyAccount is how many of them may fail on one account within
	// ProxyWindow, whoever they say to be. It is short, for strangers among them
	// can use it up.
	PerProxyAccount int
	ProxyWindow     time.Duration
}

func (l Limits) withDefaults() Limits {
	if l.Window <= 0 {
		l.Window = DefaultWindow
	}
	if l.ProxyWindow <= 0 {
		l.ProxyWindow = DefaultProxyWindow
	}
	if l.SilenceWindow <= 0 {
		l.SilenceWindow = DefaultSilenceWindow
	}
	for _, f := range []struct {
		limit    *int
		fallback int
	}{
		{&l.PerAddress, DefaultPerAddress},
		{&l.AttackThreshold, DefaultAttackThreshold},
		{&l.PerPair, DefaultPerPair},
		{&l.PerPairAttacked, DefaultPerPairAttacked},
		{&l.PerAddressDown, DefaultPerAddressDown},
		{&l.PerPairDown, DefaultPerPairDown},
		{&l.PerAddressBusy, DefaultPerAddressBusy},
		{&l.PerPairBusy, DefaultPerPairBusy},
		{&l.PerAddressCookies, DefaultPerAddressCookies},
		{&l.PerProxyCookies, DefaultPerProxyCookies},
		{&l.PerAddressSilence, DefaultPerAddressSilence},
		{&l.PerProxySilence, DefaultPerProxySilence},
		{&l.PerProxy, DefaultPerProxy},
		{&l.PerProxyAccount, DefaultPerProxyAccount},
	} {
		if *f.limit <= 0 {
			*f.limit = f.fallback
		}
	}
	return l
}

// Throttled says that too many sign-ins have failed already: the password was
// not looked at. It is answered with 429 and Retry-After.
type Throttled struct {
	// RetryAfter is how long until the next attempt is let through.
	RetryAfter time.Duration
	// Scope is what has used its attempts up, for the operator's log: "address",
	// "account" for this account from this address, "proxy", or "account at the
	// proxy". The person is not told.
	Scope string
	// From is where the attempt came from, as the throttle counts.
	From Client
}

// Error names no address and no account.
func (t *Throttled) Error() string {
	return fmt.Sprintf("too many failed sign-ins for this %s, wait %s",
		t.Scope, t.RetryAfter.Round(time.Second))
}

// Throttle bounds how often passwords may be guessed. It counts in the store,
// so its limits hold over all gateways that share one.
//
// An account alone is never locked, for then a stranger could lock people out:
// whoever fails to sign in elsewhere uses up their own address's attempts, and
// those at the owner's address remain. Many addresses against one account put
// it under attack, and then each of them has fewer attempts.
type Throttle struct {
	attempts sessionstore.Attempts
	limits   Limits
}

// NewThrottle makes a throttle that counts in those attempts.
func NewThrottle(attempts sessionstore.Attempts, limits Limits) *Throttle {
	return &Throttle{attempts: attempts, limits: limits.withDefaults()}
}

// Begin reserves an attempt before the password is looked at, so that the
// limits hold however many try at once. The caller settles the attempt with
// Succeeded, Abandoned, Undecided or SentAway; one that is never settled stays counted:
// the password was wrong, or nobody has that name.
//
// The error is a *Throttled when the limit is reached, ErrRefused when the
// text is no sign-in name, and otherwise the store's: then nobody can tell,
// and nobody is let through.
func (t *Throttle) Begin(ctx context.Context, name string, from Client) (*Attempt, error) {
	account, err := AccountOf(name)
	if err != nil {
		return nil, err
	}
	client := from.place()
	a := &Attempt{attempts: t.attempts, pair: "pair1:" + client + " " + account, window: t.limits.Window, down: [2]bucket{
		{"pairdown1:" + client + " " + account, t.limits.PerPairDown},
		{"addressdown1:" + client, t.limits.PerAddressDown},
	}, busy: [2]bucket{
		{"pairbusy1:" + client + " " + account, t.limits.PerPairBusy},
		{"addressbusy1:" + client, t.limits.PerAddressBusy},
	}, marks: marksOf(from, FoldName(name)), twins: "twins1:" + client + " " + account, plain: name == account}
	if err := t.reserve(ctx, a, from, name, account); err != nil {
		// What was reserved on the way to a refusal was never an attempt.
		if lost := a.Abandoned(ctx); lost != nil {
			err = errors.Join(err, lost)
		}
		return nil, err
	}
	return a, nil
}

func (t *Throttle) reserve(ctx context.Context, a *Attempt, from Client, name, account string) error {
	var ofPlace sessionstore.Taken
	for _, c := range t.limits.ofPlace(from, account) {
		var err error
		if ofPlace, err = a.pass(ctx, c, from); err != nil {
			return err
		}
	}
	// A full account bucket is no refusal; it says that this is an attack.
	ofAccount, err := a.take(ctx, "account1:"+account, t.limits.AttackThreshold, t.limits.Window)
	if err != nil {
		return err
	}
	limit := t.limits.PerPair
	if a.attacked = ofAccount.Wait > 0; a.attacked {
		limit = min(limit, t.limits.PerPairAttacked)
	}
	if from.toldApart() {
		ofPair, err := a.pass(ctx, count{a.pair, limit, t.limits.Window, "account"}, from)
		if err != nil {
			return err
		}
		a.failed = ofPair.Count > 1
		if !a.plain {
			if _, err := a.take(ctx, a.twins, t.limits.PerAddress, t.limits.Window); err != nil {
				return err
			}
		}
	}
	a.turn = Turn{Failed: ofPlace.Count - 1, Of: from.wide()}
	a.recognise(ctx, account, ofAccount.Count)
	return t.again(ctx, a, from, otherAccountOf(name), limit)
}

// Attempt is one sign-in that has been let through and counted as failed in
// advance. Only the first of its settling methods has an effect.
type Attempt struct {
	attempts sessionstore.Attempts
	pair     string
	taken    []string
	window   time.Duration
	down     [2]bucket
	busy     [2]bucket
	silence  []count // of a cookie: see MayAsk
	from     Client
	marks    []mark
	turn     Turn
	lasts    bool   // the marks do, for now
	twins    string // counts what was typed in other letters than the account's
	plain    bool   // the name is in the account's own letters, which are small ones
	keeps    bool   // what has failed stays counted
	failed   bool   // somebody has failed at the account from there
	attacked bool
	settled  atomic.Bool
}

// Attacked reports whether the account has as many failures, from all
// addresses together, that it is under attack.
func (a *Attempt) Attacked() bool { return a.attacked }

// bucket counts up to a limit.
type bucket struct {
	name  string
	limit int
}

// take counts the attempt in the bucket and remembers it for giving back.
func (a *Attempt) take(ctx context.Context, bucket string, limit int, window time.Duration) (sessionstore.Taken, error) {
	taken, err := a.attempts.Take(ctx, bucket, limit, window)
	if err == nil && taken.Wait <= 0 {
		a.taken = append(a.taken, bucket)
	}
	return taken, err
}

// KeepFailures says that what has failed at the account there may have been meant
// for another person of that name: it stays counted though somebody succeeds.
func (a *Attempt) KeepFailures() { a.keeps = true }

// Succeeded gives back what was reserved and forgets the person's failures at
// this address, and who they are is known from now on. Where a name in
// other letters than the account's has failed there, or succeeds, nothing is
// forgotten: Ada and adá may be others than ada, and would have ada's attempts
// begin anew. The person is signed in even if
// that fails: the error, the store's, only says that some attempts stay counted.
func (a *Attempt) Succeeded(ctx context.Context) error {
	if a.settled.Swap(true) {
		return nil
	}
	ctx, cancel := settling(ctx)
	defer cancel()
	errs := []error{a.giveBack(ctx), a.remember(ctx)}
	if a.failed && a.plain && !a.keeps && a.peek(ctx, a.twins).Count == 0 {
		errs = append(errs, a.attempts.Forget(ctx, a.pair))
	}
	return errors.Join(errs...)
}

// Undecided is Abandoned for a password that somebody may have looked at who then
// gave no answer. It is given back as often as an outage needs, and no more: an
// app may fail on every wrong password.
func (a *Attempt) Undecided(ctx context.Context) error { return a.spare(ctx, a.down) }

// SentAway is Abandoned for who found no place, or has left the one they were
// waiting at. It is given back as often as a crowd needs, whom nobody is locked
// out by, and no more: who makes the crowd asks again and again.
func (a *Attempt) SentAway(ctx context.Context) error { return a.spare(ctx, a.busy) }

// spare gives the attempt back while it fits into the buckets.
func (a *Attempt) spare(ctx context.Context, buckets [2]bucket) error {
	if a.settled.Swap(true) {
		return nil
	}
	ctx, cancel := settling(ctx)
	defer cancel()
	for _, b := range buckets {
		taken, err := a.attempts.Take(ctx, b.name, b.limit, a.window)
		if err != nil || taken.Wait > 0 {
			return err
		}
	}
	return a.giveBack(ctx)
}

// Abandoned gives back what was reserved: nobody has looked at the password,
// which is not the person's failure. The error is the store's and says
// that the attempt stays counted.
func (a *Attempt) Abandoned(ctx context.Context) error {
	if a.settled.Swap(true) {
		return nil
	}
	ctx, cancel := settling(ctx)
	defer cancel()
	return a.giveBack(ctx)
}

func (a *Attempt) giveBack(ctx context.Context) error {
	var errs []error
	for _, bucket := range a.taken {
		errs = append(errs, a.attempts.Return(ctx, bucket))
	}
	return errors.Join(errs...)
}

// settling is a context that outlives a client who has hung up; else people
// who reload an impatient page would lock themselves out.
func settling(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), giveBackTimeout)
}
