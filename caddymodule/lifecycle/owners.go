package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"example.com/sidegate/sessionstore"
)

// ErrNumberTaken says that somebody comes with a number that belongs to another
// person: were they let in, each would see and end the other's sessions, and the
// apps would take them for one.
var ErrNumberTaken = errors.New("the person's number belongs to somebody else")

// taken is why somebody was refused for their number.
type taken struct {
	of       string // the login of whom it belongs to; empty: none of this configuration
	reserved bool   // it was handed out by the store
}

func (t *taken) Error() string { return ErrNumberTaken.Error() }

// Is makes it an ErrNumberTaken.
func (t *taken) Is(target error) bool { return target == ErrNumberTaken }

// event tells of the refusal.
func (t *taken) event(login string, userID int64) Event {
	if t.reserved {
		return Event{Kind: NumberReserved, Login: login, UserID: userID}
	}
	return Event{Kind: NumberTaken, Login: login, UserID: userID, Result: t.of}
}

// claimant is somebody who comes with a number.
type claimant struct {
	number int64
	whose
	// name is what the store has handed a number out for, or would.
	name string
}

// owners see to it that a number is one person.
type owners struct {
	config *Config
	People
}

// claim has the number that a source gave the person belong to them, for good. A
// *taken says that it belongs to somebody else, a storeFault that it cannot be
// told; nobody is taken for another then.
func (o *owners) claim(ctx context.Context, c claimant) error {
	ask := sessionstore.Claim{Number: c.number, Owner: o.digest(c.number, c.whose)}
	if c.number > FirstNumber {
		ask.Owner = "" // for it may have been handed out
	}
	return o.ask(ctx, c, ask, o.first)
}

// claimGiven is claim of a number that the store has just given. Whoever else has
// sessions of it came by it in another way, and so later.
func (o *owners) claimGiven(ctx context.Context, c claimant) error {
	return o.ask(ctx, c, sessionstore.Claim{Number: c.number, Owner: o.digest(c.number, c.whose), Begun: true}, o.note)
}

// ask makes a claim, and goes on with whom the number has belonged to where
// nobody here can say who that is.
func (o *owners) ask(ctx context.Context, c claimant, ask sessionstore.Claim, unknown func(context.Context, claimant, string) error) error {
	if len(o.Keys) == 0 {
		return nil
	}
	kept, err := o.config.Store.Own(ctx, ask)
	switch {
	case err != nil:
		return storeFault{fmt.Errorf("asking whom a number belongs to: %w", err)}
	case !o.knows(kept):
		return unknown(ctx, c, kept)
	case !o.isOf(kept, c.number, c.whose):
		return &taken{of: o.loginOf(kept, c.number)}
	}
	o.renew(ctx, c, kept)
	return nil
}

// first finds out to whom a number belongs that was noted for nobody, or under a
// secret that is gone: to whoever has a session of it, in from before that was
// noted, else to the claimant.
func (o *owners) first(ctx context.Context, c claimant, kept string) error {
	given, err := o.given(ctx, c)
	if err != nil {
		return err
	}
	holder, err := o.holder(ctx, c, given)
	if err != nil {
		return err
	}
	return o.noteFor(ctx, c, holder, kept)
}

// note has a number belong to the claimant.
func (o *owners) note(ctx context.Context, c claimant, instead string) error {
	return o.noteFor(ctx, c, c.whose, instead)
}

// noteFor has a number belong to the owner, in the place of whom nobody knows, and
// tells whether it is the claimant's then.
func (o *owners) noteFor(ctx context.Context, c claimant, owner whose, instead string) error {
	kept, err := o.config.Store.Own(ctx, sessionstore.Claim{
		Number: c.number, Owner: o.digest(c.number, owner), Instead: instead, Begun: true,
	})
	switch {
	case err != nil:
		return storeFault{fmt.Errorf("noting whom a number belongs to: %w", err)}
	case !o.isOf(kept, c.number, c.whose):
		return &taken{of: o.loginOf(kept, c.number)}
	}
	return nil
}

// given reports whether the store has handed the number out. To somebody else it
// is a *taken: who gives themselves such a number is not who has it, unless they
// are said to be the same people.
func (o *owners) given(ctx context.Context, c claimant) (bool, error) {
	if c.number <= FirstNumber {
		return false, nil
	}
	given, err := o.config.Store.Numbered(ctx, c.number-FirstNumber)
	if err != nil || !given {
		return given, asStoreFault(err)
	}
	if len(o.same(c.people)) > 0 {
		return true, nil
	}
	own, err := o.config.Store.Number(ctx, c.name)
	if err == nil && own != c.number-FirstNumber {
		return true, &taken{reserved: true}
	}
	return true, asStoreFault(err)
}

func asStoreFault(err error) error {
	if err == nil {
		return nil
	}
	return storeFault{fmt.Errorf("asking whether a number was handed out: %w", err)}
}

// holder is who has the oldest session of the number, else the claimant. What
// cannot be read says nothing: its people sign in again, and must be let in.
func (o *owners) holder(ctx context.Context, c claimant, given bool) (whose, error) {
	sessions, err := o.config.Store.List(ctx, c.number)
	if _, listed := sessionstore.Unreadable(err); err != nil && !listed {
		return whose{}, storeFault{fmt.Errorf("asking who has sessions of a number: %w", err)}
	}
	if len(sessions) == 0 {
		return c.whose, nil
	}
	oldest := slices.MinFunc(sessions, func(a, b *sessionstore.Session) int { return a.CreatedAt.Compare(b.CreatedAt) })
	held := o.of(oldest, o.config.Vouching)
	if given && held.subject == "" {
		held.subject = oldest.Subject
	}
	return held, nil
}

// renew notes an owner under the present secret who was noted under a former one,
// which may go one day. If that fails the next sign-in does it.
func (o *owners) renew(ctx context.Context, c claimant, kept string) {
	if isUnder(o.Keys[0], kept) {
		return
	}
	_, _ = o.config.Store.Own(ctx, sessionstore.Claim{Number: c.number, Owner: o.digest(c.number, c.whose), Instead: kept})
}

// loginOf names the login whose person the number belongs to, if it is configured.
func (o *owners) loginOf(kept string, number int64) string {
	for _, l := range o.config.Logins {
		if o.isAmong(kept, number, o.named(l.Name())) {
			return l.Name()
		}
	}
	return ""
}
