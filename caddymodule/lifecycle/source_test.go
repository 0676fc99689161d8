package lifecycle_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/storetest"
)

// stepped is a store that tells before and after which step it is, or fails there.
type stepped struct {
	sessionstore.Store
	at    func(step string) error
	named *sessionstore.Key // is told of the session that is linked
}

func (s *stepped) around(step string, do func() error) error {
	err := s.at("before " + step)
	if err == nil {
		err = do()
	}
	if err == nil {
		err = s.at("after " + step)
	}
	return err
}

func (s *stepped) Create(ctx context.Context, session *sessionstore.Session, limit sessionstore.Limit) (ended []sessionstore.Ended, err error) {
	err = s.around("Create", func() error { ended, err = s.Store.Create(ctx, session, limit); return err })
	return ended, err
}

func (s *stepped) Revoke(ctx context.Context, key sessionstore.Key) (was *sessionstore.Session, err error) {
	err = s.around("Revoke", func() error { was, err = s.Store.Revoke(ctx, key); return err })
	return was, err
}

func (s *stepped) Link(ctx context.Context, name string, key sessionstore.Key, life time.Duration) error {
	if s.named != nil {
		*s.named = key
	}
	return s.around("Link", func() error { return s.Store.Link(ctx, name, key, life) })
}

func (s *stepped) Unlink(ctx context.Context, name string, keys ...sessionstore.Key) error {
	return s.around("Unlink", func() error { return s.Store.Unlink(ctx, name, keys...) })
}

func (s *stepped) Linked(ctx context.Context, name string) (keys []sessionstore.Key, err error) {
	err = s.around("Linked", func() error { keys, err = s.Store.Linked(ctx, name); return err })
	return keys, err
}

func (s *stepped) IsLinked(ctx context.Context, name string, key sessionstore.Key) (is bool, err error) {
	err = s.around("IsLinked", func() error { is, err = s.Store.IsLinked(ctx, name, key); return err })
	return is, err
}

// steppedPair is two gateways on one store; each has steps of its own.
func steppedPair(t *testing.T) (making, ending *gateway, steps [2]*stepped) {
	t.Helper()
	shared := memory.New(nil)
	var g [2]*gateway
	for i := range g {
		steps[i] = &stepped{Store: shared, at: func(string) error { return nil }}
		g[i] = newGateway(t, steps[i], nil, time.Now, fromSSO)
	}
	return g[0], g[1], steps
}

// sso is a provider of which only the name is of interest.
type sso struct{}

func (sso) Name() string { return "sso" }

// arrives signs ada in, whose session at the provider is that. Its key is there
// as soon as the session has one, made or not.
func arrives(g *gateway, making *stepped) (key sessionstore.Key, err error) {
	making.named = &key
	_, _, err = g.Begin(context.Background(), sso{}, &profile.Person{
		ID: 1, Email: "ada@example.com", Subject: "ada-1", SourceSession: "sid-1",
	}, lifecycle.Arrival{})
	return key, err
}

// signOuts end it, each in its own way.
func signOuts() map[string]lifecycle.SignOut {
	return map[string]lifecycle.SignOut{
		"by sid": {Login: "sso", SessionID: "sid-1", ID: "jti", Expires: time.Now().Add(time.Minute)},
		"by sub": {Login: "sso", Subject: "ada-1", ID: "jti", Expires: time.Now().Add(time.Minute)},
	}
}

// stepNames counts the steps of f and names each.
func stepNames(s *stepped, f func()) (names []string) {
	s.at = func(step string) error { names = append(names, step); return nil }
	f()
	s.at = func(string) error { return nil }
	return names
}

