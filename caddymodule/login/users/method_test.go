package users_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/users"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// fixed is a Source that never changes.
type fixed struct{ people *users.People }

func (f fixed) People() *users.People { return f.people }

// ledger notes what every comparison cost.
type ledger struct {
	mu    sync.Mutex
	works []string
	hash  []string
}

func (l *ledger) compare(encoded, _ string) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.works = append(l.works, users.WorkOf(encoded))
	l.hash = append(l.hash, encoded)
	return true, nil // even a password that fits must not help
}

func TestSignIn(t *testing.T) {
	const (
		ada   = "ada@example.com"
		grace = "grace@example.com"
		linus = "linus@example.com"
	)
	for algorithm, hashes := range map[string][2]string{
		"argon2id": {adaArgon, graceArgon},
		"bcrypt":   {adaBcrypt, graceBcrypt},
	} {
		people := parse(t, list(
			"id: 1, email: "+ada+", password: '"+hashes[0]+"'",
			"id: 2, email: "+grace+", password: '"+hashes[1]+"'",
			"id: 3, email: "+linus+", password: '"+hashes[0]+"', disabled: true",
			"id: 4, email: leaver@example.com, disabled: true",
		))
		method := users.New("staff", fixed{people}, nil)
		for name, test := range map[string]struct {
			email, password string
			want            error
		}{
			"the right password signs in":                       {ada, adaPassword, nil},
			"so does another person's own":                      {grace, gracePassword, nil},
			"another person's password does not":                {ada, gracePassword, login.ErrRefused},
			"a wrong password is refused":                       {ada, "wrong", login.ErrRefused},
			"a password in other case is refused":               {ada, strings.ToUpper(adaPassword), login.ErrRefused},
			"an empty password is refused":                      {ada, "", login.ErrRefused},
			"the hash itself is no password":                    {ada, hashes[0], login.ErrRefused},
			"a disabled person is refused":                      {linus, adaPassword, login.ErrRefused},
			"a disabled person without a password is refused":   {"leaver@example.com", "antitiming", login.ErrRefused},
			"an unknown person is unknown":                      {"mallory@example.com", adaPassword, login.ErrUnknown},
			"the password of the dummy hash signs nobody in":    {"mallory@example.com", "antitiming", login.ErrUnknown},
			"a password that is too long is refused":            {ada, strings.Repeat("a", login.MaxPassword+1), login.ErrRefused},
			"an email that is too long is refused":              {strings.Repeat("a", profile.MaxEmail) + "@b", adaPassword, login.ErrRefused},
			"the longest password is compared, as an unknown's": {"mallory@example.com", strings.Repeat("a", login.MaxPassword), login.ErrUnknown},
		} {
			t.Run(algorithm+": "+name, func(t *testing.T) {
				person, err := method.SignIn(context.Background(), login.Typed{Name: test.email, Password: test.password})
				if !errors.Is(err, test.want) || (person != nil) != (test.want == nil) {
					t.Fatalf("person %v, error %v", person, err)
				}
				if person != nil && person.Email != test.email {
					t.Errorf("signed in as %s", person.Email)
				}
			})
		}
	}
	t.Run("the method has its name", func(t *testing.T) {
		if name := users.New("staff", fixed{parse(t, demo)}, nil).Name(); name != "staff" {
			t.Error(name)
		}
	})
}

