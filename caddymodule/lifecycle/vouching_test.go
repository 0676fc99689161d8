package lifecycle_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/nearcache"
)

// keeper is a login that keeps its people itself, of whom ada is one.
type keeper struct {
	mu         sync.Mutex
	gone       bool
	disabled   bool
	subject    string
	hash       string
	entry      string
	roles      []string
	partial    bool  // a source would know more
	recall     error // instead of a person
	rebuild    error // too
	accounts   []sessionstore.Account
	email      string
	attributes map[string]string
	source     string // its session
	rebuilt    int
	meets      func() // is called when somebody signs in, once they are known
}

func newKeeper() *keeper {
	return &keeper{
		email: "ada@example.com", subject: "ada@example.com", hash: "first", entry: "1", roles: []string{"editor"},
		accounts: []sessionstore.Account{{AccountID: "acme", AccountAdmin: true}, {AccountID: "globex"}},
	}
}

func (*keeper) Name() string { return "keeper" }

// set changes what the login knows.
func (k *keeper) set(change func(k *keeper)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(k)
}

func (k *keeper) person() *profile.Person {
	return &profile.Person{
		ID: 1, Email: k.email, Subject: k.subject, Attributes: maps.Clone(k.attributes), SourceSession: k.source, Roles: slices.Clone(k.roles), Accounts: slices.Clone(k.accounts),
		Standing: profile.Standing{PasswordHash: k.hash, Entry: k.entry},
	}
}

func (k *keeper) Vouch(s *sessionstore.Session) (profile.Standing, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.gone || s.Subject != k.subject:
		return profile.Standing{}, login.ErrUnknown
	case k.disabled:
		return profile.Standing{}, login.ErrRefused
	}
	return k.person().Standing, nil
}

func (k *keeper) Recall(*sessionstore.Session) (*profile.Person, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.recall != nil {
		return nil, false, k.recall
	}
	return k.person(), !k.partial, nil
}

func (k *keeper) Rebuild(_ context.Context, s *sessionstore.Session) (*profile.Person, error) {
	if _, err := k.Vouch(s); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rebuilt++
	if k.rebuild != nil {
		return nil, k.rebuild
	}
	return k.person(), nil
}

// signsIn is what the login says of ada when she has proved who she is.
func (k *keeper) signsIn() *profile.Person {
	k.mu.Lock()
	p := k.person()
	k.mu.Unlock()
	if k.meets != nil {
		k.meets()
	}
	return p
}

// vouched is a gateway with one login and what it vouches by.
type vouched struct {
	*gateway
	vouching *lifecycle.Vouching
}

// ruled is a configuration whose rules are called that, where editors have the
// permission of that name.
func ruled(rules string, edits ...func(*lifecycle.VouchingConfig)) lifecycle.VouchingConfig {
	c := lifecycle.VouchingConfig{Rules: map[string]string{"keeper": rules}, Keys: [][]byte{[]byte("key")}}
	c.Roles, _ = profile.NewRoles([]profile.Role{{Name: "editor", Includes: []string{"reader"}, Permissions: []string{rules}}})
	for _, edit := range edits {
		edit(&c)
	}
	return c
}

func newVouched(t testing.TB, store sessionstore.Store, m login.Method, now func() time.Time, c lifecycle.VouchingConfig, edits ...func(*lifecycle.Config)) *vouched {
	t.Helper()
	e := new(ear)
	c.Events, c.Now = e, now
	if m != nil {
		c.Logins = []login.Method{m}
	}
	v := &vouched{vouching: lifecycle.NewVouching(c)}
	near := nearcache.New(store, nearcache.Options{TTL: time.Hour, Unknown: -1, Now: now, Vouch: v.vouching.Of})
	edits = append([]func(*lifecycle.Config){func(l *lifecycle.Config) {
		l.Vouching, l.Roles, l.RefreshEvery, l.Events = v.vouching, c.Roles, 0, e
	}}, edits...)
	v.gateway = newGatewayBehind(t, near, store, m, now, edits...)
	v.ear = e
	return v
}

// signsIn begins ada's session.
func (v *vouched) signsIn(t testing.TB, k *keeper) *person {
	t.Helper()
	s, _, err := v.Begin(t.Context(), k, k.signsIn(), lifecycle.Arrival{})
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, key: s.Key, session: s}
}