// No session outlives the word of its provider that it has ended: wherever the
// two meet, it is gone. A token that names the person alone may also mean what
// was before, so there it is from the moment that the name is written down.
func TestASessionThatIsBeingMadeDoesNotSurviveItsProvidersSignOut(t *testing.T) {
	for how, token := range signOuts() {
		making, _, steps := steppedPair(t)
		names := stepNames(steps[0], func() {
			if _, err := arrives(making, steps[0]); err != nil {
				t.Fatal(err)
			}
		})
		firstNamed := 2
		if how == "by sid" {
			firstNamed = 1
		}
		for i := firstNamed - 1; i < len(names); i++ {
			t.Run(fmt.Sprintf("%s, all of it %s (%d)", how, names[i], i), func(t *testing.T) {
				making, ending, steps := steppedPair(t)
				n := 0
				steps[0].at = func(string) error {
					if n++; n == i+1 {
						return ending.EndAtSource(context.Background(), token)
					}
					return nil
				}
				key, _ := arrives(making, steps[0])
				wantGone(t, ending, key)
			})
		}
	}
	for how, token := range signOuts() {
		_, ending, steps := steppedPair(t)
		key, err := arrives(ending, steps[1])
		if err != nil {
			t.Fatal(err)
		}
		// It has its names, and is not there: as while it is made.
		if err := storetest.End(t.Context(), steps[1].Store, key); err != nil {
			t.Fatal(err)
		}
		names := stepNames(steps[1], func() {
			if err := ending.EndAtSource(context.Background(), token); err != nil {
				t.Fatal(err)
			}
		})
		for i, name := range names {
			t.Run(fmt.Sprintf("%s, made in the midst of it %s (%d)", how, name, i), func(t *testing.T) {
				making, ending, steps := steppedPair(t)
				resume, made := make(chan struct{}), make(chan error)
				linked := make(chan struct{})
				var key sessionstore.Key
				steps[0].at = func(step string) error {
					if step == "before Create" {
						close(linked)
						<-resume // its names are written down; the rest comes in the midst
					}
					return nil
				}
				go func() {
					var err error
					key, err = arrives(making, steps[0])
					made <- err
				}()
				<-linked
				n := 0
				steps[1].at = func(string) error {
					if n++; n == i+1 {
						close(resume)
						<-made
					}
					return nil
				}
				if err := ending.EndAtSource(context.Background(), token); err != nil {
					t.Error(err)
				}
				wantGone(t, ending, key)
			})
		}
	}
}

func wantGone(t *testing.T, g *gateway, key sessionstore.Key) {
	t.Helper()
	if key == (sessionstore.Key{}) {
		t.Fatal("there was no session")
	}
	if _, err := g.store.Get(t.Context(), key); !errors.Is(err, sessionstore.ErrNotFound) {
		t.Errorf("the session is still there: %v", err)
	}
}

// A store that goes away in the middle, and stays away for a while, must not
// use the token up: nobody else would end the session.
func TestALogoutTokenIsGoodUntilItsWorkIsDone(t *testing.T) {
	for how, token := range signOuts() {
		_, ending, steps := steppedPair(t)
		if _, err := arrives(ending, steps[1]); err != nil {
			t.Fatal(err)
		}
		names := stepNames(steps[1], func() { _ = ending.EndAtSource(context.Background(), token) })
		for i, name := range names {
			t.Run(fmt.Sprintf("%s, the store goes away %s (%d)", how, name, i), func(t *testing.T) {
				_, ending, steps := steppedPair(t)
				key, err := arrives(ending, steps[1])
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				steps[1].at = func(string) error {
					if n++; n > i {
						return errAway
					}
					return nil
				}
				if err := ending.EndAtSource(context.Background(), token); !errors.Is(err, errAway) {
					t.Fatalf("it is answered with %v", err)
				}
				steps[1].at = func(string) error { return nil }
				if err := ending.EndAtSource(context.Background(), token); err != nil && !(errors.Is(err, lifecycle.ErrReplayed) && i == len(names)-1) {
					t.Errorf("the same token once more: %v", err)
				}
				wantGone(t, ending, key)
				if err := ending.EndAtSource(context.Background(), token); !errors.Is(err, lifecycle.ErrReplayed) {
					t.Errorf("a third time: %v", err)
				}
			})
		}
	}
}

// provided is a gateway of whose login a provider may ask for the end, and the
// sessions of one person there.
type provided struct {
	*testing.T
	*gateway
	store *faulty
	login *teller
}

func newProvided(t *testing.T) *provided {
	t.Helper()
	p := &provided{T: t, store: &faulty{Store: memory.New(nil)}, login: new(teller)}
	p.gateway = newGateway(t, p.store, p.login, time.Now, func(c *lifecycle.Config) { c.Providers = []string{"teller"} })
	return p
}

// signedIn begins a session of the person of that sub, of that session of the
// provider's, which may be none.
func (p *provided) signedIn(sub, sid string) sessionstore.Key {
	p.Helper()
	person := entryOf("viewer")
	person.Subject, person.SourceSession = sub, sid
	s, _, err := p.Begin(p.Context(), p.login, person, lifecycle.Arrival{})
	if err != nil {
		p.Fatal(err)
	}
	return s.Key
}

