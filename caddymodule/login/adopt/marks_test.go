package adopt

import (
	"errors"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

var (
	one, two = []byte(strings.Repeat("1", 32)), []byte(strings.Repeat("2", 32))
	zoe      = Presented{{"sid", "zoe"}}
	parts    = Presented{{"sid_0", "a"}, {"sid_1", "b"}}

	somebody = Owner{Login: "old", Subject: "zoe@example.com", Emails: []string{"zoe@example.com"}}
)

// marksOf are those of gateways with these keys, in one store.
func marksOf(t *testing.T, now *time.Time, rings ...[][]byte) (all []*Marks) {
	t.Helper()
	clock := func() time.Time { return *now }
	store := memory.New(clock)
	for _, keys := range rings {
		all = append(all, NewMarks(store, keys, clock))
	}
	return all
}

func TestACookieIsMarkedUntilThen(t *testing.T) {
	now := time.Now()
	m := marksOf(t, &now, [][]byte{one})[0]
	key := sessionstore.NewSecret(1).Key()
	if _, made, err := m.Session(t.Context(), zoe); made || err != nil {
		t.Fatalf("before: %v, %v", made, err)
	}
	if err := m.Mark(t.Context(), zoe, somebody, key, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, made, err := m.Session(t.Context(), zoe); got != key || !made || err != nil {
			t.Errorf("then: %v, %v", made, err)
		}
		now = now.Add(time.Hour) // at the end it is not yet forgotten, for clocks that disagree
	}
	now = now.Add(24 * time.Hour) // whoever moves the date revives none that has ended
	if _, made, err := m.Session(t.Context(), zoe); !made || err != nil {
		t.Errorf("a day later: %v, %v", made, err)
	}
	now = now.Add(400 * 24 * time.Hour) // no browser has it by now
	if _, made, err := m.Session(t.Context(), zoe); made || err != nil {
		t.Errorf("after: %v, %v", made, err)
	}
}

// The session is found by what was there when it was made and by nothing else, and
// none of it is adopted another time.
func TestWhichCookiesNameTheSessionAndWhichAreSpent(t *testing.T) {
	now := time.Now()
	m := marksOf(t, &now, [][]byte{one})[0]
	key := sessionstore.NewSecret(1).Key()
	if err := m.Mark(t.Context(), parts, somebody, key, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		p           Presented
		made, spent bool
	}{
		{"all of them", parts, true, false},
		{"one alone", parts[:1], false, true},
		{"one beside another value", Presented{{"sid_0", "a"}, {"sid_1", "x"}}, false, true},
		{"all, and one more", Presented{{"sid_0", "a"}, {"sid_1", "b"}, {"sid_2", "c"}}, false, true},
		{"a value under another's name", Presented{{"sid_0", "b"}}, false, false},
		{"two that are written together alike", Presented{{"sid_0", "a\x00sid_1"}, {"b", ""}}, false, false},
		{"others", zoe, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, made, err := m.Session(t.Context(), c.p)
			if made != c.made || made && got != key || errors.Is(err, ErrSpent) != c.spent {
				t.Errorf("%v, %v", made, err)
			}
		})
	}
}

