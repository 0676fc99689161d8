package users_test

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login/users"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// Hashes with parameters so small that tests are quick.
const (
	adaPassword   = "correct horse"
	gracePassword = "battery staple"
	adaArgon      = "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MjZP1+1U9JUbDWvDvtLyEsZiNXOKEUxfi6O2oe46uxA"
	adaBcrypt     = "$2a$04$f/YMFYF2g4KqM1yWAP1PA.I/AArT6Ts6GmBQMbrpaGliu92DTnspy"
	graceArgon    = "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$gbf/SFxMMbGdacBN7IhMnP5qQZ1Lml+OVTsOtCvCWWc"
	graceBcrypt   = "$2a$04$JXkW0fkYvL7dDBPxi.8fo.V2irOXWsQHZ8Fl5o3Flmu8i6zjE2TQ6"
)

const demo = `# who may sign in
users:
  - id: 1
    email: " Ada@Example.com"
    password: ` + adaArgon + `
    roles: [admin]
    permissions: [reports:run]
    accounts:
      - { accountId: acme, accountName: Acme Ltd, accountAdmin: true }
      - { accountId: globex, accountName: Globex }
    primaryAccount: globex
    createdBy: ops@example.com
    createdAt: 2026-05-01T14:00:00+02:00
    updatedBy: ""
    updatedAt:
    disabled: false
  - id: 9007199254740991
    email: grace@example.com
    password: '` + graceArgon + `'
  - id: 3
    email: linus@example.com
    disabled: true
`

func parse(t *testing.T, text string) *users.People {
	t.Helper()
	people, err := users.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return people
}

// list is a users file with these people, each a flow mapping on its own line
// from line 2 on.
func list(people ...string) string {
	return "users:\n- {" + strings.Join(people, "}\n- {") + "}\n"
}

// person is one such person with a good hash.
func person(id int, email string, more ...string) string {
	return strings.Join(append([]string{
		fmt.Sprintf("id: %d, email: %s, password: '%s'", id, email, adaArgon)}, more...), ", ")
}