func TestUnknownDisabledAndWrongCostTheSame(t *testing.T) {
	alike := func(argon string) string {
		return list(
			"id: 1, email: ada@example.com, password: '"+argon+"'",
			"id: 2, email: linus@example.com, password: '"+argon+"', disabled: true",
			"id: 3, email: leaver@example.com, disabled: true",
			"id: 4, email: mover@example.com, password: none")
	}
	for name, test := range map[string]struct{ file, want string }{
		"with argon2id of the file's own parameters": {alike(strings.Replace(adaArgon, "m=64,t=1,p=1", "m=96,t=2,p=3", 1)), "argon2id m=96,t=2,p=3"},
		"with bcrypt of the file's own cost":         {alike(strings.Replace(adaBcrypt, "$04$", "$11$", 1)), "bcrypt cost=11"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, email := range []string{"ada", "linus", "leaver", "mover", "mallory"} {
				var work ledger
				method := users.New("staff", fixed{parse(t, test.file)}, nil)
				method.SetCompare(work.compare)
				_, _ = method.SignIn(context.Background(), login.Typed{Name: email + "@example.com", Password: "whatever"})
				if len(work.works) != 1 || work.works[0] != test.want {
					t.Errorf("%s cost %q, want one %s", email, work.works, test.want)
				}
			}
		})
	}
	t.Run("with what most people have when the file mixes", func(t *testing.T) {
		mixed := list(
			"id: 1, email: a@example.com, password: '"+adaArgon+"'",
			"id: 2, email: b@example.com, password: '"+adaBcrypt+"'",
			"id: 3, email: c@example.com, password: '"+graceBcrypt+"'")
		var work ledger
		method := users.New("staff", fixed{parse(t, mixed)}, nil)
		method.SetCompare(work.compare)
		_, _ = method.SignIn(context.Background(), login.Typed{Name: "mallory@example.com", Password: "whatever"})
		if len(work.works) != 1 || work.works[0] != "bcrypt cost=4" {
			t.Errorf("cost %q", work.works)
		}
	})
	t.Run("with the default parameters when nobody is in the file", func(t *testing.T) {
		var work ledger
		method := users.New("staff", fixed{parse(t, "users: []")}, nil)
		method.SetCompare(work.compare)
		_, err := method.SignIn(context.Background(), login.Typed{Name: "mallory@example.com", Password: "whatever"})
		if !errors.Is(err, login.ErrUnknown) || len(work.works) != 1 || work.works[0] != "argon2id m=47104,t=1,p=1" {
			t.Errorf("cost %q, error %v", work.works, err)
		}
	})
	t.Run("with a hash of nobody in the file", func(t *testing.T) {
		var work ledger
		method := users.New("staff", fixed{parse(t, alike(adaArgon))}, nil)
		method.SetCompare(work.compare)
		_, _ = method.SignIn(context.Background(), login.Typed{Name: "mallory@example.com", Password: "whatever"})
		if work.hash[0] == adaArgon {
			t.Error("an unknown person is compared with somebody's hash")
		}
	})
	t.Run("with no hash at all for input that nobody could have", func(t *testing.T) {
		var work ledger
		method := users.New("staff", fixed{parse(t, alike(adaArgon))}, nil)
		method.SetCompare(work.compare)
		for _, email := range []string{"ada@example.com", "mallory@example.com"} {
			_, err := method.SignIn(context.Background(), login.Typed{Name: email, Password: strings.Repeat("a", login.MaxPassword+1)})
			if !errors.Is(err, login.ErrRefused) || len(work.works) != 0 {
				t.Errorf("%s: cost %q, error %v", email, work.works, err)
			}
		}
	})
}

// Whatever is typed, also what the hash that is compared for the sake of time is of.
func TestNobodySignsInAsWhoHasNoPassword(t *testing.T) {
	method := users.New("staff", fixed{parse(t, list("id: 1, email: mover@example.com, username: mover, password: none"))}, nil)
	method.SetCompare(func(string, string) (bool, error) { return true, nil })
	for _, name := range []string{"mover@example.com", "mover"} {
		for _, password := range []string{"none", "whatever"} {
			if p, err := method.SignIn(t.Context(), login.Typed{Name: name, Password: password, OnThisMachine: true}); !errors.Is(err, login.ErrRefused) || p != nil {
				t.Errorf("%s signs in by %s: %v", name, password, err)
			}
		}
	}
	if p, err := method.Known("mover@example.com"); err != nil || p.ID != 1 {
		t.Errorf("who was signed in elsewhere: %v", err)
	}
}