// While a secret is replaced, gateways with the former one, with both, and with the
// new one alone stand beside each other.
func TestMarksAreKnownWhileASecretIsReplaced(t *testing.T) {
	now := time.Now()
	for name, rings := range map[string][2][][]byte{
		"from the former to both":        {{one}, {two, one}},
		"from both to the former":        {{two, one}, {one}},
		"from both to the new one":       {{two, one}, {two}},
		"from the new one to both":       {{two}, {two, one}},
		"where the former was the first": {{one, two}, {two, one}},
	} {
		t.Run(name, func(t *testing.T) {
			m := marksOf(t, &now, rings[0], rings[1])
			key := sessionstore.NewSecret(1).Key()
			if held, err := m[0].Hold(t.Context(), zoe, "a"); !held || err != nil {
				t.Fatal(held, err)
			}
			if held, err := m[1].Hold(t.Context(), zoe, "b"); held || err != nil {
				t.Errorf("both look after it: %v, %v", held, err)
			}
			if err := m[0].Mark(t.Context(), zoe, somebody, key, now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			if got, made, err := m[1].Session(t.Context(), zoe); got != key || !made || err != nil {
				t.Errorf("the other does not know it: %v, %v", made, err)
			}
		})
	}
}

func TestOneOfAllGatewaysLooksAfterACookie(t *testing.T) {
	now := time.Now()
	m := marksOf(t, &now, [][]byte{one})[0]
	hold := func(p Presented, holder string, want bool) {
		t.Helper()
		if held, err := m.Hold(t.Context(), p, holder); held != want || err != nil {
			t.Errorf("%s: %v, %v", holder, held, err)
		}
	}
	hold(parts, "a", true)
	hold(parts[1:], "b", false) // a part of them
	hold(Presented{{"sid", "x"}, parts[1]}, "b", false)
	hold(Presented{{"sid", "x"}}, "c", true) // which b gave back
	if err := m.Release(t.Context(), parts, "b"); err != nil {
		t.Fatal(err)
	}
	hold(parts, "c", false) // b has had none of them
	if err := m.Release(t.Context(), parts, "a"); err != nil {
		t.Fatal(err)
	}
	hold(parts, "c", true)
}

// A mark of which no session came is taken back, and nobody else's with it.
func TestAMarkThatIsTakenBack(t *testing.T) {
	now := time.Now()
	m := marksOf(t, &now, [][]byte{one})[0]
	mine, other := sessionstore.NewSecret(1).Key(), sessionstore.NewSecret(1).Key()
	for _, key := range []sessionstore.Key{mine, other} {
		if err := m.Mark(t.Context(), zoe, somebody, key, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Drop(t.Context(), zoe, somebody, mine); err != nil {
		t.Fatal(err)
	}
	if got, made, err := m.Session(t.Context(), zoe); got != other || !made || err != nil {
		t.Errorf("the other's: %v, %v", made, err)
	}
	if err := m.Drop(t.Context(), zoe, somebody, other); err != nil {
		t.Fatal(err)
	}
	if _, made, err := m.Session(t.Context(), zoe); made || err != nil {
		t.Errorf("none is left: %v, %v", made, err)
	}
}

// Who is signed in has what came along good for nobody afterwards; no session is
// found by it.
func TestACookieOfWhoIsSignedInIsSpent(t *testing.T) {
	now := time.Now()
	m := marksOf(t, &now, [][]byte{one})[0]
	if err := m.Spend(t.Context(), zoe, somebody, sessionstore.NewSecret(1).Key(), now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, made, err := m.Session(t.Context(), zoe); made || !errors.Is(err, ErrSpent) {
		t.Errorf("%v, %v", made, err)
	}
}

// Cookies that are read alike are one person's, or another's: that is known by whose the
// marks are, which is kept as a digest, and by more than one trait.
func TestOfWhomCookiesThatAreAlikeAre(t *testing.T) {
	now := time.Now()
	spelt, respelt := Presented{{"sid", "user-1"}}, Presented{{"sid", "user-0"}}
	key := sessionstore.NewSecret(1).Key()
	for _, c := range []struct {
		name        string
		spends      bool
		who         Owner
		spent, made bool
	}{
		{"the same person", false, somebody, true, true},
		{"the same person, who has only signed in with it", true, somebody, true, false},
		{"who has the same address by another name", false, Owner{"users", "7", []string{"zoe@example.com"}}, true, false},
		{"who has the same name and another address", false, Owner{"old", "zoe@example.com", []string{"zoe@example.org"}}, true, true},
		{"somebody else", false, Owner{"old", "mia@example.com", []string{"mia@example.com"}}, false, false},
		{"somebody without an address", false, Owner{"old", "mia", []string{""}}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := marksOf(t, &now, [][]byte{one}, [][]byte{two, one})
			mark := all[0].Mark
			if c.spends {
				mark = all[0].Spend
			}
			if err := mark(t.Context(), spelt, somebody, key, now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			if _, made, err := all[1].Session(t.Context(), respelt); made || err != nil {
				t.Errorf("likeness alone counts: %v, %v", made, err)
			}
			like, err := all[1].Alike(t.Context(), respelt, c.who)
			if like.Spent != c.spent || len(like.Sessions) > 0 != c.made || len(like.Former) > 0 || err != nil {
				t.Errorf("%+v, %v", like, err)
			}
			if c.spends {
				return
			}
			if err := all[0].Drop(t.Context(), spelt, somebody, key); err != nil {
				t.Fatal(err)
			}
			if like, err := all[1].Alike(t.Context(), respelt, c.who); like.Spent || len(like.Sessions) > 0 || err != nil {
				t.Errorf("taken back: %+v, %v", like, err)
			}
		})
	}
}

// Of two spellings that come at once one is adopted; who only waits for the other gateway
// waits for nobody whose cookie is alike.
func TestCookiesThatAreAlikeWaitForEachOtherLate(t *testing.T) {
	now := time.Now()
	m := marksOf(t, &now, [][]byte{one})[0]
	spelt, respelt := Presented{{"sid", "user-1"}}, Presented{{"sid", "user-0"}}
	for _, c := range []struct {
		name string
		hold func(Presented, string) (bool, error)
		want bool
	}{
		{"while they are asked about", func(p Presented, by string) (bool, error) { return m.Hold(t.Context(), p, by) }, true},
		{"while they are adopted", func(p Presented, by string) (bool, error) { return m.HoldAlike(t.Context(), p, by) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if held, err := c.hold(spelt, "a"); !held || err != nil {
				t.Fatal(held, err)
			}
			if held, err := c.hold(respelt, "b"); held != c.want || err != nil {
				t.Errorf("%v, %v", held, err)
			}
		})
	}
	if err := m.ReleaseAlike(t.Context(), spelt, "a"); err != nil {
		t.Fatal(err)
	}
	if held, err := m.HoldAlike(t.Context(), respelt, "b"); !held || err != nil {
		t.Errorf("afterwards: %v, %v", held, err)
	}
}
