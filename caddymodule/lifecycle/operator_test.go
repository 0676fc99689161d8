package lifecycle_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// shop is a store that operators look through, and that stops where a test says so.
type shop struct {
	*memory.Store
	stop func(ended int) error
	// lost says that an end's answer does not come, though all is done, and unheard
	// that nothing else is answered behind it.
	lost, unheard bool
	// unsettled says that no replica has heard of anything.
	unsettled bool
	fails     int    // so many ends fail, and end nothing
	before    func() // what happens before an end
}

func (s *shop) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	if s.unheard {
		return nil, errAway
	}
	return s.Store.Get(ctx, key)
}

func (s *shop) Revoke(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	was, err := s.Store.Revoke(ctx, key)
	if s.unsettled {
		return nil, sessionstore.ErrUnconfirmed
	}
	return was, err
}

func (s *shop) RevokeFound(ctx context.Context, found ...sessionstore.Found) (int, error) {
	if s.before != nil && len(found) > 0 {
		s.before()
	}
	switch {
	case s.fails > 0 && len(found) > 0:
		s.fails--
		return 0, errAway
	case s.unsettled:
		n, _ := s.Store.RevokeFound(ctx, found...)
		return n, sessionstore.ErrUnconfirmed
	case s.lost && len(found) > 0:
		_, _ = s.Store.RevokeFound(ctx, found...)
		return 0, errAway
	case s.stop == nil || len(found) == 0:
		return s.Store.RevokeFound(ctx, found...)
	}
	n, err := s.Store.RevokeFound(ctx, found[:1]...)
	if stopped := s.stop(n); stopped != nil {
		err = stopped
	}
	return n, err
}

// operated are sessions that an operator looks through.
type operated struct {
	*gateway
	shop   *shop
	leaver *leaver
}

func newOperated(t *testing.T) *operated {
	o := &operated{shop: &shop{Store: memory.New(time.Now)}, leaver: &leaver{told: make(chan *profile.Kept, 10_000)}}
	o.gateway = newGateway(t, o.shop, o.leaver, time.Now, func(c *lifecycle.Config) { c.Browser, c.Providers = o.shop, []string{"teller"} })
	return o
}

// begin signs somebody in, with a cookie that the app has to be told of.
func (o *operated) begin(t *testing.T, id int64, email string) *sessionstore.Session {
	t.Helper()
	p := entryOf("viewer")
	p.ID, p.Email, p.Kept = id, email, &profile.Kept{UpstreamCookies: []string{email}}
	s, _, err := o.Begin(t.Context(), o.leaver, p, lifecycle.Arrival{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.visit(t.Context(), s.Key); err != nil { // which has the near cache hold it
		t.Fatal(err)
	}
	return s
}

func (o *operated) alive(s *sessionstore.Session) bool {
	_, err := o.near.Get(context.Background(), s.Key)
	return err == nil
}

// operator's are the events of what operators do.
func (o *operated) operators() []lifecycle.Event {
	o.ear.mu.Lock()
	defer o.ear.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(o.ear.heard), func(e lifecycle.Event) bool { return e.Kind != lifecycle.EndedByOperator })
}

func TestAnOperatorEndsWhatTheyAskFor(t *testing.T) {
	const by = "local 127.0.0.1"
	for name, c := range map[string]struct {
		asked lifecycle.Asked
		ends  []string
		event lifecycle.Event
	}{
		"a person's":          {lifecycle.Asked{UserID: 1}, []string{"ada", "ada"}, lifecycle.Event{Count: 2, UserID: 1, Login: "teller"}},
		"those of an address": {lifecycle.Asked{Email: "ada@example.com"}, []string{"ada", "ada"}, lifecycle.Event{Count: 2, UserID: 1, Login: "teller"}},
		"one of an address":   {lifecycle.Asked{Email: "grace@example.com"}, []string{"grace"}, lifecycle.Event{Count: 1, UserID: 2, Login: "teller"}},
		"a login's":           {lifecycle.Asked{Login: "teller"}, []string{"ada", "ada", "grace"}, lifecycle.Event{Count: 3, Login: "teller"}},
		"another login's":     {lifecycle.Asked{Login: "sso"}, nil, lifecycle.Event{Login: "sso"}},
		"nobody's":            {lifecycle.Asked{UserID: 7}, nil, lifecycle.Event{UserID: 7}},
		"everybody's":         {lifecycle.Asked{All: true}, []string{"ada", "ada", "grace"}, lifecycle.Event{Count: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOperated(t)
				var dropped []sessionstore.Key
				o.ended = func(key sessionstore.Key) { dropped = append(dropped, key) }
				lives := map[*sessionstore.Session]string{
					o.begin(t, 1, "ada@example.com"): "ada", o.begin(t, 1, "ada@example.com"): "ada", o.begin(t, 2, "grace@example.com"): "grace",
				}
				done, err := lifecycle.NewOperators(o.Sessions).End(t.Context(), by, c.asked)
				if err != nil || done != (lifecycle.OperatorEnded{Ended: len(c.ends)}) {
					t.Errorf("%+v, %v", done, err)
				}
				maps.DeleteFunc(lives, func(s *sessionstore.Session, _ string) bool { return o.alive(s) })
				if got := slices.Sorted(maps.Values(lives)); !slices.Equal(got, c.ends) {
					t.Errorf("the sessions of %v have ended; want %v", got, c.ends)
				}
				if len(dropped) != len(c.ends) {
					t.Errorf("of %d is told who keeps something for them; want %d", len(dropped), len(c.ends))
				}
				for s := range lives {
					if linked, err := o.shop.IsLinked(t.Context(), "lone\x00teller\x00"+s.Subject, s.Key); linked || err != nil {
						t.Errorf("its name is still known: %v", err)
					}
				}
				o.Finish(t.Context())
				if got := len(o.leaver.told); got != len(c.ends) {
					t.Errorf("the app was told of %d; want %d", got, len(c.ends))
				}
				want := c.event
				want.Kind, want.Result, want.Name = lifecycle.EndedByOperator, by, c.asked.String()
				if want.Count == 1 {
					want.Session = dropped[0]
				}
				if got := o.operators(); !slices.Equal(got, []lifecycle.Event{want}) {
					t.Errorf("told of %+v; want %+v", got, want)
				}
			})
		})
	}
}

