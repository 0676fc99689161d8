package users_test

import (
	"context"
	"errors"
	"fmt"
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
		"no hash":                                   {users.KindHtpasswd, "ada:", 1, "line 1: there is no password's hash, so the person (id 1) is written with `password: none` and cannot sign in"},
		"no hash, by YAML":                          {users.KindAuthelia, "users:\n  ada:\n", 1, "line 2: there is no password's hash, so the person (id 1) is written with `password: none` and cannot sign in"},
		"no name":                                   {users.KindHtpasswd, ":" + htpasswdHash, 0, "line 1: there is no name: left out"},
		"a name that is long":                       {users.KindHtpasswd, strings.Repeat("x", 255) + ":" + htpasswdHash, 0, "line 1: the name is none that people can sign in by here, since it is longer than 254 bytes"},
		"a name of Latin-1":                         {users.KindHtpasswd, "J\xf6rg:" + htpasswdHash, 0, "line 1: the name is not in UTF-8: left out; convert the file"},
		"a name with what nobody sees":              {users.KindHtpasswd, "x\x1b[31m:" + htpasswdHash, 0, "since it holds a character that cannot be seen"},
		"a name with its domain":                    {users.KindHtpasswd, `CORP\bob:` + htpasswdHash, 0, "for it holds a space or another character that no address has"},
		"an email that is none":                     {users.KindAuthelia, entry("ada", "password: '"+autheliaHash+"', email: 'A <a@example.com>'"), 0, "line 2: the email is no address"},
		"a name twice, by whose addresses differ":   {users.KindAuthelia, "users:\n  a: {password: '" + autheliaHash + "', email: a@example.com}\n  A: {password: '" + autheliaHash + "', email: b@example.com}\n", 1, "line 3: the name is that of line 2, in whatever case"},
		"a name whose address is another's":         {users.KindAuthelia, "users:\n  x: {password: '" + autheliaHash + "', email: b@users.invalid}\n  b: {password: '" + autheliaHash + "'}\n", 1, "line 3: the address that is made of the name is that of line 2"},
		"a field twice":                             {users.KindAuthelia, entry("ada", "email: a@example.com, email: b@example.com"), 0, "line 2: cannot be read: left out; a field is there twice"},
		"a name that is called what nobody may be":  {users.KindAuthelia, entry("ada", "password: '"+autheliaHash+`', displayname: "a\u0007b"`), 0, "line 2: displayname holds a line break or another control character: remove it: left out"},
		"a name of more than 512 bytes":             {users.KindAuthelia, entry("ada", "password: '"+autheliaHash+"', displayname: "+strings.Repeat("x", 513)), 0, "line 2: displayname is longer than 512 bytes: left out"},
		"a group with a line break":                 {users.KindAuthelia, entry("ada", "password: '"+autheliaHash+`', groups: [x, "a\nb"]`), 0, "line 2: groups 2 holds a line break"},
		"a group that is nothing":                   {users.KindAuthelia, entry("ada", "password: '"+autheliaHash+"', groups: ['']"), 0, "line 2: groups 1 is empty: left out"},
		"a group that is too long":                  {users.KindAuthelia, entry("ada", "password: '"+autheliaHash+"', groups: ["+strings.Repeat("x", 300)+"]"), 0, "line 2: groups 1 is longer than 256 bytes"},
		"more than a thousand groups":               {users.KindAuthelia, entry("ada", "password: '"+autheliaHash+"', groups: ["+strings.Repeat("x, ", 1001)+"]"), 0, "line 2: groups has 1001 elements: at most 1000 are allowed"},
		"a line that is none":                       {users.KindHtpasswd, "ada", 0, "line 1: is none of the form name:hash"},
		"a name that is none":                       {users.KindHtpasswd, "ada@:" + htpasswdHash, 0, "line 1: the name is none that people can sign in by here, since it has an @"},
		"a name twice":                              {users.KindHtpasswd, "ada:" + htpasswdHash + "\nADA:" + htpasswdHash, 1, "line 2: the name is that of line 1, in whatever case"},
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
				if e.Disabled {
					t.Errorf("who is not disabled there is here, in\n%s", file)
				}
				if none := strings.Contains(string(file), "password: none\n"); none != strings.Contains(told[0], "stays so by a `login adopt` with `as users`") {
					t.Errorf("without a password: %v in\n%s", none, file)
				}
			}
		})
	}
}