// signsOut is a logout token of the provider.
func (p *provided) signsOut(sub, sid string) {
	p.Helper()
	out := lifecycle.SignOut{Login: "teller", Subject: sub, SessionID: sid, ID: rand.Text(), Expires: time.Now().Add(time.Minute)}
	if err := p.EndAtSource(p.Context(), out); err != nil {
		p.Fatal(err)
	}
}

func (p *provided) want(key sessionstore.Key, lives bool) {
	p.Helper()
	if _, err := p.store.Get(p.Context(), key); (err == nil) != lives {
		p.Errorf("the session: %v; want it to live: %v", err, lives)
	}
}

// told is the last event that was heard of.
func (p *provided) told() lifecycle.Event { return p.ear.heard[len(p.ear.heard)-1] }

// A back-channel logout that is answered with success and ends nothing leaves
// somebody signed in of whom everybody believes that they are out.
func TestALogoutTokenEndsWhatItMeans(t *testing.T) {
	for _, c := range []struct {
		name     string
		sub, sid string // of the session
		outSub   string
		outSid   string
		lives    bool
	}{
		{"by sid, the session of it", "ada", "one", "", "one", false},
		{"by sid and sub, the session of it", "ada", "one", "ada", "one", false},
		{"by sid and sub, one of the sub of which no sid is known", "ada", "", "ada", "one", false},
		{"by sub, one of which no sid is known", "ada", "", "ada", "", false},
		{"by sub, one of any sid", "ada", "one", "ada", "", false},
		{"by sid and sub, not one of the sub of another sid", "ada", "two", "ada", "one", true},
		{"by sid, not one of which no sid is known", "ada", "", "", "one", true},
		{"by sid and sub, not one of another sub", "grace", "", "ada", "one", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvided(t)
			key := p.signedIn(c.sub, c.sid)
			p.signsOut(c.outSub, c.outSid)
			p.want(key, c.lives)
		})
	}
	t.Run("one that was begun before sessions without a sid were linked as such", func(t *testing.T) {
		p := newProvided(t)
		key := p.signedIn("ada", "")
		if err := p.store.Unlink(t.Context(), "lone\x00teller\x00ada", key); err != nil {
			t.Fatal(err)
		}
		p.signsOut("ada", "one")
		p.want(key, false)
	})
	t.Run("one that cannot be opened, for nobody can tell that it has another sid", func(t *testing.T) {
		p := newProvided(t)
		key := p.signedIn("ada", "two")
		p.store.unreadable.Store(true)
		p.signsOut("ada", "one")
		p.store.unreadable.Store(false)
		p.want(key, false)
	})
	t.Run("and says when it ended none of somebody who has sessions", func(t *testing.T) {
		p := newProvided(t)
		p.signedIn("ada", "two")
		p.signsOut("ada", "one")
		if told := p.told(); told.Kind != lifecycle.NoneEndedAtSource || told.Login != "teller" {
			t.Errorf("told of %+v", told)
		}
		p.signsOut("ada", "two")
		if told := p.told(); told.Kind != lifecycle.EndedAtSource || told.Count != 1 {
			t.Errorf("told of %+v", told)
		}
	})
	t.Run("and is not used up when the store could not say which", func(t *testing.T) {
		p := newProvided(t)
		key := p.signedIn("ada", "")
		if err := p.store.Unlink(t.Context(), "lone\x00teller\x00ada", key); err != nil {
			t.Fatal(err)
		}
		out := lifecycle.SignOut{Login: "teller", Subject: "ada", SessionID: "one", ID: "jti", Expires: time.Now().Add(time.Minute)}
		p.store.before = func(method string) { p.store.away.Store(method == "Get") }
		if err := p.EndAtSource(t.Context(), out); !errors.Is(err, errAway) {
			t.Errorf("answered with %v", err)
		}
		p.store.before = nil
		p.store.away.Store(false)
		if err := p.EndAtSource(t.Context(), out); err != nil {
			t.Error(err)
		}
		p.want(key, false)
	})
}

