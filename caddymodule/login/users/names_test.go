package users_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/users"
	"example.com/sidegate/sessionstore"
)

func TestPeopleOfAFileSignInByUsername(t *testing.T) {
	people := parse(t, list(
		person(1, "ada@example.com", "username: Ada.L", "name: Ada Lovelace"),
		person(2, "jose@example.com", "username: José"),
		person(3, "linus@example.com", "username: linus", "disabled: true"),
		person(4, "ada.l@example.com"),
	))
	method := users.New("staff", fixed{people}, nil)
	for name, c := range map[string]struct {
		typed, email string
		want         error
	}{
		"by the name itself":                        {"Ada.L", "ada@example.com", nil},
		"in another case":                           {"aDA.l", "ada@example.com", nil},
		"by the address too":                        {"ada@example.com", "ada@example.com", nil},
		"a letter with an accent of its own":        {"JOSE\u0301", "jose@example.com", nil},
		"not without the accent":                    {"jose", "", login.ErrUnknown},
		"not by what the address begins with":       {"ada", "", login.ErrUnknown},
		"not by what they are called":               {"Ada Lovelace", "", login.ErrUnknown},
		"nor who is disabled":                       {"linus", "", login.ErrRefused},
		"another's address is another person still": {"ada.l@example.com", "ada.l@example.com", nil},
	} {
		t.Run(name, func(t *testing.T) {
			typed, err := login.ReadName(c.typed)
			if err != nil {
				t.Fatal(err)
			}
			p, err := method.SignIn(context.Background(), login.Typed{Name: typed, Password: adaPassword})
			if !errors.Is(err, c.want) || (p != nil) != (c.want == nil) || p != nil && p.Email != c.email {
				t.Errorf("got %+v, %v", p, err)
			}
			if p != nil && p.Subject != p.Email {
				t.Errorf("the subject is %s: who is given another user name would be somebody else", p.Subject)
			}
		})
	}
	t.Run("and have both names in their sessions, after a rebuild too", func(t *testing.T) {
		p, err := method.Rebuild(context.Background(), &sessionstore.Session{User: sessionstore.UserSession{ID: 1}, Subject: "ada@example.com"})
		if err != nil || p.Username != "Ada.L" || p.Name != "Ada Lovelace" {
			t.Errorf("got %+v, %v", p, err)
		}
	})
	t.Run("and the page hears of it", func(t *testing.T) {
		if !method.TakesNames() || users.New("staff", fixed{parse(t, demo)}, nil).TakesNames() {
			t.Error("who has a user name is not told")
		}
	})
}

// Who has none costs what everybody costs.
func TestANameThatNobodyHasCostsTheSame(t *testing.T) {
	var work ledger
	method := users.New("staff", fixed{parse(t, list(person(1, "ada@example.com", "username: ada")))}, nil)
	method.SetCompare(work.compare)
	for _, name := range []string{"ada", "nobody", "ada@example.com", "nobody@example.com"} {
		_, _ = method.SignIn(context.Background(), login.Typed{Name: name, Password: "whatever"})
	}
	if len(work.works) != 4 || work.works[0] != work.works[1] || work.works[1] != work.works[3] {
		t.Errorf("they cost %q", work.works)
	}
}

// Gateways that know of no user names share their sessions with this one.
func TestWhatAnEntrySaysIsTheSameWhereNobodyHasAUsername(t *testing.T) {
	const before = "c4019e865ac353ecf1bfb944" // as they wrote it into sessions
	plain, _ := parse(t, list(person(1, "ada@example.com"))).ByID(1)
	named, _ := parse(t, list(person(1, "ada@example.com", "username: ada"))).ByID(1)
	called, _ := parse(t, list(person(1, "ada@example.com", "name: Ada"))).ByID(1)
	seen := map[string]bool{plain.Person().Standing.Entry: true, named.Person().Standing.Entry: true, called.Person().Standing.Entry: true}
	if len(seen) != 3 {
		t.Error("another name is no change of the entry")
	}
	if got := fmt.Sprintf("%x", plain.Person().Standing.Entry); got != before {
		t.Errorf("the entry is %s; to them it is %s", got, before)
	}
}
