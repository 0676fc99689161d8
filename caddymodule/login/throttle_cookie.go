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
	a := &Attempt{attempts: t.attempts, window: t.limits.Window, turn: Turn{Of: from.wide()}}
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
