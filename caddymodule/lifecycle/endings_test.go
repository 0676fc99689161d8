package lifecycle_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// ending is what was told of the end of one session.
type ending struct {
	key    sessionstore.Key
	why    string
	userID int64
	login  string
}

// endings are those that were heard of, in order; each is told of by who asked for it.
func (e *ear) endings(t *testing.T, by lifecycle.Asker) (told []ending) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.heard {
		if h.Kind != lifecycle.SessionEnded {
			continue
		}
		if h.Count != 1 || h.Client != by.Client || h.Path != by.Path {
			t.Errorf("told of %d, by who asks from %v for %q", h.Count, h.Client, h.Path)
		}
		told = append(told, ending{h.Session, h.Result, h.UserID, h.Login})
	}
	return told
}

// whoAsks is who has sessions end in these tests.
var whoAsks = lifecycle.Asker{Client: netip.MustParseAddr("192.0.2.7"), UserID: 1, Method: "POST", Host: "a.example", Path: "/auth/x"}

// Wherever a session ends, it is told once: whose it was, why, and by which request.
func TestEachEndOfASessionIsToldOnce(t *testing.T) {
	type told = func(t *testing.T, ctx context.Context) (*ear, []ending)
	withStore := func(do func(c changedSecret, ctx context.Context) []ending) told {
		return func(t *testing.T, ctx context.Context) (*ear, []ending) {
			t.Helper()
			c := newChangedSecret(t)
			return c.ear, do(c, ctx)
		}
	}
	for name, c := range map[string]struct {
		does told
		by   lifecycle.Asker
	}{
		"who signs out, twice": {withStore(func(c changedSecret, ctx context.Context) []ending {
			key := c.signedIn(1, "register")
			for range 2 {
				_, err := c.EndAll(ctx, []sessionstore.Key{key})
				c.must(err)
			}
			return []ending{{key, lifecycle.EndSignedOut, 1, "register"}}
		}), whoAsks},
		"who signs out of what cannot be read": {withStore(func(c changedSecret, ctx context.Context) []ending {
			key := c.former.signedIn(1, "register")
			_, err := c.EndAll(ctx, []sessionstore.Key{key, sessionstore.NewSecret(1).Key()})
			c.must(err)
			return []ending{{key, lifecycle.EndSignedOut, 0, ""}}
		}), whoAsks},
		"who signs other devices out, of which one cannot be read": {withStore(func(c changedSecret, ctx context.Context) []ending {
			one, other := c.signedIn(1, "register"), c.former.signedIn(1, "register")
			c.must(errors.Join(c.End(ctx, one), c.End(ctx, other), c.End(ctx, sessionstore.NewSecret(1).Key())))
			return []ending{{one, lifecycle.EndDevice, 1, "register"}, {other, lifecycle.EndDevice, 1, ""}}
		}), whoAsks},
		"who signs all others out": {withStore(func(c changedSecret, ctx context.Context) []ending {
			own, one, other := c.signedIn(1, "register"), c.signedIn(1, "register"), c.former.signedIn(1, "register")
			c.must(c.EndOthers(ctx, c.session(own)))
			return []ending{{one, lifecycle.EndOthers, 1, "register"}, {other, lifecycle.EndOthers, 1, ""}}
		}), whoAsks},
		"who starts over": {withStore(func(c changedSecret, ctx context.Context) []ending {
			read, other := c.signedIn(1, "register"), c.former.signedIn(1, "register")
			_, _, err := c.EndUnreadable(ctx, []sessionstore.Key{read, other})
			c.must(err)
			return []ending{{other, lifecycle.EndStartOver, 0, ""}}
		}), whoAsks},
		"whom a file of people knows no longer": {withStore(func(c changedSecret, ctx context.Context) []ending {
			one, other := c.signedIn(1, "register"), c.former.signedIn(1, "register")
			c.EndPerson("register", 1, nil)
			c.WorkOff(ctx)
			return []ending{{one, lifecycle.EndPersonGone, 1, "register"}, {other, lifecycle.EndPersonGone, 1, "register"}}
		}), whoAsks},
		"whom a source knows no longer when it is asked again": {withStore(func(c changedSecret, ctx context.Context) []ending {
			key := c.signedIn(1, "register")
			delete(c.known, 1)
			if _, err := c.Refresh(ctx, c.session(key)); !errors.Is(err, lifecycle.ErrEnded) {
				c.Errorf("the refresh ends with %v", err)
			}
			return []ending{{key, lifecycle.EndRefused, 1, "register"}}
		}), lifecycle.Asker{}}, // it goes on behind whoever asks
		"who signs in again": {withStore(func(c changedSecret, ctx context.Context) []ending {
			key := c.signedIn(1, "register")
			_, _, err := c.Begin(ctx, c.known, &profile.Person{ID: 1, Email: "ada@example.com"}, lifecycle.Arrival{Presented: []sessionstore.Key{key}})
			c.must(err)
			return []ending{{key, lifecycle.EndReplaced, 1, "register"}}
		}), whoAsks},
		"who has more sessions than they may": {func(t *testing.T, ctx context.Context) (*ear, []ending) {
			t.Helper()
			g, clock := limited(t, false)
			first := g.settled(t, new(teller))
			clock.forward(time.Second)
			g.settled(t, new(teller))
			if _, _, err := g.Begin(ctx, new(teller), entryOf("viewer"), lifecycle.Arrival{}); err != nil {
				t.Fatal(err)
			}
			return g.ear, []ending{{first.key, lifecycle.EndForRoom, 1, "teller"}}
		}, whoAsks},
		"whose provider asks for it": {func(t *testing.T, ctx context.Context) (*ear, []ending) {
			t.Helper()
			g := newGateway(t, memory.New(nil), sso{}, time.Now, fromSSO)
			s, _, err := g.Begin(t.Context(), sso{}, &profile.Person{ID: 1, Subject: "ada", Email: "ada@example.com"}, lifecycle.Arrival{})
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"first", "second"} {
				if err := g.EndAtSource(ctx, lifecycle.SignOut{Login: "sso", Subject: "ada", ID: id, Expires: time.Now().Add(time.Minute)}); err != nil {
					t.Fatal(err)
				}
			}
			return g.ear, []ending{{s.Key, lifecycle.EndAtSource, 1, "sso"}}
		}, whoAsks},
		"who is not vouched for in two minutes": {func(t *testing.T, ctx context.Context) (*ear, []ending) {
			t.Helper()
			k, clock := newKeeper(), new(watch)
			g := newVouched(t, memory.New(clock.now), k, clock.now, ruled("a"))
			ada := g.signsIn(t, k)
			k.set(func(k *keeper) { k.disabled = true })
			if _, err := g.visit(ctx, ada.key); err == nil {
				t.Error("it is served")
			}
			clock.forward(3 * time.Minute)
			g.WorkOff(ctx)
			g.WorkOff(ctx)
			return g.ear, []ending{{ada.key, lifecycle.EndUnvouched, 1, "keeper"}}
		}, whoAsks},
		"of a sign-in that came to nothing nobody is told": {func(t *testing.T, ctx context.Context) (*ear, []ending) {
			t.Helper()
			k := newKeeper()
			g := newVouched(t, memory.New(nil), k, time.Now, ruled("a"))
			person := k.signsIn()
			k.set(func(k *keeper) { k.disabled = true })
			if _, _, err := g.Begin(ctx, k, person, lifecycle.Arrival{}); !errors.Is(err, login.ErrRefused) {
				t.Errorf("it ends with %v", err)
			}
			return g.ear, nil
		}, whoAsks},
	} {
		t.Run(name, func(t *testing.T) {
			heard, want := c.does(t, lifecycle.AskedBy(t.Context(), whoAsks))
			got := heard.endings(t, c.by)
			sorted := func(a, b ending) int { return slices.Compare([]byte(a.key.Encode()), []byte(b.key.Encode())) }
			slices.SortFunc(got, sorted)
			slices.SortFunc(want, sorted)
			if !slices.Equal(got, want) {
				t.Errorf("told of %v; want %v", got, want)
			}
		})
	}
}