func TestOneSessionIsEndedByAnOperatorOnce(t *testing.T) {
	o := newOperated(t)
	s := o.begin(t, 1, "ada@example.com")
	for i, want := range []bool{true, false} {
		found, err := lifecycle.NewOperators(o.Sessions).EndOne(t.Context(), "CN=ops", sessionstore.Found{Key: s.Key, Session: s})
		if err != nil || found != want || o.alive(s) {
			t.Errorf("%d: %v, %v", i, found, err)
		}
	}
	want := lifecycle.Event{Kind: lifecycle.EndedByOperator, Result: "CN=ops", Count: 1, UserID: 1, Login: "teller", Session: s.Key}
	if got := o.operators(); !slices.Equal(got, []lifecycle.Event{want}) {
		t.Errorf("told of %+v; want %+v", got, want)
	}
}

// The app hears of those that have ended when the store fails half-way, and of no others.
func TestAnEndThatTheStoreBreaksOffIsToldAsFarAsItCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperated(t)
		var all []*sessionstore.Session
		for range 3 {
			all = append(all, o.begin(t, 1, "ada@example.com"))
		}
		o.shop.stop = func(int) error { return errAway }
		done, err := lifecycle.NewOperators(o.Sessions).End(t.Context(), "local", lifecycle.Asked{All: true})
		if !errors.Is(err, errAway) || done.Ended != 1 {
			t.Errorf("%+v, %v", done, err)
		}
		dead := slices.DeleteFunc(all, o.alive)
		if len(dead) != 1 {
			t.Fatalf("%d have ended; want 1", len(dead))
		}
		if e := o.operators(); len(e) != 1 || e[0].Count != 1 || e[0].Session != dead[0].Key || !errors.Is(e[0].Err, errAway) {
			t.Errorf("told of %+v; want of the one that has ended", e)
		}
		o.Finish(t.Context())
		if n := len(o.leaver.told); n != 1 {
			t.Errorf("the app was told of %d", n)
		}
	})
}

