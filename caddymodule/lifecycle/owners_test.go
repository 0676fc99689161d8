package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// at is a login of that name that does nothing.
type at string

func (l at) Name() string { return string(l) }

const (
	issuer     = "https://sso.example.com"
	newIssuer  = "https://login.example.com"
	firstGiven = lifecycle.FirstNumber + 1
)

// owned are sessions where a number is one person, of the logins users and legacy,
// which number their people themselves, and sso and intranet, of one provider.
func owned(t testing.TB, store sessionstore.Store, edits ...func(*lifecycle.People)) *gateway {
	t.Helper()
	return newGateway(t, store, nil, time.Now, func(c *lifecycle.Config) {
		c.Logins = []login.Method{at("users"), at("legacy"), at("sso"), at("intranet")}
		c.People = lifecycle.People{
			Keys:    [][]byte{[]byte("present")},
			Issuers: map[string]string{"users": "", "legacy": "", "sso": issuer, "intranet": issuer},
		}
		for _, edit := range edits {
			edit(&c.People)
		}
	})
}

// same has the people of those be the same.
func same(names ...string) func(*lifecycle.People) {
	return func(p *lifecycle.People) { p.Same = append(p.Same, names) }
}

// under has digests be made with those keys.
func under(keys ...string) func(*lifecycle.People) {
	return func(p *lifecycle.People) {
		p.Keys = nil
		for _, key := range keys {
			p.Keys = append(p.Keys, []byte(key))
		}
	}
}

// comer is somebody who signs in.
type comer struct {
	login, issuer, subject string
	number                 int64
}

func of(number int64, login, subject string) comer { return comer{login, "", subject, number} }

func ofSSO(number int64, login, subject string) comer { return comer{login, issuer, subject, number} }

func (c comer) person() *profile.Person {
	p := &profile.Person{ID: c.number, Email: c.subject + "@example.com", Subject: c.subject, Issuer: c.issuer}
	if c.issuer != "" {
		p.Kept = &profile.Kept{Facts: profile.Facts{"token": map[string]any{"iss": c.issuer}}}
	}
	return p
}

func (c comer) comes(ctx context.Context, g *gateway) (*sessionstore.Session, error) {
	s, _, err := g.Begin(ctx, at(c.login), c.person(), lifecycle.Arrival{})
	return s, err
}

// isLetIn demands that they are, and returns their session.
func (c comer) isLetIn(t testing.TB, g *gateway) *sessionstore.Session {
	t.Helper()
	s, err := c.comes(t.Context(), g)
	if err != nil {
		t.Fatalf("%+v is answered with %v", c, err)
	}
	return s
}

// isRefused demands that the number is somebody else's, and what is told of it.
func (c comer) isRefused(t testing.TB, g *gateway, kind lifecycle.Kind, belongsTo string) {
	t.Helper()
	if _, err := c.comes(t.Context(), g); !errors.Is(err, lifecycle.ErrNumberTaken) {
		t.Fatalf("%+v is answered with %v", c, err)
	}
	last := g.ear.heard[len(g.ear.heard)-1]
	if want := (lifecycle.Event{Kind: kind, Login: c.login, UserID: c.number, Result: belongsTo}); last != want {
		t.Errorf("told of %+v; want %+v", last, want)
	}
}