// noes are what makes a login say no of somebody.
func noes() map[string]func(k *keeper) {
	return map[string]func(k *keeper){
		"is disabled":                        func(k *keeper) { k.disabled = true },
		"is removed":                         func(k *keeper) { k.gone = true },
		"has another password":               func(k *keeper) { k.hash = "second" },
		"lost their number to somebody else": func(k *keeper) { k.subject = "bob@example.com" },
	}
}

func TestWhoIsNoLongerVouchedForIsNotServed(t *testing.T) {
	for name, no := range noes() {
		t.Run("who "+name, func(t *testing.T) {
			k, clock := newKeeper(), new(watch)
			g := newVouched(t, memory.New(clock.now), k, clock.now, ruled("a"))
			ada := g.signsIn(t, k)
			k.set(no)
			for range 3 {
				if _, err := g.visit(t.Context(), ada.key); !errors.Is(err, sessionstore.ErrNotHere) {
					t.Fatalf("answered with %v", err)
				}
			}
			g.WorkOff(t.Context())
			if ada.now(g.gateway) == nil {
				t.Error("it has ended at once: this gateway may be the one that is behind")
			}
			clock.forward(3 * time.Minute) // whether or not it is presented again
			g.WorkOff(t.Context())
			ada.wantGone(g.gateway)
			if _, err := g.visit(t.Context(), ada.key); !errors.Is(err, sessionstore.ErrNotFound) {
				t.Errorf("after a while, answered with %v", err)
			}
			if got, want := g.ear.kinds(), []lifecycle.Kind{lifecycle.Began, lifecycle.Doubted, lifecycle.SessionEnded, lifecycle.Ended}; !slices.Equal(got, want) {
				t.Errorf("told of %q", got)
			}
		})
	}
}

// A session that is presented at the moment that its person's are ended has one
// end, which is told once.
func TestTheEndOfASessionIsToldOnce(t *testing.T) {
	k, clock := newKeeper(), new(watch)
	g := newVouched(t, memory.New(clock.now), k, clock.now, ruled("a"))
	ada := g.signsIn(t, k)
	k.set(func(k *keeper) { k.disabled = true })
	for range 2 {
		if _, err := g.visit(t.Context(), ada.key); err == nil {
			t.Fatal("it is served")
		}
		clock.forward(3 * time.Minute)
		g.EndPerson(k.Name(), 1, nil)
		g.WorkOff(t.Context())
	}
	if got := g.ear.kinds(); !slices.Equal(got, []lifecycle.Kind{lifecycle.Began, lifecycle.Doubted, lifecycle.SessionEnded, lifecycle.Ended}) {
		t.Errorf("told of %q", got)
	}
}

// troubled is a store whose Get answers with that error, when there is one.
type troubled struct {
	sessionstore.Store
	of  sessionstore.Key // of that session alone, unless it is zero
	err error
}

func (s *troubled) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	if s.err != nil && (s.of == key || s.of == sessionstore.Key{}) {
		return nil, s.err
	}
	return s.Store.Get(ctx, key)
}

// doubtedTwice is a gateway that has two of ada's sessions in doubt for long
// enough to end them.
func doubtedTwice(t *testing.T) (g *vouched, store *troubled, one, two *person) {
	t.Helper()
	k, clock := newKeeper(), new(watch)
	store = &troubled{Store: memory.New(clock.now)}
	g = newVouched(t, store, k, clock.now, ruled("a"))
	one, two = g.signsIn(t, k), g.signsIn(t, k)
	k.set(func(k *keeper) { k.gone = true })
	for _, p := range []*person{one, two} {
		if _, err := g.visit(t.Context(), p.key); !errors.Is(err, sessionstore.ErrNotHere) {
			t.Fatalf("answered with %v", err)
		}
	}
	clock.forward(3 * time.Minute)
	return g, store, one, two
}

func TestADoubtOutlivesAStoreThatIsAway(t *testing.T) {
	g, store, one, two := doubtedTwice(t)
	store.err = errAway
	g.WorkOff(t.Context())
	store.err = nil
	g.WorkOff(t.Context())
	one.wantGone(g.gateway)
	two.wantGone(g.gateway)
}

// One record that cannot be read any more must keep no other session alive.
func TestADoubtedSessionThatCannotBeReadEndsAndKeepsNoOther(t *testing.T) {
	for name, of := range map[string]func(one, two *person) *person{
		"the first":  func(one, _ *person) *person { return one },
		"the second": func(_, two *person) *person { return two },
	} {
		t.Run(name, func(t *testing.T) {
			g, store, one, two := doubtedTwice(t)
			store.of, store.err = of(one, two).key, sessionstore.ErrUnknownKey
			g.WorkOff(t.Context())
			store.err = nil
			one.wantGone(g.gateway)
			two.wantGone(g.gateway)
		})
	}
}