func TestParse(t *testing.T) {
	people := parse(t, demo)

	t.Run("every field is read", func(t *testing.T) {
		ada, ok := people.ByName("ada@example.com")
		want := &profile.Person{
			ID: 1, Email: "ada@example.com", Subject: "ada@example.com",
			CreatedBy: "ops@example.com", CreatedAt: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC),
			Accounts: []sessionstore.Account{
				{AccountID: "acme", AccountName: "Acme Ltd", AccountAdmin: true},
				{AccountID: "globex", AccountName: "Globex"},
			},
			PrimaryAccount: "globex",
			Roles:          []string{"admin"},
			Permissions:    []string{"reports:run"},
		}
		got := ada.Person()
		if got.Standing.PasswordHash == "" || got.Standing.Entry == "" {
			t.Error("what she is vouched for by is not read")
		}
		got.Standing = profile.Standing{}
		if !ok || ada.Disabled || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("a lone role needs no brackets", func(t *testing.T) {
		alone, ok := parse(t, list(person(1, "ada@example.com", "roles: admin"))).ByID(1)
		if got := alone.Person().Roles; !ok || !slices.Equal(got, []string{"admin"}) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("the largest id is found", func(t *testing.T) {
		if grace, ok := people.ByID(1<<53 - 1); !ok || grace.Person().Email != "grace@example.com" {
			t.Error("not found, or somebody else")
		}
	})
	t.Run("a disabled person needs no password", func(t *testing.T) {
		if linus, ok := people.ByID(3); !ok || !linus.Disabled {
			t.Error("not found, or not disabled")
		}
	})
	t.Run("nobody is found who is not in the file", func(t *testing.T) {
		_, byID := people.ByID(2)
		_, byEmail := people.ByName("mallory@example.com")
		if byID || byEmail {
			t.Error("somebody was found")
		}
	})
	t.Run("people come in the file's order", func(t *testing.T) {
		var ids []int64
		for e := range people.All() {
			ids = append(ids, e.Person().ID)
		}
		if people.Len() != 3 || !reflect.DeepEqual(ids, []int64{1, 1<<53 - 1, 3}) {
			t.Errorf("%d people: %v", people.Len(), ids)
		}
	})
	t.Run("what a caller changes stays its own", func(t *testing.T) {
		ada, _ := people.ByID(1)
		p := ada.Person()
		p.Roles[0], p.Permissions[0], p.Accounts[0].AccountID = "x", "x", "x"
		if again := ada.Person(); again.Roles[0] != "admin" ||
			again.Permissions[0] != "reports:run" || again.Accounts[0].AccountID != "acme" {
			t.Errorf("the change was shared: %+v", again)
		}
	})
	t.Run("an explicitly empty list is nobody", func(t *testing.T) {
		if n := parse(t, "users: []").Len(); n != 0 {
			t.Errorf("%d people", n)
		}
	})
	t.Run("a file that begins with --- is read", func(t *testing.T) {
		if n := parse(t, "---\n"+list(person(1, "ada@example.com"))).Len(); n != 1 {
			t.Errorf("%d people", n)
		}
	})
}

func TestParseTellsTheLineAndTheRemedy(t *testing.T) {
	const (
		fieldsOfPerson = "accounts, createdAt, createdBy, disabled, email, id, name, password, permissions, primaryAccount, roles, updatedAt, updatedBy, username"
		notHash        = "users file line 2: person 1: password is not a hash: make one with `caddy hash-password --algorithm argon2id`"
		badID          = "users file line 2: person 1: id must be a whole number from 1 to 9007199254740991, without quotes"
		badDate        = "users file line 2: person 1: createdAt must be a date like 2026-05-01T12:00:00Z (RFC 3339)"
		badUsername    = "users file line 2: person 1: username must be a name like ada, without @, without space around it, and of visible characters"
		alias          = "is an anchor or alias: write the value out, in quotes if it begins with * or &"
		params         = "users file line 2: person 1: password is a hash with parameters out of bounds: argon2id takes m=1..1048576, t=1..16, p=1..64, bcrypt a cost of 4..16"
	)
	argon := func(parameters string) string {
		return list("id: 1, email: a@example.com, password: '" + strings.Replace(adaArgon, "m=64,t=1,p=1", parameters, 1) + "'")
	}
	password := func(text string) string { return list("id: 1, email: a@example.com, password: " + text) }
	ada := func(more string) string { return list(person(1, "ada@example.com", more)) }

	for name, test := range map[string]struct{ file, want string }{
		"an empty file":                {"", "users file is empty: it needs a list called users (`users: []` for nobody)"},
		"only a comment":               {"# nobody\n", "users file is empty: it needs a list called users (`users: []` for nobody)"},
		"users without a list":         {"users:\n", "users file line 1: users is empty"},
		"another top-level field":      {"people: []\n", "users file line 1: unknown field `people`: known ones are users\nusers file line 1: users is missing"},
		"only a document mark":         {"---\n", "users file line 2: must be made of `field: value` lines"},
		"no YAML in a second document": {"users: []\n---\n\tusers\n", "users file line 3: not valid YAML: found character that cannot start any token"},
		"a list at the top":            {"- id: 1\n", "users file line 1: must be made of `field: value` lines"},
		"a text for the list":          {"users: ada\n", "users file line 1: users must be a list"},
		"users twice":                  {"users: []\nusers: []\n", "users file line 2: users is there twice: remove one of them"},
		"a second document":            {"users: []\n---\nusers: []\n", "users file line 2: a second document begins here: keep all people in one list"},
		"no YAML":                      {"users:\n\t- id: 1\n", "users file line 2: not valid YAML: found character that cannot start any token"},
		"no YAML, on the first line":   {"\tusers: []", "users file is not valid YAML: found character that cannot start any token"},
		"a person who is a text":       {"users:\n- ada\n", "users file line 2: person 1: must be made of `field: value` lines"},
		"an unknown field":             {ada("pasword: x"), "users file line 2: person 1: unknown field `pasword`: known ones are " + fieldsOfPerson},
		"a field that has no value":    {ada("hunter"), "users file line 2: person 1: unknown field: known ones are " + fieldsOfPerson},
		"a field that is no word":      {ada("hunter2: x"), "users file line 2: person 1: unknown field: known ones are " + fieldsOfPerson},
		"a field twice":                {ada("id: 1"), "users file line 2: person 1: id is there twice: remove one of them"},
		"a field twice, once without":  {list("id: , id: 2, email: a@example.com, disabled: true"), "users file line 2: person 1: id is empty\nusers file line 2: person 1: id is there twice: remove one of them"},
		"a merge key":                  {"users:\n- <<: {id: 1}\n  id: 1\n  email: a@example.com\n  disabled: true\n", "users file line 2: person 1: unknown field: known ones are " + fieldsOfPerson},
		"no id and no email":           {list("disabled: true"), "users file line 2: person 1: id is missing\nusers file line 2: person 1: email is missing"},
		"an id of 0":                   {list(person(0, "a@example.com")), badID},
		"a negative id":                {list(person(-1, "a@example.com")), badID},
		"an id beyond JavaScript's":    {list(person(1<<53, "a@example.com")), badID},
		"an id in quotes":              {list("id: '1', email: a@example.com, disabled: true"), badID},
		"an id in octal":               {list("id: 010, email: a@example.com, disabled: true"), badID},
		"an id in hexadecimal":         {list("id: 0x10, email: a@example.com, disabled: true"), badID},
		"an id with a fraction":        {list("id: 1.0, email: a@example.com, disabled: true"), badID},
		"an id that is a list":         {list("id: [1], email: a@example.com, disabled: true"), badID},
		"an id of two people":          {list(person(1, "a@example.com"), person(1, "b@example.com")), "users file line 3: person 2: id is that of line 2 already: give each person an id of their own"},
		"an email of two people":       {list(person(1, "a@example.com"), person(2, "A@Example.COM")), "users file line 3: person 2: email is that of line 2 already: give each person an address of their own"},
		"an email that is none":        {list(person(1, "ada")), "users file line 2: person 1: email must be an address like ada@example.com"},
		"an email that is a number":    {list(person(1, "42")), "users file line 2: person 1: email must be a text: put it in quotes"},
		"a username of two people":     {list(person(1, "a@example.com", "username: Ada"), person(2, "b@example.com", "username: aDA")), "users file line 3: person 2: username is that of line 2 already, in whatever case: give each person one of their own"},
		"a username that is an email":  {ada("username: grace@example.com"), badUsername},
		"a username with a wide @":     {ada("username: grace＠example.com"), badUsername},
		"a username with an @":         {ada("username: '@grace'"), badUsername},
		"a username with space around": {ada("username: ' ada'"), badUsername},
		"a username nobody can see":    {ada(`username: "a\u200bda"`), badUsername},
		"a username that is long":      {ada("username: " + strings.Repeat("a", 255)), badUsername},
		"an empty username":            {ada("username: ''"), badUsername},
		"a username that is a number":  {ada("username: 42"), "users file line 2: person 1: username must be a text: put it in quotes"},
		"a name with a line break":     {ada(`name: "Ada\nX-Admin: 1"`), "users file line 2: person 1: name holds a line break or another control character: remove it"},
		"no password":                  {list("id: 1, email: a@example.com"), "users file line 2: person 1: password is missing, without which nobody signs in: give a hash, or `disabled: true`; or `password: none` for who stays signed in by `login adopt`"},
		"none in other letters":        {password("None"), notHash},
		"none in a list":               {password("[none]"), notHash},
		"an empty password":            {password("''"), notHash},
		"a plain password":             {password("hunter2"), notHash},
		"a plain password of digits":   {password("12345678"), notHash},
		"a password that is a list":    {password("[hunter2]"), notHash},
		"a hash by MD5":                {password("$1$abcdefgh$0123456789abcdefghijkl"), notHash},
		"a hash by argon2i":            {password("'" + strings.Replace(adaArgon, "argon2id", "argon2i", 1) + "'"), notHash},
		"a hash by an old argon2":      {password("'" + strings.Replace(adaArgon, "v=19", "v=16", 1) + "'"), notHash},
		"a hash cut off":               {password("'" + adaArgon[:60] + "'"), notHash},
		"a hash without a key":         {password("'" + adaArgon[:strings.LastIndex(adaArgon, "$")+1] + "'"), notHash},
		"a hash that no base64 is":     {password("'" + adaArgon[:len(adaArgon)-1] + "'"), notHash},
		"a hash with a line break":     {password(`"` + adaArgon + `\n"`), notHash},
		"a bcrypt hash cut off":        {password("'" + adaBcrypt[:59] + "'"), notHash},
		"a bcrypt hash of 2x":          {password("'" + strings.Replace(adaBcrypt, "$2a", "$2x", 1) + "'"), notHash},
		"bcrypt that is too dear":      {password("'" + strings.Replace(adaBcrypt, "$04", "$17", 1) + "'"), params},
		"bcrypt that is too cheap":     {password("'" + strings.Replace(adaBcrypt, "$04", "$03", 1) + "'"), params},
		"argon2id of too much memory":  {argon("m=1048577,t=1,p=1"), params},
		"argon2id of too long":         {argon("m=64,t=17,p=1"), params},
		"argon2id of too many":         {argon("m=64,t=1,p=65"), params},
		"argon2id of no memory":        {argon("m=0,t=1,p=1"), params},
		"argon2id of no pass":          {argon("m=64,t=0,p=1"), params},
		"argon2id of no thread":        {argon("m=64,t=1,p=0"), params},
		"a role that is a number":      {ada("roles: [admin, 7]"), "users file line 2: person 1: roles 2 must be a text: put it in quotes"},
		"an empty role":                {ada("roles: ['']"), "users file line 2: person 1: roles 1 is empty"},
		"roles that are one text":      {ada("roles: 'admin, staff'"), "users file line 2: person 1: roles must be a list"},
		"a permission of two lines":    {ada(`permissions: ["a\r\nX-Admin: 1"]`), "users file line 2: person 1: permissions 1 holds a line break or another control character: remove it"},
		"too many roles":               {ada("roles: [" + strings.Repeat("a,", 1001) + "]"), "users file line 2: person 1: roles has 1001 elements: at most 1000 are allowed"},
		"a text too long":              {ada("createdBy: " + strings.Repeat("a", 513)), "users file line 2: person 1: createdBy is longer than 512 bytes"},
		"an account without an id":     {ada("accounts: [{accountName: Acme}]"), "users file line 2: person 1: account 1: accountId is missing"},
		"an account of an empty id":    {ada("accounts: [{accountId: ''}]"), "users file line 2: person 1: account 1: accountId is empty"},
		"an account twice":             {ada("accounts: [{accountId: acme}, {accountId: acme}]"), "users file line 2: person 1: account 2: accountId is that of line 2 already: name each account once"},
		"an account's unknown field":   {ada("accounts: [{accountId: acme, admin: true}]"), "users file line 2: person 1: account 1: unknown field `admin`: known ones are accountAdmin, accountId, accountName"},
		"an account that is a text":    {ada("accounts: [acme]"), "users file line 2: person 1: account 1: must be made of `field: value` lines"},
		"a primary account of others":  {ada("accounts: [{accountId: acme}], primaryAccount: globex"), "users file line 2: person 1: primaryAccount is none of the person's accounts: give the accountId of one of them"},
		"a date without a time":        {ada("createdAt: 2026-05-01"), badDate},
		"a date in words":              {ada("createdAt: yesterday"), badDate},
		"a date that is a list":        {ada("createdAt: []"), badDate},
		"a text that is a list":        {ada("createdBy: [ops]"), "users file line 2: person 1: createdBy must be a text: put it in quotes"},
		"disabled that is a list":      {ada("disabled: [true]"), "users file line 2: person 1: disabled must be true or false, without quotes"},
		"disabled by yes":              {ada("disabled: yes"), "users file line 2: person 1: disabled must be true or false, without quotes"},
		"disabled in quotes":           {ada("disabled: 'true'"), "users file line 2: person 1: disabled must be true or false, without quotes"},
		"an anchor":                    {ada("roles: &r [admin]"), "users file line 2: person 1: roles " + alias},
		"an alias":                     {"users:\n- &ada {" + person(1, "a@example.com") + "}\n- *ada\n", "users file line 2: person 1: " + alias + "\nusers file line 3: person 2: " + alias},
		"a password like an alias":     {password("*hunter2"), "users file is not valid YAML: put values that begin with * or & in quotes"},
		"a password like an anchor":    {password("&hunter2"), "users file line 2: person 1: password " + alias},
		"a password like a field":      {list("id: 1, email: a@example.com, password:hunter2"), "users file line 2: person 1: unknown field: known ones are " + fieldsOfPerson},
		"a password tagged as none":    {password("!!null hunter2"), notHash},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			people, err := users.Parse([]byte(test.file))
			if err == nil || people != nil {
				t.Fatalf("was read: %v", people)
			}
			if err.Error() != test.want {
				t.Errorf("error\n%v\nwant\n%v", err, test.want)
			}
		})
	}
}

func TestParseNeverRepeatsWhatTheFileHolds(t *testing.T) {
	const secret = "Tr0ub4dor"
	for _, file := range []string{
		"password: " + secret, secret, secret + ": 1", "*" + secret, "&" + secret, "!" + secret + " x", "%" + secret,
		"users: " + secret, "users:\n- " + secret, "users: {" + secret + ": 1}", "users: [\"\\" + secret + "\"]",
		list("id: 1, email: a@example.com, password: " + secret),
		list("id: 1, email: a@example.com, password: *" + secret),
		list("id: 1, email: a@example.com, password: &" + secret),
		list("id: 1, email: a@example.com, password:" + secret),
		list("id: " + secret + ", email: " + secret + ", createdAt: " + secret + ", disabled: " + secret),
		list(person(1, "a@example.com", "primaryAccount: "+secret, "accounts: ["+secret+"]", "roles: "+secret)),
		list(person(1, secret+"@example.com"), person(2, secret+"@example.com")),
	} {
		_, err := users.Parse([]byte(file))
		if err == nil {
			t.Errorf("%q was read", file)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%q is repeated: %v", file, err)
		}
	}
}

func TestParseIsBounded(t *testing.T) {
	t.Run("the first twenty problems are told", func(t *testing.T) {
		_, err := users.Parse([]byte("users:\n" + strings.Repeat("- ada\n", 25)))
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != 21 || lines[20] != "users file has more problems: 5 further ones" ||
			!strings.HasPrefix(lines[19], "users file line 21: person 20: ") {
			t.Errorf("%d lines: %v", len(lines), err)
		}
	})
	t.Run("a file that is too large is not parsed", func(t *testing.T) {
		_, err := users.Parse(make([]byte, users.MaxFile+1))
		if err == nil || err.Error() != "users file is larger than 16 MiB: remove people who have left, or use another login" {
			t.Error(err)
		}
	})
	t.Run("a file of nothing but commas is not parsed", func(t *testing.T) {
		_, err := users.Parse([]byte("users: [" + strings.Repeat("0,", 3_000_000) + "]"))
		if err == nil || err.Error() != "users file has more than 3000000 commas, colons and dashes: it is too large" {
			t.Error(err)
		}
	})
	t.Run("a full file of people is read", func(t *testing.T) {
		count := users.MaxPeople
		if os.Getenv("SIDEGATE_LONG") == "" {
			count /= 10 // the race detector takes seconds for all
		}
		people := make([]string, count)
		for i := range people {
			people[i] = fmt.Sprintf("id: %d, email: p%d@example.com, disabled: true", i+1, i)
		}
		if n := parse(t, list(people...)).Len(); n != count {
			t.Errorf("%d people", n)
		}
	})
	t.Run("too many people are refused", func(t *testing.T) {
		_, err := users.Parse([]byte("users: [" + strings.Repeat("0,", users.MaxPeople+1) + "]"))
		if err == nil || err.Error() != "users file line 1: users has 100001 elements: at most 100000 are allowed" {
			t.Error(err)
		}
	})
	t.Run("a bomb of aliases is refused and never expanded", func(t *testing.T) {
		var bomb strings.Builder
		bomb.WriteString("users:\n- roles: &a0 [x,x,x,x,x,x,x,x,x]\n")
		for i := 1; i < 10; i++ {
			fmt.Fprintf(&bomb, "  a%d: &a%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9))
		}
		if _, err := users.Parse([]byte(bomb.String())); err == nil || !strings.Contains(err.Error(), "line 2: person 1: roles is an anchor or alias") {
			t.Error(err)
		}
	})
	t.Run("nesting without end is refused", func(t *testing.T) {
		if _, err := users.Parse([]byte(strings.Repeat("[", 100_000))); err == nil {
			t.Error("was read")
		}
	})
}

func TestMixedHashes(t *testing.T) {
	for name, test := range map[string]struct {
		hashes []string
		want   []string
	}{
		"nobody":                     {nil, nil},
		"all alike":                  {[]string{adaArgon, graceArgon}, nil},
		"two algorithms":             {[]string{adaBcrypt, adaArgon, graceArgon}, []string{"argon2id m=64,t=1,p=1 (people: 2)", "bcrypt cost=4 (people: 1)"}},
		"two sizes of one algorithm": {[]string{adaArgon, strings.Replace(adaArgon, "m=64", "m=128", 1)}, []string{"argon2id m=64,t=1,p=1 (people: 1)", "argon2id m=128,t=1,p=1 (people: 1)"}},
		"one without a password":     {[]string{adaBcrypt, ""}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var entries []string
			for i, h := range test.hashes {
				entry := fmt.Sprintf("id: %d, email: p%d@example.com, disabled: true", i+1, i)
				if h != "" {
					entry += ", password: '" + h + "'"
				}
				entries = append(entries, entry)
			}
			file := "users: []"
			if entries != nil {
				file = list(entries...)
			}
			if got := parse(t, file).MixedHashes(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
