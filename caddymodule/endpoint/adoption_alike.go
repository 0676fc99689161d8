package endpoint

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/adopt"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
)

// admit begins the session of somebody whom another gateway knows, unless their cookies
// are some that were adopted before, spelt otherwise.
func (a *Adoption) admit(ctx context.Context, by *adopt.Login, found adopt.Found, came newcomer, attempt *login.Attempt) caller.Adopted {
	holder := rand.Text()
	if refused := a.holdAlike(ctx, came, holder); refused != nil {
		a.settle(attempt)
		return caller.Adopted{Refusal: refused}
	}
	defer a.releaseAlike(came, holder)
	if meanwhile, done := a.look(ctx, came, true); done {
		a.settle(attempt)
		return meanwhile // somebody has signed in, or out, with these cookies while it was asked
	}
	key, respelt, err := a.respelt(ctx, came, found.Owner())
	switch {
	case err != nil:
		a.settle(attempt)
		return a.storeFailed(ctx, err)
	case !respelt:
		a.settle(attempt)
		return a.begin(ctx, by, found, came)
	case key == sessionstore.Key{}:
		a.told(ctx, by, came, errRespelt)
		a.attempted(by, refusal.Credentials)
	}
	// It stays counted, for one cookie can be spelt without end, and is asked about each
	// time.
	return caller.Adopted{Key: key}
}

// errRespelt is for a cookie that was adopted, and its session has ended.
var errRespelt = fmt.Errorf("%w: the cookie was adopted before, and is spelt otherwise now", login.ErrRefused)

// holdAlike waits until nobody else looks after cookies that read as these.
func (a *Adoption) holdAlike(ctx context.Context, came newcomer, holder string) *refusal.Refusal {
	for pause := lookPause; ; pause = min(2*pause, maxLookPause) {
		held, err := a.Marks.HoldAlike(ctx, came.cookies, holder)
		switch {
		case err != nil:
			return a.storeFailed(ctx, err).Refusal
		case held:
			return nil
		case !waited(ctx, pause):
			return refusal.OldGateway
		}
	}
}

func (a *Adoption) releaseAlike(came newcomer, holder string) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	_ = a.Marks.ReleaseAlike(ctx, came.cookies, holder) // it ends by itself
}

// respelt reports whether cookies of that person which read as these were adopted or
// spent before, and returns the session of theirs that was made of them, if it lives.
func (a *Adoption) respelt(ctx context.Context, came newcomer, who adopt.Owner) (key sessionstore.Key, respelt bool, err error) {
	like, err := a.Marks.Alike(ctx, came.cookies, who)
	if err != nil {
		return key, false, err
	}
	for _, made := range like.Sessions {
		_, err := a.Store.Get(ctx, made)
		if err == nil {
			return made, true, a.Marks.Join(ctx, came.cookies, made, a.until())
		}
		if !gone(err) {
			return key, false, err
		}
	}
	for _, former := range like.Former {
		may, is, err := a.isOwner(ctx, former, came, who)
		if err != nil {
			return key, false, err
		}
		if is {
			return former, true, a.Marks.Join(ctx, came.cookies, former, a.until())
		}
		like.Spent = like.Spent || may
	}
	return key, like.Spent, nil
}

// isOwner reports whether somebody may be whose cookies an earlier build has marked for
// that session, and whether they surely are and it was made of these. Of a session that
// has ended nobody can tell any more, and none is begun.
func (a *Adoption) isOwner(ctx context.Context, former sessionstore.Key, came newcomer, who adopt.Owner) (may, is bool, err error) {
	s, err := a.Store.Get(ctx, former)
	if gone(err) {
		return true, false, nil
	}
	if err != nil {
		return false, false, err
	}
	owner := adopt.OwnerOf(s)
	if !who.Is(owner) {
		return who.MayBe(owner), false, nil
	}
	is, err = a.Marks.WasMadeOf(ctx, former, came.cookies)
	return true, is, err
}

// gone reports whether there is no such session, or none that can be read.
func gone(err error) bool {
	return errors.Is(err, sessionstore.ErrNotFound) || sessionstore.IsUnreadable(err)
}