// A role that a refresh gives or takes is told, and what stays the same is not.
func TestOtherRightsOfASessionAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		says func(*teller)
		want []string
	}{
		"other roles":           {func(l *teller) { l.grants("editor", "admin") }, []string{`roles +["editor" "admin"] -["viewer"]`}},
		"the same":              {func(l *teller) { l.grants("viewer") }, nil},
		"what cannot be mapped": {func(l *teller) { l.fails(&profile.Unmapped{Err: errTrouble}) }, []string{`roles -["viewer"]`}},
		"no answer":             {func(l *teller) { l.fails(errTrouble) }, nil},
		"an account to look after": {func(l *teller) {
			l.says(func(context.Context, *sessionstore.Session) (*profile.Person, error) {
				p := entryOf("viewer")
				p.Accounts[0].AccountAdmin = true
				return p, nil
			})
		}, []string{`administers +["acme"]`}},
	} {
		t.Run(name, func(t *testing.T) {
			l := new(teller)
			g := newGateway(t, memory.New(nil), l, time.Now)
			ada := g.settled(t, l)
			c.says(l)
			for range 2 {
				_, _ = ada.refresh(g)
			}
			var told []string
			for _, e := range g.ear.heard {
				if e.Kind == lifecycle.RightsChanged {
					told = append(told, e.Result)
					if e.UserID != 1 || e.Session != ada.key || e.Login != "teller" {
						t.Errorf("told of %+v", e)
					}
				}
			}
			if !slices.Equal(told, c.want) {
				t.Errorf("told is %q; want %q", told, c.want)
			}
		})
	}
}