// A users file reaches one gateway before another: who was just added must not
// be signed out by the one that has yet to read of them.
func TestAGatewayThatHasYetToHearOfSomebodyEndsNothing(t *testing.T) {
	k, clock := newKeeper(), new(watch)
	g := newVouched(t, memory.New(clock.now), k, clock.now, ruled("a"))
	ada := g.signsIn(t, k)
	for range 3 {
		k.set(func(k *keeper) { k.gone = true })
		if _, err := g.visit(t.Context(), ada.key); !errors.Is(err, sessionstore.ErrNotHere) {
			t.Fatalf("meanwhile, answered with %v", err)
		}
		k.set(func(k *keeper) { k.gone = false })
		clock.forward(90 * time.Second)
		if _, err := g.visit(t.Context(), ada.key); err != nil {
			t.Fatalf("then, answered with %v", err)
		}
		g.near.Drop(ada.key)
	}
	g.WorkOff(t.Context())
	ada.wantRoles(g.gateway, "editor", "reader")
}

func TestANewSecretEndsNobody(t *testing.T) {
	k, store := newKeeper(), memory.New(nil)
	before := newVouched(t, store, k, time.Now, ruled("a"))
	ada := before.signsIn(t, k)
	after := newVouched(t, store, k, time.Now, ruled("a", func(c *lifecycle.VouchingConfig) {
		c.Keys = [][]byte{[]byte("new"), []byte("key")}
	}))
	if _, err := after.visit(t.Context(), ada.key); err != nil {
		t.Error(err)
	}
	without := newVouched(t, store, k, time.Now, ruled("a", func(c *lifecycle.VouchingConfig) { c.Keys = [][]byte{[]byte("new")} }))
	if _, err := without.visit(t.Context(), ada.key); err != nil {
		t.Errorf("without the former one, which a store in memory does without, answered with %v", err)
	}
	k.set(func(k *keeper) { k.hash = "second" })
	after.near.Drop(ada.key)
	if _, err := after.visit(t.Context(), ada.key); !errors.Is(err, sessionstore.ErrNotHere) {
		t.Errorf("with another password, under the former one, answered with %v", err)
	}
}

func TestTheSessionKeepsNoPasswordHash(t *testing.T) {
	k := newKeeper()
	g := newVouched(t, memory.New(nil), k, time.Now, ruled("a"))
	s := g.signsIn(t, k).now(g.gateway)
	if s.Grounds == nil || s.Grounds.Password == "" || s.Grounds.Password == "first" {
		t.Fatalf("its grounds are %+v", s.Grounds)
	}
	other := newVouched(t, memory.New(nil), k, time.Now, ruled("a", func(c *lifecycle.VouchingConfig) { c.Keys = [][]byte{[]byte("other")} }))
	if again := other.signsIn(t, k).now(other.gateway); again.Grounds.Password == s.Grounds.Password {
		t.Error("its digest needs no key")
	}
}

// For another gateway may know the login.
func TestASessionOfALoginThatIsNotConfiguredHereIsRefusedAndStays(t *testing.T) {
	k, store := newKeeper(), memory.New(nil)
	there := newVouched(t, store, k, time.Now, ruled("a"))
	here := newVouched(t, store, nil, time.Now, ruled("a"))
	ada, again := there.signsIn(t, k), there.signsIn(t, k)
	for _, p := range []*person{ada, again, ada} {
		if _, err := here.visit(t.Context(), p.key); !errors.Is(err, sessionstore.ErrNotHere) {
			t.Errorf("answered with %v", err)
		}
	}
	here.WorkOff(t.Context())
	if _, err := there.visit(t.Context(), ada.key); err != nil {
		t.Error(err)
	}
	if got := here.ear.kinds(); !slices.Equal(got, []lifecycle.Kind{lifecycle.LoginUnknown}) {
		t.Errorf("told of %q; want once for the login", got)
	}
}