func TestSignInThatCannotBeComparedIsNotARefusal(t *testing.T) {
	broken := errors.New("comparison broke")
	method := users.New("staff", fixed{parse(t, demo)}, nil)
	method.SetCompare(func(string, string) (bool, error) { return false, broken })
	for _, email := range []string{"ada@example.com", "mallory@example.com"} {
		_, err := method.SignIn(context.Background(), login.Typed{Name: email, Password: "whatever"})
		if !errors.Is(err, broken) || errors.Is(err, login.ErrRefused) || errors.Is(err, login.ErrUnknown) {
			t.Errorf("%s: %v", email, err)
		}
	}
}

func TestWhoIsKnownByAName(t *testing.T) {
	people := parse(t, list(
		"id: 1, email: ada@example.com, username: ada, password: '"+adaArgon+"'",
		"id: 4, email: leaver@example.com, disabled: true",
	))
	method := users.New("staff", fixed{people}, nil)
	for name, want := range map[string]error{
		"ada@example.com": nil, "Ada@Example.COM": nil, "ADA": nil,
		"grace@example.com": login.ErrUnknown, "": login.ErrUnknown, "a\x00b": login.ErrUnknown, "1": login.ErrUnknown,
		"leaver@example.com": login.ErrRefused,
	} {
		p, err := method.Known(name)
		if !errors.Is(err, want) || (p == nil) != (err != nil) || p != nil && (p.ID != 1 || p.Standing == (profile.Standing{})) {
			t.Errorf("%q: %+v, %v", name, p, err)
		}
	}
}

func TestRebuild(t *testing.T) {
	method := users.New("staff", fixed{parse(t, demo)}, nil)
	for name, test := range map[string]struct {
		id      int64
		subject string
		want    error
	}{
		"a person of the file is told again":               {1, "ada@example.com", nil},
		"a person who is gone is unknown":                  {2, "gone@example.com", login.ErrUnknown},
		"an id that was given to somebody else is unknown": {1, "previous@example.com", login.ErrUnknown},
		"an email address of another id is unknown":        {2, "ada@example.com", login.ErrUnknown},
		"a session without a subject is unknown":           {1, "", login.ErrUnknown},
		"a disabled person is refused":                     {3, "linus@example.com", login.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			s := &sessionstore.Session{User: sessionstore.UserSession{ID: test.id}, Subject: test.subject}
			person, err := method.Rebuild(context.Background(), s)
			if !errors.Is(err, test.want) || (person != nil) != (test.want == nil) {
				t.Fatalf("person %v, error %v", person, err)
			}
			if person != nil && (person.ID != test.id || person.Subject != test.subject) {
				t.Errorf("rebuilt as %+v", person)
			}
		})
	}
}

func ExampleMethod_SignIn() {
	people, err := users.Parse([]byte(demo))
	if err != nil {
		fmt.Println(err)
		return
	}
	staff := users.New("staff", fixed{people}, nil)
	person, err := staff.SignIn(context.Background(), login.Typed{Name: "ada@example.com", Password: adaPassword})
	fmt.Println(person.ID, person.Roles, err)
	_, err = staff.SignIn(context.Background(), login.Typed{Name: "ada@example.com", Password: "guess"})
	fmt.Println(err)
	// Output:
	// 1 [admin] <nil>
	// sign-in refused: the password is another
}

func TestAPersonIsNamedWithoutAPassword(t *testing.T) {
	people := parse(t, list(
		"id: 1, email: ada@example.com, username: Ada, password: '"+adaArgon+"'",
		"id: 2, email: linus@example.com, password: '"+adaArgon+"', disabled: true",
	))
	method := users.New("staff", fixed{people}, nil)
	for name, want := range map[string]error{
		"ada@example.com": nil, "ada": nil, "linus@example.com": login.ErrRefused, "kim@example.com": login.ErrUnknown, "": login.ErrUnknown,
	} {
		p, err := method.Person(name)
		if !errors.Is(err, want) || err == nil && p.ID != 1 {
			t.Errorf("%q is %+v, %v", name, p, err)
		}
	}
	if got := strings.Join(method.Names(), " "); got != "ada@example.com Ada linus@example.com" {
		t.Errorf("the names are %s", got)
	}
}