// Another tab that signs in at once has no session of its own, and is told of all the same.
func TestASignInThatFindsItsSessionIsTold(t *testing.T) {
	g := newGateway(t, memory.New(nil), sso{}, time.Now)
	p := &profile.Person{ID: 1, Subject: "ada", Email: "ada@example.com"}
	first, _, err := g.Begin(t.Context(), sso{}, p, lifecycle.Arrival{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.Begin(t.Context(), sso{}, p, lifecycle.Arrival{Beside: []*sessionstore.Session{first}}); err != nil {
		t.Fatal(err)
	}
	if e := g.ear.heard[len(g.ear.heard)-1]; e.Kind != lifecycle.BeganBefore || e.Session != first.Key || e.UserID != 1 {
		t.Errorf("told of %+v", e)
	}
}

func (c changedSecret) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// unconfirmed ends what it is asked to, and says that it has failed: no replica has
// confirmed it, or the answer came too late.
type unconfirmed struct{ sessionstore.Store }

func (u unconfirmed) Revoke(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	_, _ = u.Store.Revoke(ctx, key)
	return nil, errAway
}

func (u unconfirmed) RevokeUser(ctx context.Context, userID int64, except ...sessionstore.Key) (int, error) {
	_, _ = u.Store.RevokeUser(ctx, userID, except...)
	return 0, errAway
}

func TestAnEndThatIsAnsweredWithAnErrorIsToldIfItTookEffect(t *testing.T) {
	for name, c := range map[string]struct {
		end func(g *gateway, one, other *person) error
		why string
	}{
		"of who signs out": {func(g *gateway, _, other *person) error {
			_, err := g.EndAll(t.Context(), []sessionstore.Key{other.key})
			return err
		}, lifecycle.EndSignedOut},
		"of another device": {func(g *gateway, _, other *person) error { return g.End(t.Context(), other.key) }, lifecycle.EndDevice},
		"of all others":     {func(g *gateway, one, _ *person) error { return g.EndOthers(t.Context(), one.session) }, lifecycle.EndOthers},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, unconfirmed{memory.New(nil)}, new(teller), time.Now)
			one, other := g.settled(t, new(teller)), g.settled(t, new(teller))
			for range 2 { // people try again
				if err := c.end(g, one, other); !errors.Is(err, errAway) {
					t.Errorf("the answer is %v", err)
				}
			}
			if told, want := g.ear.endings(t, lifecycle.Asker{}), []ending{{other.key, c.why, 1, "teller"}}; !slices.Equal(told, want) {
				t.Errorf("told is %v; want %v", told, want)
			}
		})
	}
}

// overtaken has one of a person's sessions ended by somebody else just before all are.
type overtaken struct {
	sessionstore.Store
	first *sessionstore.Key
}

func (o overtaken) RevokeUser(ctx context.Context, userID int64, except ...sessionstore.Key) (int, error) {
	_, _ = o.Store.Revoke(ctx, *o.first)
	return o.Store.RevokeUser(ctx, userID, except...)
}

func TestOfOthersThatEndMeanwhileNoneIsToldTwice(t *testing.T) {
	var first sessionstore.Key
	g := newGateway(t, overtaken{memory.New(nil), &first}, new(teller), time.Now)
	one, other := g.settled(t, new(teller)), g.settled(t, new(teller))
	g.settled(t, new(teller))
	first = other.key
	if err := g.EndOthers(t.Context(), one.session); err != nil {
		t.Fatal(err)
	}
	var told int
	for _, e := range g.ear.heard {
		if e.Kind == lifecycle.SessionEnded {
			told += e.Count
		}
	}
	if told != 1 {
		t.Errorf("told is of %d; want 1: who ended the other tells of that", told)
	}
}