func TestASessionOfBeforeIsNotEndedForWantOfGrounds(t *testing.T) {
	k, clock := newKeeper(), new(watch)
	store := memory.New(clock.now)
	ada := newGateway(t, store, nil, clock.now).settledAs(t, k)
	g := newVouched(t, store, k, clock.now, ruled("a"))
	k.set(func(k *keeper) { k.hash = "second" })
	e, err := g.near.Lookup(t.Context(), ada.key)
	if err != nil || e.Session.View != nil || ada.now(g.gateway).Grounds != nil {
		t.Fatalf("served is %+v, %v", e, err)
	}
	if _, err := g.Refresh(t.Context(), e.Session); err != nil {
		t.Fatal(err)
	}
	if now := ada.now(g.gateway); now.Grounds.BuiltUnder() == "" || now.Grounds.Password == "" {
		t.Errorf("after a rebuild its grounds are %+v", now.Grounds)
	}
	k.set(func(k *keeper) { k.disabled = true })
	g.near.Drop(ada.key)
	if _, err := g.visit(t.Context(), ada.key); !errors.Is(err, sessionstore.ErrNotHere) {
		t.Errorf("who is disabled is answered with %v", err)
	}
}

// settledAs signs ada in where nothing is vouched by.
func (g *gateway) settledAs(t testing.TB, k *keeper) *person {
	t.Helper()
	s, _, err := g.Begin(t.Context(), k, k.signsIn(), lifecycle.Arrival{})
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, key: s.Key, session: s}
}

func TestWhoIsNoLongerVouchedForWhileTheySignIn(t *testing.T) {
	for name, no := range noes() {
		t.Run("since they were asked for "+name+", has no session", func(t *testing.T) {
			k := newKeeper()
			g := newVouched(t, memory.New(nil), k, time.Now, ruled("a"))
			k.meets = func() { k.set(no) }
			_, _, err := g.Begin(t.Context(), k, k.signsIn(), lifecycle.Arrival{})
			if !errors.Is(err, login.ErrRefused) {
				t.Errorf("answered with %v", err)
			}
			if own, err := g.store.List(t.Context(), 1); err != nil || len(own) > 0 {
				t.Errorf("left behind are %d sessions, %v", len(own), err)
			}
			if got := g.ear.kinds(); !slices.Equal(got, []lifecycle.Kind{lifecycle.RefusedMeanwhile}) {
				t.Errorf("told of %q", got)
			}
		})
	}
}

func TestWhatARetiredConfigurationHasBegunIsDecidedByTheOneInForce(t *testing.T) {
	denied := &profile.Refused{Why: "require"}
	for _, c := range []struct {
		name    string
		inForce func(k *keeper) *lifecycle.Vouching
		want    error
		told    lifecycle.Kind
	}{
		{"which vouches for them", func(k *keeper) *lifecycle.Vouching {
			return newVouched(t, memory.New(nil), k, time.Now, ruled("b")).vouching
		}, nil, lifecycle.Began},
		{"where they are disabled", func(*keeper) *lifecycle.Vouching {
			now := newKeeper()
			now.disabled = true
			return newVouched(t, memory.New(nil), now, time.Now, ruled("b")).vouching
		}, login.ErrRefused, lifecycle.RefusedMeanwhile},
		{"which does not admit them", func(*keeper) *lifecycle.Vouching {
			now := newKeeper()
			now.recall = denied
			return newVouched(t, memory.New(nil), now, time.Now, ruled("b")).vouching
		}, denied, lifecycle.NotAdmitted},
		{"which does not have the login", func(*keeper) *lifecycle.Vouching {
			return newVouched(t, memory.New(nil), nil, time.Now, ruled("b")).vouching
		}, lifecycle.ErrAskAgain, lifecycle.Overtaken},
		{"when there is none", func(*keeper) *lifecycle.Vouching { return nil }, lifecycle.ErrAskAgain, lifecycle.Overtaken},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKeeper()
			g := newVouched(t, memory.New(nil), k, time.Now, ruled("a"), func(l *lifecycle.Config) {
				l.InForce = func() *lifecycle.Vouching { return c.inForce(k) }
			})
			_, _, err := g.Begin(t.Context(), k, k.signsIn(), lifecycle.Arrival{})
			if !errors.Is(err, c.want) {
				t.Errorf("answered with %v", err)
			}
			if own, err := g.store.List(t.Context(), 1); err != nil || (len(own) > 0) != (c.want == nil) {
				t.Errorf("there are %d sessions, %v", len(own), err)
			}
			if got := g.ear.kinds(); !slices.Equal(got, []lifecycle.Kind{c.told}) || len(g.ear.troubles) > 0 {
				t.Errorf("told of %q, %q", got, g.ear.troubles)
			}
		})
	}
}

