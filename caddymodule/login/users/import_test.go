package users_test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/users"
)

// As Debian's htpasswd -B has written it, and the library of Authelia's own hashes
// (github.com/go-crypt/crypt) with Authelia's defaults.
const (
	htpasswdHash     = "$2y$05$ktnY65MgIviJRLWCdPyIoO8W7YRZJOInNINagf7wbrxdtBOd9QxSO"
	htpasswdPassword = "correct horse"
	autheliaHash     = "$argon2id$v=19$m=65536,t=3,p=4$DzxsDgz0eJfxl9PB3sgGUw$uUxA/RgP5j8tyxUYE23QOhPxd/vej/9NN7AGv9CwpF0"
	autheliaPassword = "battery staple"
)

func TestHashesOfHtpasswdAndAutheliaAreTakenAsTheyAre(t *testing.T) {
	people := parse(t, list(
		"id: 1, email: a@example.com, password: '"+htpasswdHash+"'",
		"id: 2, email: b@example.com, password: '"+autheliaHash+"'"))
	method := users.New("staff", fixed{people}, nil)
	for email, password := range map[string]string{"a@example.com": htpasswdPassword, "b@example.com": autheliaPassword} {
		if _, err := method.SignIn(context.Background(), login.Typed{Name: email, Password: password}); err != nil {
			t.Errorf("%s: %v", email, err)
		}
		if _, err := method.SignIn(context.Background(), login.Typed{Name: email, Password: password + "x"}); !errors.Is(err, login.ErrRefused) {
			t.Errorf("%s with another password: %v", email, err)
		}
	}
}

func TestAHashOfTheHtpasswdThatIsInstalledIsTaken(t *testing.T) {
	path, err := exec.LookPath("htpasswd")
	if err != nil {
		t.Fatalf("%v: `./xcaddy.sh test` installs it (apache2-utils)", err)
	}
	line, err := exec.Command(path, "-nbB", "-C", "4", "Ada", htpasswdPassword).Output()
	if err != nil {
		t.Fatal(err)
	}
	signsIn(t, imported(t, users.KindHtpasswd, string(line), users.ImportOptions{}), "ada", htpasswdPassword)
}

// imported is what becomes of a file of which all can be taken.
func imported(t *testing.T, kind, text string, options users.ImportOptions) *users.People {
	t.Helper()
	file, told, err := users.Import(kind, []byte(text), options)
	if err != nil || len(told) > 0 {
		t.Fatalf("got %v, %q", err, told)
	}
	return parse(t, string(file))
}

func signsIn(t *testing.T, people *users.People, name, password string) {
	t.Helper()
	if _, err := users.New("staff", fixed{people}, nil).SignIn(context.Background(), login.Typed{Name: name, Password: password}); err != nil {
		t.Errorf("%s cannot sign in: %v", name, err)
	}
}

func TestPeopleOfHtpasswdAreMoved(t *testing.T) {
	people := imported(t, users.KindHtpasswd, "# staff\r\n\r\nAda:"+htpasswdHash+"\r\ngrace@example.com:"+htpasswdHash+":a note\n",
		users.ImportOptions{Domain: "corp.example", FirstID: 7})
	signsIn(t, people, "ada", htpasswdPassword)
	signsIn(t, people, "ada@corp.example", htpasswdPassword)
	signsIn(t, people, "grace@example.com", htpasswdPassword)
	ada, _ := people.ByID(7)
	if p := ada.Person(); p.Username != "Ada" || p.Email != "ada@corp.example" {
		t.Errorf("Ada is %+v", p)
	}
	if grace, ok := people.ByID(8); !ok || grace.Person().Username != "" {
		t.Error("Grace has no number, or a second name")
	}
}

const autheliaFile = `---
users:
  ada:
    disabled: false
    displayname: 'Ada: Lovelace'
    password: '` + autheliaHash + `'
    email: Ada@Example.com
    groups:
      - admins
      - dev
  linus:
    disabled: true
    displayname: Linus
    password: '` + autheliaHash + `'
    email: linus@example.com
    groups: []
...
`

func TestPeopleOfAutheliaAreMoved(t *testing.T) {
	people := imported(t, users.KindAuthelia, autheliaFile, users.ImportOptions{})
	signsIn(t, people, "ada", autheliaPassword)
	ada, _ := people.ByID(1)
	if p := ada.Person(); p.Name != "Ada: Lovelace" || p.Username != "ada" || p.Email != "ada@example.com" || strings.Join(p.Roles, " ") != "admins dev" {
		t.Errorf("Ada is %+v", p)
	}
	if linus, ok := people.ByID(2); !ok || !linus.Disabled {
		t.Error("Linus is not there, or may sign in")
	}
}