// Who is disabled there has no way in, whatever is known of their password.
func TestWhoIsDisabledThereStaysSoWithoutAPassword(t *testing.T) {
	file, told, err := users.Import(users.KindAuthelia, []byte("users:\n  linus: {disabled: true, email: linus@example.com, password: $6$x$y}\n"), users.ImportOptions{})
	if err != nil || len(told) != 1 || !strings.Contains(told[0], "the person is disabled, and stays so") {
		t.Fatalf("got %v, told %q", err, told)
	}
	if linus, ok := parse(t, string(file)).ByID(1); !ok || !linus.Disabled || strings.Contains(string(file), "none") {
		t.Errorf("written as\n%s", file)
	}
}

func TestWhatIsNoSuchFileIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ kind, text, want string }{
		"another kind":                          {"ldif", "", "use htpasswd or authelia"},
		"no YAML":                               {users.KindAuthelia, "users:\n\t- a", "not valid YAML"},
		"YAML of something else":                {users.KindAuthelia, "people: []", "has no `users:`"},
		"a list":                                {users.KindAuthelia, "users: [a]", "has no `users:`"},
		"a file without end":                    {users.KindHtpasswd, strings.Repeat("#", users.MaxFile+1), "larger than"},
		"an htpasswd file as one of Authelia's": {users.KindAuthelia, "\n# staff\nada:" + htpasswdHash, "say `caddy sidegate-import-users htpasswd <file>`"},
		"and one that YAML cannot be":           {users.KindAuthelia, "ada:{SHA}x\nb: c", "say `caddy sidegate-import-users htpasswd <file>`"},
		"one of Authelia's as htpasswd":         {users.KindHtpasswd, autheliaFile, "say `caddy sidegate-import-users authelia <file>`"},
		"one that begins with users":            {users.KindHtpasswd, "# people\nusers:\n  ada:\n", "say `caddy sidegate-import-users authelia <file>`"},
		"JSON as htpasswd":                      {users.KindHtpasswd, `{"users": {}}`, "is none of htpasswd"},
		"a certificate as htpasswd":             {users.KindHtpasswd, "-----BEGIN CERTIFICATE-----\nMII", "is none of htpasswd"},
		"a program":                             {users.KindHtpasswd, "\x7fELF\x00\x00", "the file is no text"},
		"a program as YAML":                     {users.KindAuthelia, "\x7fELF\x00\x00", "the file is no text"},
		"a file of UTF-16":                      {users.KindHtpasswd, "\xff\xfea\x00:\x00", "the file is UTF-16: make it UTF-8"},
		"a users file":                          {users.KindAuthelia, demo, "it is a users file of Sidegate already"},
		"nothing":                               {users.KindAuthelia, "", "has no `users:`"},
		"a second document":                     {users.KindAuthelia, "users:\n  a: {}\n---\nusers:\n  b: {}\n", "line 3: a second YAML document begins here"},
		"a second list":                         {users.KindAuthelia, "users:\n  a: {}\nusers:\n  b: {}\n", "line 3: `users:` is there twice, first in line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := users.Import(c.kind, []byte(c.text), users.ImportOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// What is wrong with one is told by its own line, and the others are taken.
func TestOneWhoCannotBeTakenSpoilsNobodyElse(t *testing.T) {
	entry := func(name, lines string) string {
		return "  " + name + ": {password: '" + autheliaHash + "', " + lines + "}\n"
	}
	text := "# made by hand\nusers:\n" + entry("ada", "groups: [x]") + entry("bob", `displayname: "b\nb"`) + entry("BOB", "displayname: Bob") + entry("cy", "groups: ['']") + entry("di", "groups: [y]")
	file, told, err := users.Import(users.KindAuthelia, []byte(text), users.ImportOptions{})
	if err != nil || len(told) != 2 || !strings.HasPrefix(told[0], "line 4: displayname ") || !strings.HasPrefix(told[1], "line 6: groups 1 ") {
		t.Fatalf("%v, told %q", err, told)
	}
	people := parse(t, string(file))
	for i, name := range []string{"ada", "BOB", "di"} {
		if e, ok := people.ByID(int64(i + 1)); !ok || e.Person().Username != name {
			t.Errorf("%s is not number %d in\n%s", name, i+1, file)
		}
	}
}

func TestAFileThatBeginsWithAByteOrderMarkIsRead(t *testing.T) {
	signsIn(t, imported(t, users.KindHtpasswd, "\ufeffada:"+htpasswdHash, users.ImportOptions{}), "ada", htpasswdPassword)
	signsIn(t, imported(t, users.KindAuthelia, "\ufeff"+autheliaFile, users.ImportOptions{}), "ada", autheliaPassword)
}

func TestNamesThatYAMLWouldReadAsOtherThingsStayNames(t *testing.T) {
	for _, name := range []string{"1234", "true", "null", "~", "0x1f", "1e3", "o'brien", "*st", "2026-01-01", "yes", "Jörg", "&x", "!x", "%x", "-", "=", "|", "user"} {
		signsIn(t, imported(t, users.KindHtpasswd, name+":"+htpasswdHash, users.ImportOptions{}), name, htpasswdPassword)
	}
}

func TestOptionsOfAnImportThatCannotBeAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		options users.ImportOptions
		want    string
	}{
		"a domain that is none":         {users.ImportOptions{Domain: "x\"\nroles: [admin]"}, "the domain is none"},
		"a negative id":                 {users.ImportOptions{FirstID: -5}, "the first id must be from 1 to 9007199254740991"},
		"an id beyond JavaScript's own": {users.ImportOptions{FirstID: 1 << 53}, "the first id must be from 1 to 9007199254740991"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := users.Import(users.KindHtpasswd, []byte("ada:"+htpasswdHash), c.options); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	_, told, err := users.Import(users.KindHtpasswd, []byte("ada:"+htpasswdHash+"\nbob:"+htpasswdHash), users.ImportOptions{FirstID: 1<<53 - 1})
	if err != nil || len(told) != 1 || !strings.HasPrefix(told[0], "line 2: id must be a whole number") {
		t.Errorf("got %v, %q", err, told)
	}
}

func TestWhoIsBehindTheLastThatFitsIsLeftOut(t *testing.T) {
	var text strings.Builder
	for i := range users.MaxPeople + 5 {
		fmt.Fprintf(&text, "u%d:%s\n", i, htpasswdHash)
	}
	file, told, err := users.Import(users.KindHtpasswd, []byte(text.String()), users.ImportOptions{})
	if err != nil || len(told) != 1 || !strings.HasPrefix(told[0], "line 100001: a users file holds at most 100000 people") {
		t.Fatalf("got %v, %q", err, told)
	}
	if n := strings.Count(string(file), "- id:"); n != users.MaxPeople {
		t.Errorf("%d people", n)
	}
}

// As the reference says how.
func TestAnImportIsAddedToAUsersFile(t *testing.T) {
	file, _, err := users.Import(users.KindHtpasswd, []byte("Ada:"+htpasswdHash), users.ImportOptions{FirstID: 100})
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(file), "\n")
	people := parse(t, "users:\n  - id: 1\n    email: x@example.com\n    disabled: true\n"+list)
	signsIn(t, people, "ada", htpasswdPassword)
	if people.Len() != 2 {
		t.Errorf("%d people", people.Len())
	}
}