// heldBefore is a session of the person from before owners were noted.
func (c comer) heldBefore(t testing.TB, store sessionstore.Store, ago time.Duration) *sessionstore.Session {
	t.Helper()
	s := c.isLetIn(t, owned(t, memory.New(nil), under())).Clone()
	s.Version, s.CreatedAt = 0, s.CreatedAt.Add(-ago)
	if _, err := store.Create(t.Context(), s, sessionstore.Limit{}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestANumberIsOnePerson(t *testing.T) {
	for _, c := range []struct {
		name      string
		first     comer
		then      comer
		as        []func(*lifecycle.People)
		belongsTo string
		letIn     bool
	}{
		{"and another login's of the same number is another", of(7, "users", "ada"), of(7, "legacy", "grace"), nil, "users", false},
		{"and another login's of the same name too", of(7, "users", "ada"), of(7, "legacy", "ada"), nil, "users", false},
		{"and of one login it is the same, whatever else that calls them", of(7, "legacy", "ada"), of(7, "legacy", "ada.lovelace"), nil, "", true},
		{"and of one provider it is the same, through whichever login", ofSSO(7, "sso", "ada"), ofSSO(7, "intranet", "ada"), nil, "", true},
		{"and of one provider another subject is another", ofSSO(7, "sso", "ada"), ofSSO(7, "sso", "mallory"), nil, "sso", false},
		{"and a provider's is no login's", ofSSO(7, "sso", "ada"), of(7, "legacy", "ada"), nil, "sso", false},
		{"and a login's is no provider's", of(7, "legacy", "ada"), ofSSO(7, "sso", "ada"), nil, "legacy", false},
		{"and another issuer's is another", comer{"sso", newIssuer, "ada", 7}, ofSSO(7, "sso", "ada"), nil, "", false},
		{"and a login's that is gone is another", of(7, "staff", "ada"), of(7, "users", "ada"), nil, "", false},
		{"and where two logins are the same people it is theirs", of(7, "users", "ada"), of(7, "legacy", "grace"),
			[]func(*lifecycle.People){same("legacy", "users")}, "", true},
		{"and where a provider is the same people too", of(7, "users", "ada"), ofSSO(7, "sso", "a-1"),
			[]func(*lifecycle.People){same("users", "sso")}, "", true},
		{"and a third login is not the same for that", of(7, "users", "ada"), ofSSO(7, "sso", "a-1"),
			[]func(*lifecycle.People){same("users", "legacy")}, "users", false},
		{"and where a login had another name it is theirs", of(7, "staff", "ada"), of(7, "users", "ada"),
			[]func(*lifecycle.People){same("users", "staff")}, "", true},
		{"and where an issuer has moved it is theirs", comer{"sso", newIssuer, "ada", 7}, ofSSO(7, "sso", "ada"),
			[]func(*lifecycle.People){same("sso", newIssuer)}, "", true},
		{"and where a provider has given them another subject it is theirs, if that is said", ofSSO(7, "sso", "ada"), ofSSO(7, "sso", "a-2"),
			[]func(*lifecycle.People){same("sso", issuer)}, "", true},
		{"and under a new secret still is", of(7, "users", "ada"), of(7, "legacy", "grace"),
			[]func(*lifecycle.People){under("new", "present")}, "users", false},
		{"and what was noted under a secret that is gone says nothing", of(7, "users", "ada"), of(7, "legacy", "grace"),
			[]func(*lifecycle.People){under("new")}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := memory.New(nil)
			s := c.first.isLetIn(t, owned(t, store))
			// With no session left the number is theirs all the same.
			if _, err := store.Revoke(t.Context(), s.Key); err != nil {
				t.Fatal(err)
			}
			g := owned(t, store, c.as...)
			if c.letIn {
				c.then.isLetIn(t, g)
				return
			}
			c.then.isRefused(t, g, lifecycle.NumberTaken, c.belongsTo)
			if left, err := store.List(t.Context(), 7); err != nil || len(left) > 0 {
				t.Errorf("%d sessions were begun, %v", len(left), err)
			}
			c.first.isLetIn(t, g)
		})
	}
}

func TestANewSecretKeepsWhoseANumberIs(t *testing.T) {
	store, ada := memory.New(nil), of(7, "users", "ada")
	ada.isLetIn(t, owned(t, store, under("old")))
	ada.isLetIn(t, owned(t, store, under("new", "old"))) // who has signed in since is known by the new one alone
	if _, err := store.RevokeUser(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	of(7, "legacy", "grace").isRefused(t, owned(t, store, under("new")), lifecycle.NumberTaken, "users")
}

func TestWhoHasASessionOfANumberFromBeforeIsFirst(t *testing.T) {
	ada, grace := of(7, "users", "ada"), of(7, "legacy", "grace")
	moved := comer{"gone", newIssuer, "ada", 7}
	for _, c := range []struct {
		name        string
		held        []comer // the oldest session first
		first, then comer
		belongsTo   string
	}{
		{"whoever comes first", []comer{ada}, ada, grace, "users"},
		{"before anybody who comes before them", []comer{ada}, comer{}, grace, "users"},
		{"and the oldest, where two have one", []comer{ada, grace}, comer{}, grace, "users"},
		{"also through a provider", []comer{ofSSO(7, "sso", "ada")}, ofSSO(7, "intranet", "ada"), ofSSO(7, "sso", "mallory"), "sso"},
		{"also through a login that is gone, whose provider is not", []comer{{"gone", issuer, "ada", 7}}, ofSSO(7, "sso", "ada"), grace, "sso"},
		{"also through a login that is gone", []comer{moved}, comer{}, grace, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := memory.New(nil)
			var sessions []*sessionstore.Session
			for i, h := range c.held {
				sessions = append(sessions, h.heldBefore(t, store, time.Duration(10-i)*time.Minute))
			}
			g := owned(t, store)
			if c.first != (comer{}) {
				c.first.isLetIn(t, g)
			}
			c.then.isRefused(t, g, lifecycle.NumberTaken, c.belongsTo)
			for i, s := range sessions {
				if _, err := store.Revoke(t.Context(), s.Key); err != nil {
					t.Fatal(err)
				}
				if i == 0 { // for good, not for the session's time
					c.then.isRefused(t, g, lifecycle.NumberTaken, c.belongsTo)
				}
			}
			if c.held[0] != moved {
				c.held[0].isLetIn(t, g)
			}
		})
	}
}

func TestANumberThatWasHandedOutIsNoOtherSources(t *testing.T) {
	ada := ofSSO(0, "sso", "ada") // given the first number
	squatter := of(firstGiven, "legacy", "grace")
	t.Run("also before its person has come again since owners are noted", func(t *testing.T) {
		store := memory.New(nil)
		ada.heldBefore(t, store, time.Hour)
		if _, err := store.Number(t.Context(), issuer+"\x00ada"); err != nil {
			t.Fatal(err)
		}
		if _, err := store.RevokeUser(t.Context(), firstGiven); err != nil {
			t.Fatal(err)
		}
		g := owned(t, store)
		squatter.isRefused(t, g, lifecycle.NumberReserved, "")
		if s := ada.isLetIn(t, g); s.User.ID != firstGiven {
			t.Errorf("the number is %d", s.User.ID)
		}
		squatter.isRefused(t, g, lifecycle.NumberTaken, "sso")
	})
	t.Run("but its person's, who is told of it by their provider", func(t *testing.T) {
		store := memory.New(nil)
		if _, err := store.Number(t.Context(), issuer+"\x00ada"); err != nil {
			t.Fatal(err)
		}
		ofSSO(firstGiven, "sso", "ada").isLetIn(t, owned(t, store))
		ofSSO(firstGiven, "sso", "mallory").isRefused(t, owned(t, store), lifecycle.NumberTaken, "sso")
	})
	t.Run("but theirs who are said to be the same people", func(t *testing.T) {
		store := memory.New(nil)
		g := owned(t, store, same("sso", "legacy"))
		ada.isLetIn(t, g)
		squatter.isLetIn(t, g)
	})
	t.Run("and a session of it that another source has begun before is not in the way of its person", func(t *testing.T) {
		store := memory.New(nil)
		if _, err := store.Number(t.Context(), issuer+"\x00ada"); err != nil {
			t.Fatal(err)
		}
		squatter.heldBefore(t, store, time.Hour)
		g := owned(t, store)
		if s := ada.isLetIn(t, g); s.User.ID != firstGiven {
			t.Errorf("the number is %d", s.User.ID)
		}
		squatter.isRefused(t, g, lifecycle.NumberTaken, "sso")
	})
	t.Run("and who took the next one shuts nobody out, who is given another, and that for good", func(t *testing.T) {
		store := memory.New(nil)
		g := owned(t, store)
		squatter.isLetIn(t, g)
		for range 2 {
			if s := ada.isLetIn(t, g); s.User.ID == firstGiven || s.User.ID != firstGiven+1 {
				t.Errorf("the number is %d", s.User.ID)
			}
		}
		squatter.isLetIn(t, g)
	})
	t.Run("and one that nobody was given is anybody's", func(t *testing.T) {
		g := owned(t, memory.New(nil))
		far := of(lifecycle.FirstNumber+1_000_000, "legacy", "grace")
		far.isLetIn(t, g)
		far.isLetIn(t, g)
		of(far.number, "users", "ada").isRefused(t, g, lifecycle.NumberTaken, "legacy")
	})
}

func TestOfTwoWhoComeAtOnceWithOneNumberOneIsLetIn(t *testing.T) {
	g := owned(t, memory.New(nil))
	var letIn, refused [2]atomic.Int64
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			_, err := of(7, []string{"users", "legacy"}[i%2], "ada").comes(context.Background(), g)
			switch {
			case err == nil:
				letIn[i%2].Add(1)
			case errors.Is(err, lifecycle.ErrNumberTaken):
				refused[i%2].Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if letIn[0].Load()+refused[1].Load() != 32 && letIn[1].Load()+refused[0].Load() != 32 {
		t.Errorf("through the one login %d are let in, through the other %d", letIn[0].Load(), letIn[1].Load())
	}
}

// unsure is a store that cannot tell whose a number is.
type unsure struct {
	sessionstore.Store
	own            int // times that it does not answer
	list, numbered bool
	claimed        []sessionstore.Claim
}

func (st *unsure) Own(ctx context.Context, c sessionstore.Claim) (string, error) {
	st.claimed = append(st.claimed, c)
	if st.own > 0 {
		st.own--
		return "", errAway
	}
	return st.Store.Own(ctx, c)
}

func (st *unsure) List(ctx context.Context, userID int64) ([]*sessionstore.Session, error) {
	if st.list {
		return nil, errAway
	}
	return st.Store.List(ctx, userID)
}

func (st *unsure) Numbered(ctx context.Context, n int64) (bool, error) {
	if st.numbered {
		return false, errAway
	}
	return st.Store.Numbered(ctx, n)
}

func TestWhoCannotBeToldApartIsNotLetInAndNotRefused(t *testing.T) {
	ada := of(7, "users", "ada")
	for name, c := range map[string]struct {
		trouble func(*unsure)
		who     comer
		before  bool
	}{
		"when the store cannot say whose the number is":  {func(st *unsure) { st.own = 1 }, ada, false},
		"when it cannot say whose a given number is":     {func(st *unsure) { st.own = 1 }, ofSSO(0, "sso", "ada"), false},
		"when it cannot say who has a session of it":     {func(st *unsure) { st.list = true }, ada, true},
		"when it cannot say whether it was given":        {func(st *unsure) { st.numbered = true }, of(firstGiven, "users", "ada"), false},
		"when it cannot say so of what is known already": {func(st *unsure) { st.own = 1 }, of(firstGiven, "users", "ada"), false},
	} {
		t.Run(name, func(t *testing.T) {
			st := &unsure{Store: memory.New(nil)}
			if c.before {
				c.who.heldBefore(t, st, time.Minute)
			}
			c.trouble(st)
			g := owned(t, st)
			_, err := c.who.comes(t.Context(), g)
			if !errors.Is(err, errAway) || errors.Is(err, lifecycle.ErrNumberTaken) {
				t.Errorf("answered with %v", err)
			}
			if len(g.ear.heard) > 0 || !slices.Equal(g.ear.troubles, []string{"a sign-in could not be finished"}) {
				t.Errorf("told of %v and %q", g.ear.kinds(), g.ear.troubles)
			}
			st.own, st.list, st.numbered = 0, false, false
			c.who.isLetIn(t, g)
		})
	}
}

func TestASignInAsksOnceWhoseTheNumberIsAndTellsNothingOfThePerson(t *testing.T) {
	st := &unsure{Store: memory.New(nil)}
	g := owned(t, st)
	for _, who := range []comer{of(7, "users", "ada"), ofSSO(8, "sso", "ada"), ofSSO(0, "sso", "grace")} {
		for range 2 {
			st.claimed = nil
			who.isLetIn(t, g)
			if len(st.claimed) != 1 {
				t.Fatalf("asked %d times for %+v", len(st.claimed), who)
			}
			for _, told := range []string{who.subject, who.login, "example.com"} {
				if strings.Contains(st.claimed[0].Owner, told) {
					t.Errorf("the store is told %q", st.claimed[0].Owner)
				}
			}
		}
	}
}

// An earlier gateway lets two have one number, and shares the store.
func TestNobodySeesOrEndsWhatAnotherOfTheSameNumberHasFromBefore(t *testing.T) {
	store := memory.New(nil)
	grace, older := of(7, "legacy", "grace").heldBefore(t, store, time.Minute), of(7, "users", "ada").heldBefore(t, store, time.Hour)
	g := owned(t, store)
	ada := of(7, "users", "ada").isLetIn(t, g)
	own, err := g.Of(t.Context(), ada)
	if err != nil || len(own) != 2 || own[0].Key == grace.Key || own[1].Key == grace.Key {
		t.Errorf("listed are %v, %v", own, err)
	}
	if _, found, err := g.Find(t.Context(), ada, grace.Key.ID()); found || err != nil {
		t.Errorf("another's is found: %v, %v", found, err)
	}
	if err := g.EndOthers(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	left, err := store.List(t.Context(), 7)
	if err != nil || len(left) != 2 || left[0].Key == older.Key || left[1].Key == older.Key {
		t.Errorf("there are left %v, %v", left, err)
	}
	if err := g.EndOthers(t.Context(), grace); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get(t.Context(), ada.Key); err != nil {
		t.Errorf("the other's has ended: %v", err)
	}
	both := owned(t, store, same("users", "legacy"))
	if own, err := both.Of(t.Context(), ada); err != nil || len(own) != 2 {
		t.Errorf("listed are %v, %v where they are the same people", own, err)
	}
}

func TestASessionThatIsBuiltAnewTakesNobodysNumber(t *testing.T) {
	store, tells := memory.New(nil), new(teller)
	tells.grants("editor")
	g := newGateway(t, store, tells, time.Now, func(c *lifecycle.Config) { c.People.Keys = [][]byte{[]byte("key")} })
	of(7, "users", "grace").isLetIn(t, g)
	ada := g.settled(t, tells)
	tells.says(func(context.Context, *sessionstore.Session) (*profile.Person, error) {
		p := entryOf("editor")
		p.ID = 7
		return p, nil
	})
	if _, err := ada.refresh(g); !errors.Is(err, lifecycle.ErrEnded) {
		t.Errorf("answered with %v", err)
	}
	ada.wantGone(g)
	if left, err := store.List(t.Context(), 7); err != nil || len(left) != 1 {
		t.Errorf("the other has %d sessions, %v", len(left), err)
	}
}
