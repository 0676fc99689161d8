package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/app"
	"example.com/sidegate/caddymodule/profile"
)

// invalid is what the reference says of apps that know no addresses.
const invalid = `login.username + "@users.invalid"`

// byNames is a login of an app that says yes, and notes whom it was asked about.
func byNames(t *testing.T, asked *[]string, rules ...string) *app.Login {
	t.Helper()
	return newLogin(t, app.Config{
		URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
			var sent map[string]string
			body, _ := io.ReadAll(r.Body)
			if err := json.Unmarshal(body, &sent); err != nil {
				t.Error(err)
			}
			*asked = append(*asked, sent["email"])
			answer(200, `{"mail":"al@example.com","nick":"al"}`)(w, r)
		}),
		Mapper: mustMap(t, nil, rules...), TellsEmail: true, TakesNames: true,
	})
}

// An app may let anybody register any address; those that are made up for names
// are of other people.
func TestNobodyTypesAnAddressThatIsMadeUp(t *testing.T) {
	for _, typed := range []string{"ada@users.invalid", "ADA@Users.Invalid", "ada@users.invalid."} {
		var asked []string
		l := byNames(t, &asked, "email", `login.username.contains("@") ? login.username : `+invalid)
		if _, err := l.SignIn(t.Context(), login.Typed{Name: typed, Password: canary}); !errors.Is(err, login.ErrUnknown) || len(asked) != 0 {
			t.Errorf("%s: %v, asked %q", typed, err, asked)
		}
	}
}

func TestPeopleOfAnAppSignInByTheNamesTheyHave(t *testing.T) {
	for name, c := range map[string]struct {
		typed, expr              string
		email, subject, username string
	}{
		"a name has the address that is made of it":    {"ada", invalid, "ada@users.invalid", "ada", "ada"},
		"in the case in which it was typed":            {"Ada", invalid, "Ada@users.invalid", "Ada", "Ada"},
		"or that which the app answers with":           {"ada", "login.body.mail", "al@example.com", "ada", "ada"},
		"an address is known by it":                    {"ada@example.com", "login.body.mail", "al@example.com", "ada@example.com", ""},
		"and may be told from a name":                  {"ada@example.com", `login.username.contains("@") ? login.username : ` + invalid, "ada@example.com", "ada@example.com", ""},
		"what the app calls them goes before the name": {"ada", "login.body.mail", "al@example.com", "ada", "al"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			rules := []string{"email", c.expr}
			if c.username == "al" {
				rules = append(rules, "username", "login.body.nick")
			}
			l := byNames(t, &asked, rules...)
			person, err := l.SignIn(t.Context(), login.Typed{Name: c.typed, Password: canary})
			if err != nil {
				t.Fatal(err)
			}
			if person.Email != c.email || person.Subject != c.subject || person.Username != c.username || fmt.Sprint(asked) != "["+c.typed+"]" {
				t.Errorf("got %+v of %q", person, asked)
			}
			again, err := l.Rebuild(t.Context(), session(t, person))
			if err != nil || again.Email != c.email || again.Subject != c.subject || again.Username != c.username {
				t.Errorf("rebuilt as %+v, %v", again, err)
			}
		})
	}
}

// An app that tells Root from root lets in two people: what the one typed is not
// the other.
func TestTwoSpellingsAreNoOnePersonUnlessTheAppSaysSo(t *testing.T) {
	var asked []string
	l := byNames(t, &asked, "email", "login.body.mail")
	subjects := make(map[string]bool)
	for _, name := range []string{"root", "Root", "röot"} {
		person, err := l.SignIn(t.Context(), login.Typed{Name: name, Password: canary})
		if err != nil {
			t.Fatal(err)
		}
		subjects[person.Subject] = true
	}
	if len(subjects) != 3 {
		t.Errorf("they are %v", subjects)
	}
}

// Whoever has an address as their name at the app has none made of it.
func TestAnAddressIsNoNameToMakeAnAddressOf(t *testing.T) {
	var asked []string
	person, err := byNames(t, &asked, "email", invalid).SignIn(t.Context(), login.Typed{Name: "root@example.com", Password: canary})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := profile.NormalizeEmail(person.Email); err == nil {
		t.Errorf("the session would be of %s", person.Email)
	}
}

// A yes that comes to nothing would tell that the password is right.
func TestAnAppIsNotAskedAboutANameThatMakesNoSession(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the app was asked") })
	_, err := newLogin(t, app.Config{URL: url}).SignIn(t.Context(), login.Typed{Name: "ada", Password: canary})
	unclear, ok := errors.AsType[*login.Unclear](err)
	if !ok || !errors.Is(err, login.ErrUnknown) || !strings.Contains(unclear.Err.Error(), "@users.invalid") || strings.Contains(unclear.Err.Error(), "ada") {
		t.Fatalf("got %v", err)
	}
}

func TestASessionFromBeforeKnowsWhatWasTyped(t *testing.T) {
	var asked []string
	l := byNames(t, &asked, "email", "login.username", "roles", "[login.username]")
	person, err := l.SignIn(t.Context(), login.Typed{Name: email, Password: canary})
	if err != nil {
		t.Fatal(err)
	}
	before := session(t, person)
	before.Kept = `{"facts":{"login":{"status":200,"body":{"mail":"al@example.com"}}}}`
	again, err := l.Rebuild(t.Context(), before)
	if err != nil || again.Email != email || fmt.Sprint(again.Roles) != "["+email+"]" {
		t.Fatalf("got %+v, %v", again, err)
	}
}