func TestASidThatChangesAtARefreshIsKnownFromThenOn(t *testing.T) {
	refreshTo := func(p *provided, key sessionstore.Key, sid string) error {
		p.login.says(func(context.Context, *sessionstore.Session) (*profile.Person, error) {
			person := entryOf("viewer")
			person.Subject, person.SourceSession = "ada", sid
			return person, nil
		})
		s, err := p.store.Get(p.Context(), key)
		if err != nil {
			p.Fatal(err)
		}
		_, err = p.Refresh(p.Context(), s)
		return err
	}
	for _, before := range []string{"one", ""} {
		for _, by := range []string{"two", before} {
			t.Run(fmt.Sprintf("from %q to two, and ended by %q", before, by), func(t *testing.T) {
				p := newProvided(t)
				key := p.signedIn("ada", before)
				if err := refreshTo(p, key, "two"); err != nil {
					t.Fatal(err)
				}
				if by == "" { // a session that has a sid now is none without
					p.signsOut("ada", "three")
					p.want(key, true)
					return
				}
				p.signsOut("", by)
				p.want(key, false)
			})
		}
	}
	t.Run("it has its name before the session says so", func(t *testing.T) {
		p := newProvided(t)
		key := p.signedIn("ada", "one")
		p.store.before = func(method string) {
			if method == "Update" {
				linked, err := p.store.IsLinked(t.Context(), "sid\x00teller\x00two", key)
				if !linked || err != nil {
					t.Errorf("linked: %v, %v", linked, err)
				}
			}
		}
		if err := refreshTo(p, key, "two"); err != nil {
			t.Error(err)
		}
	})
	t.Run("it ends when the new one was ended in between", func(t *testing.T) {
		p := newProvided(t)
		key := p.signedIn("ada", "one")
		p.signsOut("", "two")
		if err := refreshTo(p, key, "two"); !errors.Is(err, lifecycle.ErrEnded) {
			t.Errorf("answered with %v", err)
		}
		p.want(key, false)
	})
}

// Two providers call their sessions and their people what they like, and one may
// follow the other under the name of one login.
func TestAProviderEndsNoSessionOfAnother(t *testing.T) {
	for name, out := range map[string]lifecycle.SignOut{
		"of its session":                {SessionID: "sid-1"},
		"of its person":                 {Subject: "ada@example.com"},
		"of both":                       {SessionID: "sid-1", Subject: "ada@example.com"},
		"of a person, in another of it": {SessionID: "sid-2", Subject: "ada@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			k, store := newKeeper(), memory.New(nil)
			at := func(whom string) *vouched {
				return newVouched(t, store, k, time.Now,
					ruled("a", func(c *lifecycle.VouchingConfig) { c.Sources = map[string]string{k.Name(): whom} }),
					func(c *lifecycle.Config) { c.Providers = []string{k.Name()} })
			}
			one, other := at("one"), at("another")
			signsIn := func(v *vouched, session string) *person {
				p := k.signsIn()
				p.SourceSession = session
				s, _, err := v.Begin(t.Context(), k, p, lifecycle.Arrival{})
				if err != nil {
					t.Fatal(err)
				}
				return &person{t: t, key: s.Key, session: s}
			}
			named, unnamed, theirs := signsIn(one, "sid-1"), signsIn(one, ""), signsIn(other, "sid-1")
			out.Login, out.ID, out.Expires = k.Name(), "jti", time.Now().Add(time.Minute)
			if err := other.EndAtSource(t.Context(), out); err != nil {
				t.Fatal(err)
			}
			for _, ada := range []*person{named, unnamed} {
				if _, err := one.visit(t.Context(), ada.key); err != nil {
					t.Errorf("a session of the other provider: %v", err)
				}
			}
			if _, err := other.visit(t.Context(), theirs.key); (err == nil) != (out.SessionID == "sid-2") {
				t.Errorf("its own session: %v", err)
			}
			signsIn(one, "sid-1")
		})
	}
}

// A provider may call its session something else at every refresh.
func TestLinksOfFormerNamesAreGoneWithTheSession(t *testing.T) {
	k, store := newKeeper(), memory.New(nil)
	v := newVouched(t, store, k, time.Now, ruled("a"), func(c *lifecycle.Config) { c.Providers = []string{k.Name()} })
	linked := func() (n int) {
		for i := range 5 {
			keys, err := store.Linked(t.Context(), fmt.Sprintf("sid\x00keeper\x00sid-%d", i))
			if err != nil {
				t.Fatal(err)
			}
			n += len(keys)
		}
		return n
	}
	k.source = "sid-0"
	ada := v.signsIn(t, k)
	for i := 1; i < 5; i++ {
		v.refreshes(t, k, ada, func(k *keeper) { k.source = fmt.Sprintf("sid-%d", i) })
	}
	if n := linked(); n != 5 {
		t.Fatalf("it has %d names, for any of them may end", n)
	}
	if err := v.End(t.Context(), ada.key); err != nil {
		t.Fatal(err)
	}
	if n := linked(); n != 0 {
		t.Errorf("%d are left", n)
	}
}
