package login

import (
	"context"
	"errors"
)

// ScopeCookie is the Throttled.Scope of a cookie that was refused too often: it is
// asked about no more within the window, and is as good as refused.
const ScopeCookie = "cookie"

// BeginCookie is Begin for a cookie of another gateway that is to be asked about,
// which the digest stands for. It is counted apart from passwords, for most of those
// that fail are of people whose session there has ended: one cookie counts once at
// its address, however often its browser sends it, and addresses have a limit of
// their own, DefaultPerAddressCookies.
func (t *Throttle) BeginCookie(ctx context.Context, digest string, from Client) (*Attempt, error) {
	a := &Attempt{attempts: t.attempts, window: t.limits.Window, turn: Turn{Of: from.wide()}, silence: t.limits.ofSilence(from), from: from}
	if err := t.reserveCookie(ctx, a, digest, from); err != nil {
		if lost := a.Abandoned(ctx); lost != nil {
			err = errors.Join(err, lost)
		}
		return nil, err
	}
	return a, nil
}

func (t *Throttle) reserveCookie(ctx context.Context, a *Attempt, digest string, from Client) error {
	place := from.place()
	ofCookie, err := a.pass(ctx, count{"cookie1:" + place + " " + digest, t.limits.PerPair, t.limits.Window, ScopeCookie}, from)
	if err != nil || ofCookie.Count > 1 {
		return err
	}
	counts := []count{{"cookieaddress1:" + place, t.limits.PerAddressCookies, t.limits.Window, "address"}}
	if from.Shared {
		counts = append(counts, count{"cookieproxy1:" + from.Network(), t.limits.PerProxyCookies, t.limits.Window, "proxy"})
	}
	if from.Shared && !from.toldApart() {
		counts = counts[1:]
	}
	for _, c := range counts {
		ofPlace, err := a.pass(ctx, c, from)
		if err != nil {
			return err
		}
		a.turn.Failed = ofPlace.Count - 1
	}
	return nil
}

// ofSilence are the counts of questions that got no answer.
func (l *Limits) ofSilence(from Client) (counts []count) {
	if from.toldApart() {
		counts = append(counts, count{"cookiesilence1:" + from.place(), l.PerAddressSilence, l.SilenceWindow, "address"})
	}
	if from.Shared {
		counts = append(counts, count{"cookieproxysilence1:" + from.Network(), l.PerProxySilence, l.SilenceWindow, "proxy"})
	}
	return counts
}

// of is the count for the login alone: another gateway may be well.
func (c count) of(login string) string { return c.bucket + " " + login }

// MayAsk says whether the login's gateway may be asked about the cookie of the
// attempt, when its turn has come: not where it has left too many questions from there
// without an answer, for made-up cookies are asked about, too, and would go on
// weighing on a gateway that is in trouble. That refuses people who are not at fault,
// so it ends soon. The error is a *Throttled, or the store's.
func (a *Attempt) MayAsk(ctx context.Context, login string) error {
	for _, c := range a.silence {
		there, err := a.attempts.Take(ctx, c.of(login), 0, c.window)
		if err != nil {
			return err
		}
		if there.Count >= c.limit {
			return &Throttled{RetryAfter: there.Wait, Scope: c.scope, From: a.from}
		}
	}
	return nil
}

// Unanswered is Abandoned for a cookie that the login's gateway was asked about and
// gave no answer: it counts for MayAsk alone, for the person has failed at nothing.
func (a *Attempt) Unanswered(ctx context.Context, login string) error {
	if a.settled.Swap(true) {
		return nil
	}
	ctx, cancel := settling(ctx)
	defer cancel()
	var errs []error
	for _, c := range a.silence {
		_, err := a.attempts.Take(ctx, c.of(login), c.limit, c.window)
		errs = append(errs, err)
	}
	return errors.Join(append(errs, a.giveBack(ctx))...)
}
