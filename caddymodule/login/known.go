package login

import (
	"context"
	"errors"
	"time"

	"example.com/sidegate/sessionstore"
)

// knownFor is how long somebody is known who has signed in.
const knownFor = 30 * 24 * time.Hour

// Known is what a sign-in has in common with those that succeeded before.
type Known int

// From the worst to the best. An address is shared with others; with the name it
// is the person's own, as far as can be told before the password has been looked
// at. A name alone is what a guesser types, and an address may be a guesser's who
// has signed in once: they are next to nothing.
const (
	Stranger     Known = iota // nothing
	KnownAccount              // the account has signed in elsewhere, and nobody fails at it
	KnownNetwork              // others have signed in from there
	KnownBoth                 // the account has signed in from there
)

// Turn is how soon a sign-in is dealt with where many wait: see Gate. The zero
// value is that of a stranger.
type Turn struct {
	Known Known
	// Failed is how many attempts from there have failed, are under way, or, but
	// for KnownBoth, were sent away. It shares the places out between addresses: the
	// more one asks for, the later it comes.
	Failed int
	// Of is whom it is for: of KnownBoth the account, else the network. Those who
	// are equal otherwise are shared out by it.
	Of string
}

func (t Turn) sharer() sharer { return sharer{t.Known == KnownBoth, t.Of} }

// mark is a bucket in the store that is not empty when somebody is known. So all
// gateways know it that share the store, and one that was started anew; what
// stays in this process is forgotten when it is needed most. Who has never had
// the right password makes none.
type mark struct {
	known Known
	name  string
}

// marksOf are by the name itself and not by the account, which others may have
// in other letters.
func marksOf(from Client, name string) []mark {
	ofAccount := mark{KnownAccount, "knownaccount1:" + name}
	if !from.toldApart() { // all people of a proxy would be known by the first
		return []mark{ofAccount}
	}
	return []mark{
		{KnownBoth, "known1:" + from.place() + " " + name},
		{KnownNetwork, "knownaddress1:" + from.place()},
		ofAccount,
	}
}

// recognise finds out whom the attempt may be of. A store that fails now makes a
// stranger of them, which is no refusal.
func (a *Attempt) recognise(ctx context.Context, account string, ofAccount int) {
	for _, m := range a.marks {
		there := a.peek(ctx, m.name)
		if there.Count == 0 || m.known == KnownAccount && ofAccount > 1 {
			continue
		}
		a.turn.Known = m.known
		a.lasts = m.known == KnownBoth && there.Wait > knownFor/2
		break
	}
	if a.turn.Known == KnownBoth {
		a.turn.Of = account
		return
	}
	a.turn.Failed += a.peek(ctx, a.busy[1].name).Count
}

// peek is what a bucket holds, as far as the store says: a limit of none counts
// nothing.
func (a *Attempt) peek(ctx context.Context, bucket string) sessionstore.Taken {
	there, err := a.attempts.Take(ctx, bucket, 0, knownFor)
	if err != nil {
		return sessionstore.Taken{}
	}
	return there
}

// remember marks who has signed in, for knownFor from now or half of it.
func (a *Attempt) remember(ctx context.Context) error {
	if a.lasts {
		return nil
	}
	var errs []error
	for _, m := range a.marks {
		before, err := a.attempts.Take(ctx, m.name, 1, knownFor)
		if err == nil && before.Wait > 0 && before.Wait < knownFor/2 {
			// A window does not grow.
			if err = a.attempts.Forget(ctx, m.name); err == nil {
				_, err = a.attempts.Take(ctx, m.name, 1, knownFor)
			}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Turn is how soon the attempt is dealt with.
func (a *Attempt) Turn() Turn { return a.turn }