// Nobody is lost without a word.
func TestWhatCannotBeTakenIsTold(t *testing.T) {
	entry := func(name, lines string) string { return "users:\n  " + name + ": {" + lines + "}\n" }
	for name, c := range map[string]struct {
		kind, text string
		people     int
		told       string
	}{
		"a hash by MD5":                             {users.KindHtpasswd, "ada:$apr1$Iz9P8oeG$xRPq5llSsjcKTI5mEzGk20", 1, "line 1: the password's hash (MD5) is not taken"},
		"a hash by SHA-1":                           {users.KindHtpasswd, "\nada:{SHA}EfatjsUqKYSrqv18O1FlA3hcIHI=", 1, "line 2: the password's hash (SHA-1) is not taken"},
		"a hash by crypt, or no hash":               {users.KindHtpasswd, "ada:hunter2hunter", 1, "line 1: the password's hash (of no known kind) is not taken"},
		"a hash by SHA-512":                         {users.KindAuthelia, entry("ada", "password: $6$rounds=50000$x$y, email: a@example.com"), 1, "line 2: the password's hash (SHA-512 crypt) is not taken"},
		"a hash by scrypt":                          {users.KindAuthelia, entry("ada", "password: $scrypt$ln=16$x$y, email: a@example.com"), 1, "(scrypt) is not taken"},
		"a hash by PBKDF2":                          {users.KindAuthelia, entry("ada", "password: $pbkdf2-sha512$1$x$y, email: a@example.com"), 1, "(PBKDF2) is not taken"},
		"a line that is none":                       {users.KindHtpasswd, "ada", 0, "line 1: is none of the form name:hash"},
		"a name that is none":                       {users.KindHtpasswd, "ada@:" + htpasswdHash, 0, "line 1: the name is none that people can sign in by here"},
		"a name twice":                              {users.KindHtpasswd, "ada:" + htpasswdHash + "\nADA:" + htpasswdHash, 1, "line 2: the address is that of line 1, in whatever case"},
		"an address twice":                          {users.KindAuthelia, "users:\n  a: {password: '" + autheliaHash + "', email: a@example.com}\n  b: {password: '" + autheliaHash + "', email: A@example.com}\n", 1, "line 3: the address is that of line 2"},
		"a name that is another's address":          {users.KindAuthelia, entry("b@example.com", "password: '"+autheliaHash+"', email: a@example.com"), 1, "line 2: the name is an address, and not that of the person"},
		"a name that makes no address":              {users.KindHtpasswd, "Ada Lovelace:" + htpasswdHash, 0, "line 1: there is no address to know the person by"},
		"a field of another type":                   {users.KindAuthelia, entry("ada", "groups: {a: b}"), 0, "line 2: cannot be read"},
		"a cost that nobody would wait for":         {users.KindHtpasswd, "ada:" + strings.Replace(htpasswdHash, "$05$", "$31$", 1), 1, "(bcrypt with a cost out of bounds)"},
		"an argon2id that would take all there is":  {users.KindAuthelia, entry("ada", "password: '"+strings.Replace(autheliaHash, "65536", "99999999", 1)+"', email: a@example.com"), 1, "(argon2id with parameters out of bounds)"},
		"an argon2id of another version than it is": {users.KindAuthelia, entry("ada", "password: '"+strings.Replace(autheliaHash, "$v=19", "", 1)+"', email: a@example.com"), 1, "is not taken"},
	} {
		t.Run(name, func(t *testing.T) {
			file, told, err := users.Import(c.kind, []byte(c.text), users.ImportOptions{})
			if err != nil || len(told) != 1 || !strings.Contains(told[0], c.told) {
				t.Fatalf("got %v, told %q", err, told)
			}
			if strings.Contains(told[0], "hunter2") || strings.Contains(strings.ToLower(told[0]), "ada") {
				t.Errorf("what is in the file is shown: %s", told[0])
			}
			people := parse(t, string(file))
			if people.Len() != c.people {
				t.Errorf("there are %d people in\n%s", people.Len(), file)
			}
			for e := range people.All() {
				if e.Disabled != strings.Contains(told[0], "disabled") {
					t.Errorf("disabled: %v in\n%s", e.Disabled, file)
				}
			}
		})
	}
}

func TestWhatIsNoSuchFileIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ kind, text, want string }{
		"another kind":             {"ldif", "", "use htpasswd or authelia"},
		"no YAML":                  {users.KindAuthelia, "users:\n\t- a", "not valid YAML"},
		"YAML of something else":   {users.KindAuthelia, "people: []", "has no `users:`"},
		"a list":                   {users.KindAuthelia, "users: [a]", "has no `users:`"},
		"a file without end":       {users.KindHtpasswd, strings.Repeat("#", users.MaxFile+1), "larger than"},
		"a group that is too long": {users.KindAuthelia, "users:\n  a: {password: '" + autheliaHash + "', email: a@example.com, groups: [" + strings.Repeat("x", 300) + "]}", "is longer than 256 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := users.Import(c.kind, []byte(c.text), users.ImportOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