// An operator would have to ask again for each page.
func TestWhatKeepsAnEndFromSomeKeepsItFromNoOthers(t *testing.T) {
	const many = 1300 // three pages
	for name, c := range map[string]struct {
		shop func(s *shop)
		want error
		left int
	}{
		"no replica confirms it": {func(s *shop) { s.unsettled = true }, sessionstore.ErrUnconfirmed, 0},
		"the answers are lost":   {func(s *shop) { s.lost = true }, errAway, 0},
		"of each page one ends":  {func(s *shop) { s.stop = func(int) error { return errAway } }, errAway, many - 3},
		"the first page fails":   {func(s *shop) { s.fails = 1 }, errAway, 500},
		"page after page fails":  {func(s *shop) { s.fails = 10 }, errAway, many},
		"no replica confirms it, and then a page fails": {func(s *shop) {
			s.unsettled = true
			pages := 0
			s.before = func() {
				if pages++; pages == 2 {
					s.fails = 1
				}
			}
		}, errAway, 500},
		"nothing keeps it at all": {func(*shop) {}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOperated(t)
				for range many {
					o.begin(t, 1, "ada@example.com")
				}
				c.shop(o.shop)
				done, err := lifecycle.NewOperators(o.Sessions).End(t.Context(), "local", lifecycle.Asked{All: true})
				if !errors.Is(err, c.want) || done.Ended != many-c.left || done.Untold {
					t.Errorf("%+v, %v; want %d ended, %v", done, err, many-c.left, c.want)
				}
				if n, err := o.shop.Count(t.Context()); n != c.left || err != nil {
					t.Errorf("%d are left, %v; want %d", n, err, c.left)
				}
				o.Finish(t.Context())
			})
		})
	}
}

// Of two of which one was ended by somebody else it is not known which.
func TestNobodyIsToldOfASessionThatMayNotHaveEnded(t *testing.T) {
	o := newOperated(t)
	one := o.begin(t, 1, "ada@example.com")
	o.begin(t, 1, "ada@example.com")
	o.shop.before = func() {
		if _, err := o.shop.Store.Revoke(t.Context(), one.Key); err != nil {
			t.Error(err)
		}
	}
	done, err := lifecycle.NewOperators(o.Sessions).End(t.Context(), "local", lifecycle.Asked{UserID: 1})
	if err != nil || done.Ended != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if e := o.operators(); len(e) != 1 || e[0].Count != 1 || e[0].Session != (sessionstore.Key{}) || e[0].UserID != 1 {
		t.Errorf("told of %+v; want of none by its name", e)
	}
}

func TestOneSessionThatDoesNotEndIsToldOfAsWhatWasAskedFor(t *testing.T) {
	o := newOperated(t)
	s := o.begin(t, 1, "ada@example.com")
	o.shop.fails = 1
	found, err := lifecycle.NewOperators(o.Sessions).EndOne(t.Context(), "local", sessionstore.Found{Key: s.Key, Session: s})
	if found || !errors.Is(err, errAway) {
		t.Errorf("%v, %v", found, err)
	}
	if e := o.operators(); len(e) != 1 || e[0].Count != 0 || e[0].Session != (sessionstore.Key{}) || e[0].Name != "id="+s.Key.ID() {
		t.Errorf("told of %+v", e)
	}
}

// The connection may break when the store has done it.
func TestAnEndWhoseAnswerIsLostCountsWhatHasEnded(t *testing.T) {
	for name, c := range map[string]struct {
		unheard bool
		want    lifecycle.OperatorEnded
	}{
		"the store answers afterwards":         {false, lifecycle.OperatorEnded{Ended: 2}},
		"the store answers nothing afterwards": {true, lifecycle.OperatorEnded{Untold: true}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperated(t)
			o.begin(t, 1, "ada@example.com")
			o.begin(t, 1, "ada@example.com")
			o.shop.lost, o.shop.unheard = true, c.unheard
			done, err := lifecycle.NewOperators(o.Sessions).End(t.Context(), "local", lifecycle.Asked{UserID: 1})
			if !errors.Is(err, errAway) || done != c.want {
				t.Errorf("%+v, %v; want %+v", done, err, c.want)
			}
			if e := o.operators(); len(e) != 1 || e[0].Count != c.want.Ended || !errors.Is(e[0].Err, errAway) {
				t.Errorf("told of %+v", e)
			}
		})
	}
}

// Whoever repeats an end that no replica has confirmed finds nothing to end.
func TestAnEndOfNothingIsConfirmedLikeAnyOther(t *testing.T) {
	for name, asked := range map[string]lifecycle.Asked{
		"a person's": {UserID: 1}, "an address's": {Email: "ada@example.com"}, "a login's": {Login: "teller"}, "everybody's": {All: true},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperated(t)
			s := o.begin(t, 1, "ada@example.com")
			o.shop.unsettled = true
			by := lifecycle.NewOperators(o.Sessions)
			for i, want := range []int{1, 0} {
				if done, err := by.End(t.Context(), "local", asked); !errors.Is(err, sessionstore.ErrUnconfirmed) || done.Ended != want || done.Untold {
					t.Errorf("%d: %+v, %v", i, done, err)
				}
			}
			if linked, err := o.shop.IsLinked(t.Context(), "lone\x00teller\x00"+s.Subject, s.Key); !linked || err != nil {
				t.Errorf("its source cannot ask for it again: %v", err)
			}
			if err := by.Settle(t.Context(), asked.UserID); !errors.Is(err, sessionstore.ErrUnconfirmed) {
				t.Errorf("that there is none is settled: %v", err)
			}
			o.shop.unsettled = false
			if done, err := by.End(t.Context(), "local", asked); err != nil || done != (lifecycle.OperatorEnded{}) {
				t.Errorf("once they have confirmed it: %+v, %v", done, err)
			}
		})
	}
}