func TestASignOutNeedsNobodyToVouch(t *testing.T) {
	k := newKeeper()
	g := newVouched(t, memory.New(nil), k, time.Now, ruled("a"), func(l *lifecycle.Config) {
		l.InForce = func() *lifecycle.Vouching { return nil }
	})
	ada := newVouched(t, g.store, k, time.Now, ruled("a")).signsIn(t, k)
	k.set(func(k *keeper) { k.gone = true })
	if err := g.End(t.Context(), ada.key); err != nil {
		t.Error(err)
	}
	ada.wantGone(g.gateway)
}

// Who comes to nothing must end no other session for room.
func TestASignInThatComesToNothingEndsNoOther(t *testing.T) {
	k := newKeeper()
	one := func(c *lifecycle.Config) { c.MaxSessions = 1 }
	g := newVouched(t, memory.New(nil), k, time.Now, ruled("a"), one)
	ada := g.signsIn(t, k)
	retired := newVouched(t, g.store, k, time.Now, ruled("a"), one, func(l *lifecycle.Config) {
		l.InForce = func() *lifecycle.Vouching { return nil }
	})
	if _, _, err := retired.Begin(t.Context(), k, k.signsIn(), lifecycle.Arrival{}); !errors.Is(err, lifecycle.ErrAskAgain) {
		t.Errorf("answered with %v", err)
	}
	ada.wantRoles(g.gateway, "editor", "reader")
}

// What a retired configuration demands is not demanded by the one in force.
func TestARefreshThatARetiredConfigurationHasBegunEndsNothing(t *testing.T) {
	k := newKeeper()
	g := newVouched(t, memory.New(nil), k, time.Now, ruled("a"))
	ada := g.signsIn(t, k)
	retired := newVouched(t, g.store, k, time.Now, ruled("a"), func(l *lifecycle.Config) {
		l.InForce = func() *lifecycle.Vouching { return g.vouching }
	})
	s := retired.served(t, ada)
	k.set(func(k *keeper) { k.disabled = true })
	if _, err := retired.Refresh(t.Context(), s); !errors.Is(err, lifecycle.ErrAskAgain) {
		t.Errorf("answered with %v", err)
	}
	if ada.now(g.gateway) == nil {
		t.Error("the session has ended")
	}
}

// A login that has only its name from another would serve that one's people as
// its own, with what it knows of people of the same number.
func TestALoginThatAsksSomebodyElseVouchesForNobodyOfBefore(t *testing.T) {
	k, store := newKeeper(), memory.New(nil)
	asking := func(whom string) lifecycle.VouchingConfig {
		return ruled("a", func(c *lifecycle.VouchingConfig) { c.Sources = map[string]string{"keeper": whom} })
	}
	before := newVouched(t, store, k, time.Now, asking("one"))
	ada := before.signsIn(t, k)
	other := newVouched(t, store, k, time.Now, asking("another"))
	if _, err := other.visit(t.Context(), ada.key); !errors.Is(err, sessionstore.ErrNotHere) {
		t.Errorf("answered with %v", err)
	}
	// Nor does a change of its people touch those of the other.
	other.RebuildPerson(k.Name(), 1)
	other.EndPerson(k.Name(), 1, nil)
	other.WorkOff(t.Context())
	if _, err := before.visit(t.Context(), ada.key); err != nil || k.rebuilt != 0 {
		t.Errorf("there, answered with %v, after %d rebuilds", err, k.rebuilt)
	}
}

// A secret that seals nothing any more may go: no digest is left that nobody can
// look at, or another password would go unseen.
func TestADigestIsMadeAnewWithTheSeal(t *testing.T) {
	k, store := newKeeper(), memory.New(nil)
	keys := func(names ...string) lifecycle.VouchingConfig {
		return ruled("a", func(c *lifecycle.VouchingConfig) {
			c.Keys = nil
			for _, name := range names {
				c.Keys = append(c.Keys, []byte(name))
			}
		})
	}
	ada := newVouched(t, store, k, time.Now, keys("old")).signsIn(t, k)
	both := newVouched(t, store, k, time.Now, keys("new", "old"))
	if _, err := both.ChooseAccount(t.Context(), both.served(t, ada), "globex"); err != nil {
		t.Fatal(err)
	}
	after := newVouched(t, store, k, time.Now, keys("new"))
	if _, err := after.visit(t.Context(), ada.key); err != nil {
		t.Fatal(err)
	}
	k.set(func(k *keeper) { k.hash = "second" })
	after.near.Drop(ada.key)
	if _, err := after.visit(t.Context(), ada.key); !errors.Is(err, sessionstore.ErrNotHere) {
		t.Errorf("with another password, answered with %v", err)
	}
}
