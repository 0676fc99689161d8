package caller_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
)

// adopter adopts whoever has a cookie old.
type adopter struct {
	answer caller.Adopted
	err    error
	asked  int
}

func (a *adopter) Presented(v *caller.Remembered) bool { return len(v.CookiesNamed("old")) > 0 }

func (a *adopter) Adopt(_ *http.Request, v *caller.Remembered) caller.Adopted {
	if !a.Presented(v) {
		return caller.Adopted{}
	}
	a.asked++
	return a.answer
}

func (a *adopter) Made(_ *http.Request, v *caller.Remembered) (sessionstore.Key, error) {
	if !a.Presented(v) {
		return sessionstore.Key{}, nil
	}
	return a.answer.Key, a.err
}

// adopting is the desk with who is adopted.
func (d *desk) adopting(answer caller.Adopted) (*caller.Finder, *adopter) {
	a := &adopter{answer: answer}
	given := d.given
	given.Adopt = a
	return caller.NewFinder(given), a
}

func TestWhoIsAdopted(t *testing.T) {
	d := newDesk(t)
	gone := sessionstore.NewSecret(1).Encode()
	found := caller.Adopted{Key: d.session.Key}
	for _, c := range []struct {
		name   string
		header []string
		answer caller.Adopted
		away   bool
		want   caller.Standing
		asked  int
	}{
		{"nobody without that cookie", []string{"Cookie", "theme=dark"}, found, false, caller.Anonymous, 0},
		{"who has it alone", []string{"Cookie", "old=x"}, found, false, caller.SignedIn, 1},
		{"who has it beside a cookie that is none", []string{"Cookie", "old=x; sidegate=y"}, found, false, caller.SignedIn, 1},
		{"who has it beside a session that has ended", []string{"Cookie", "old=x; sidegate=" + gone}, found, false, caller.SignedIn, 1},
		{"who has it beside two that have", []string{"Cookie", "old=x; sidegate=" + gone + "; sidegate=y"}, found, false, caller.SignedIn, 1},
		{"nobody who is signed in", []string{"Cookie", "old=x; " + d.cookie}, caller.Adopted{Refusal: refusal.OldGateway}, false, caller.SignedIn, 0},
		{"nobody with a bad token", []string{"Cookie", "old=x", "Authorization", "Bearer x.y.z"}, found, false, caller.Rejected, 0},
		{"nobody of whom the store cannot tell", []string{"Cookie", "old=x; sidegate=" + gone}, found, true, caller.CannotTell, 0},
		{"nobody with two sessions", []string{"Cookie", "old=x; " + d.cookie + "; " + d.another(2)}, found, false, caller.Rejected, 0},
		{"nobody whom the other gateway does not know", []string{"Cookie", "old=x"}, caller.Adopted{}, false, caller.Anonymous, 1},
		{"nobody of whom it cannot tell", []string{"Cookie", "old=x"}, caller.Adopted{Refusal: refusal.OldGateway}, false, caller.CannotTell, 1},
		{"nobody whose session has ended", []string{"Cookie", "old=x"}, caller.Adopted{Key: sessionstore.NewSecret(1).Key()}, false, caller.Anonymous, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, a := d.adopting(c.answer)
			d.store.is = c.away
			defer func() { d.store.is = false }()
			r := request(c.header...)
			got := f.Caller(r)
			if got.Standing != c.want || a.asked != c.asked {
				t.Errorf("standing %d, asked %d times", got.Standing, a.asked)
			}
			if f.Caller(r); a.asked != c.asked {
				t.Error("it is asked again for one request")
			}
		})
	}
}

func TestTheSecretOfWhoWasJustAdoptedIsGivenOnce(t *testing.T) {
	d := newDesk(t)
	secret := sessionstore.NewSecret(1)
	f, _ := d.adopting(caller.Adopted{Key: d.session.Key, Secret: secret, Life: time.Hour})
	c := f.Caller(request("Cookie", "old=x; sidegate=y"))
	if got := c.Give(); got == nil || got.Secret != secret || got.Life != time.Hour || c.StaleCookie {
		t.Errorf("given %+v; the cookie is to be forgotten: %v", got, c.StaleCookie)
	}
	if c.Give() != nil {
		t.Error("given twice")
	}
}

// Who is signed in by another gateway's cookie alone can sign out by it.
func TestASessionThatWasMadeOfAnOldCookieIsPresentedByIt(t *testing.T) {
	d := newDesk(t)
	f, a := d.adopting(caller.Adopted{Key: d.session.Key})
	p := f.Presented(request("Cookie", "old=x"))
	if len(p.Sessions) != 1 || p.Sessions[0] != d.session.Key || !p.Ours || p.Untold != nil || a.asked != 0 {
		t.Errorf("%+v, asked %d times", p, a.asked)
	}
	a.answer, a.err = caller.Adopted{}, errors.New("away")
	if p := f.Presented(request("Cookie", "old=x")); p.Untold == nil {
		t.Error("it is not said that it cannot be told")
	}
}

func TestAnOldCookieIsOneForWhoMustNotActByIt(t *testing.T) {
	d := newDesk(t)
	f, _ := d.adopting(caller.Adopted{})
	for cookie, want := range map[string]bool{"old=x": true, "theme=dark": false} {
		if got := f.HasCookie(caller.Remember(request("Cookie", cookie))); got != want {
			t.Errorf("%s: %v", cookie, got)
		}
	}
}