// A line for each of a hundred thousand would be a flood.
func TestTooManyFarewellsAreOneEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperated(t)
		o.leaver.told = make(chan *profile.Kept) // the app is stuck
		const crowd = 5500
		for range crowd {
			o.begin(t, 1, "ada@example.com")
		}
		if done, err := lifecycle.NewOperators(o.Sessions).End(t.Context(), "local", lifecycle.Asked{UserID: 1}); done.Ended != crowd || err != nil {
			t.Errorf("%+v, %v", done, err)
		}
		told := 0
		for _, e := range o.ear.heard {
			if e.Kind == lifecycle.NotTold {
				told++
				if e.Login != "teller" || e.Session != (sessionstore.Key{}) || e.Count == 0 || e.Err == nil {
					t.Errorf("told of %+v", e)
				}
			}
		}
		if told == 0 || told > 20 {
			t.Errorf("%d events", told)
		}
		for range 5000 {
			<-o.leaver.told
		}
		o.Finish(t.Context())
	})
}

func TestAStoreThatCannotBeLookedThroughSaysSo(t *testing.T) {
	o := lifecycle.NewOperators(newGateway(t, memory.New(time.Now), new(teller), time.Now).Sessions)
	if _, err := o.End(t.Context(), "local", lifecycle.Asked{All: true}); err == nil {
		t.Error("it has ended them")
	}
	if _, err := o.EndOne(t.Context(), "local", sessionstore.Found{}); err == nil {
		t.Error("it has ended one")
	}
}

// A gateway that was cut off from the store writes late that somebody was active: what an
// operator has ended must not live again by that.
func TestAnOperatorsEndReachesSessionsThatAreKeptForLateActivity(t *testing.T) {
	for name, end := range map[string]func(o *operated, by *lifecycle.Operators, s *sessionstore.Session) (ended bool, err error){
		"all": func(o *operated, by *lifecycle.Operators, _ *sessionstore.Session) (bool, error) {
			done, err := by.End(context.Background(), "local", lifecycle.Asked{All: true})
			return done != (lifecycle.OperatorEnded{}), err
		},
		"a person's": func(o *operated, by *lifecycle.Operators, _ *sessionstore.Session) (bool, error) {
			done, err := by.End(context.Background(), "local", lifecycle.Asked{UserID: 1})
			return done != (lifecycle.OperatorEnded{}), err
		},
		"one": func(o *operated, by *lifecycle.Operators, s *sessionstore.Session) (bool, error) {
			f, _, err := o.shop.FindID(context.Background(), s.Key.ID())
			if err != nil {
				return false, err
			}
			return by.EndOne(context.Background(), "local", f)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOperated(t)
				var dropped []sessionstore.Key
				o.ended = func(key sessionstore.Key) { dropped = append(dropped, key) }
				s := o.begin(t, 1, "ada@example.com")
				<-time.After(50 * time.Minute)
				seen := time.Now()
				<-time.After(11 * time.Minute)
				if o.alive(s) {
					t.Fatal("it has not ended idle")
				}
				if ended, err := end(o, lifecycle.NewOperators(o.Sessions), s); ended || err != nil {
					t.Errorf("it counts as ended by the operator: %v, %v", ended, err)
				}
				if !slices.Equal(dropped, []sessionstore.Key{s.Key}) {
					t.Errorf("of %d is told who keeps something for them; want it", len(dropped))
				}
				if err := o.shop.Touch(t.Context(), s, seen); !errors.Is(err, sessionstore.ErrNotFound) || o.alive(s) {
					t.Errorf("late activity is answered with %v", err)
				}
				if linked, err := o.shop.IsLinked(t.Context(), "lone\x00teller\x00"+s.Subject, s.Key); linked || err != nil {
					t.Errorf("its name is still known: %v", err)
				}
				if o.Finish(t.Context()); len(o.leaver.told) != 0 {
					t.Error("the app was told, of a session that had ended idle")
				}
			})
		})
	}
}
