package users

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// The kinds of file that Import reads.
const (
	KindHtpasswd = "htpasswd"
	KindAuthelia = "authelia"
)

// ImportOptions are what a file of another kind does not say.
type ImportOptions struct {
	// Domain is that of the addresses made for people without one. Empty means
	// users.invalid, where no mail goes (RFC 2606 section 2).
	Domain string
	// FirstID is the id of the first; the others count on. Zero means 1.
	FirstID int64
}

// Import makes a users file of one of another kind. Told is, one for each, what
// could not be taken as it was, with its line and what to do; nobody is left out
// without it, and nobody for what is wrong with somebody else. Nothing of it is
// written in the file. The error is of a file that cannot be read at all, or of
// which no users file can be made.
func Import(kind string, data []byte, options ImportOptions) (users []byte, told []string, err error) {
	i := &importer{
		domain: cmp.Or(options.Domain, "users.invalid"), next: cmp.Or(options.FirstID, 1),
		emails: make(map[string]int), names: make(map[string]int),
	}
	if err := i.check(kind, data); err != nil {
		return nil, nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if kind == KindHtpasswd {
		i.htpasswd(string(data))
	} else if err := i.authelia(data); err != nil {
		return nil, nil, err
	}
	users, err = i.file()
	return users, i.told, err
}

// check finds what is wrong for all people at once.
func (i *importer) check(kind string, data []byte) error {
	switch {
	case kind != KindHtpasswd && kind != KindAuthelia:
		return fmt.Errorf("unknown kind of file: use %s or %s", KindHtpasswd, KindAuthelia)
	case len(data) > MaxFile:
		return fmt.Errorf("the file is larger than %d MiB", MaxFile>>20)
	case i.next < 1 || i.next > sessionstore.MaxNumber:
		return fmt.Errorf("the first id must be from 1 to %d", int64(sessionstore.MaxNumber))
	}
	if _, err := profile.NormalizeEmail("a@" + i.domain); err != nil {
		return errors.New("the domain is none that an address can have: give one like corp.example")
	}
	return anotherKind(kind, data)
}

// imported is somebody as another file has them.
type imported struct {
	line                  int
	name, email, password string
	called                string
	roles                 []string
	disabled              bool
}

// row is somebody in the file that is made.
type row struct {
	comment                         string
	ID                              int64
	Email, Username, Name, Password string
	Roles                           []string
	Disabled                        bool
}

type importer struct {
	domain string
	next   int64
	users  bytes.Buffer // the list of those who are taken
	count  int
	told   []string
	emails map[string]int // lines
	names  map[string]int
}

func (i *importer) tell(line int, text string) {
	i.told = append(i.told, fmt.Sprintf("line %d: %s", line, text))
}

// add takes somebody over, and reports whether there is room for more.
func (i *importer) add(p imported) bool {
	if i.count == MaxPeople {
		i.tell(p.line, fmt.Sprintf("a users file holds at most %d people: this one and all behind are left out; use another login", MaxPeople))
		return false
	}
	r, wrong := i.row(p)
	if wrong != "" {
		i.tell(p.line, wrong)
		return true
	}
	text, err := r.written()
	if err != nil {
		i.tell(p.line, err.Error()+": left out; change that and import the file again")
		return true
	}
	if taken := i.taken(p, r); taken != "" {
		i.tell(p.line, taken)
		return true
	}
	i.users.Write(text)
	i.next, i.count = i.next+1, i.count+1
	i.tellOf(p, r)
	return true
}

// row is what becomes of somebody, or what is wrong with them.
func (i *importer) row(p imported) (r row, wrong string) {
	name, err := login.ReadName(p.name)
	if err != nil {
		return r, whyNoName(p.name)
	}
	r = row{ID: i.next, Email: p.email, Name: p.called, Password: p.password, Roles: p.roles, Disabled: p.disabled}
	switch {
	case !login.IsAddress(name):
		r.Username = name
		r.Email = cmp.Or(p.email, login.FoldName(name)+"@"+i.domain)
	case p.email == "":
		r.Email = name
	}
	if r.Email, err = profile.NormalizeEmail(r.Email); err != nil {
		return r, whyNoAddress(p)
	}
	if _, err := parseHash(p.password); err != nil {
		r.Password = ""
		r.comment = "has no password that can be taken over: give a hash (caddy hash-password --algorithm argon2id)"
		if !r.Disabled {
			r.Password = noPassword
		}
	}
	return r, ""
}

// tellOf tells what is other than it was with somebody who is taken.
func (i *importer) tellOf(p imported, r row) {
	if r.Username == "" && p.email != "" && !strings.EqualFold(strings.TrimSpace(p.name), r.Email) {
		i.tell(p.line, "the name is an address, and not that of the person: they sign in by the address from now on; tell them")
	}
	if _, err := parseHash(p.password); err != nil {
		what := "the password's hash (" + algorithm(p.password) + ") is not taken"
		if p.password == "" {
			what = "there is no password's hash"
		}
		if r.Disabled {
			i.tell(p.line, what+"; the person is disabled, and stays so")
			return
		}
		i.tell(p.line, fmt.Sprintf("%s, so the person (id %d) is written with `password: none` and cannot sign in: whoever is signed in at the other gateway "+
			"stays so by a `login adopt` with `as users` until that session ends; give them a new password with `caddy hash-password --algorithm argon2id` before", what, r.ID))
	}
}

// taken says whose name or address somebody has too. A name makes an address, so
// it is looked at first.
func (i *importer) taken(p imported, r row) string {
	const remedy = "left out; give one of them another"
	name := login.FoldName(r.Username)
	if line, taken := i.names[name]; taken && name != "" {
		return fmt.Sprintf("the name is that of line %d, in whatever case: %s", line, remedy)
	}
	if line, taken := i.emails[r.Email]; taken && p.email == "" && name != "" {
		return fmt.Sprintf("the address that is made of the name is that of line %d: %s", line, remedy)
	} else if taken {
		return fmt.Sprintf("the address is that of line %d, in whatever case: %s", line, remedy)
	}
	i.names[name], i.emails[r.Email] = p.line, p.line
	return ""
}

// algorithm names what made a hash, by how it begins.
func algorithm(hash string) string {
	for _, known := range [][2]string{
		{"$apr1$", "MD5"}, {"$1$", "MD5"}, {"{SHA}", "SHA-1"}, {"$5$", "SHA-256 crypt"}, {"$6$", "SHA-512 crypt"}, {"$scrypt$", "scrypt"},
		{"$y$", "yescrypt"}, {"$pbkdf2", "PBKDF2"}, {"$argon2i$", "argon2i"}, {"$argon2d$", "argon2d"}, {"$2x$", "a broken bcrypt"},
		{"$bcrypt-sha256$", "bcrypt of SHA-256"}, {"$argon2id$", "argon2id with parameters out of bounds"}, {"$2", "bcrypt with a cost out of bounds"},
	} {
		if strings.HasPrefix(hash, known[0]) {
			return known[1]
		}
	}
	return "of no known kind"
}

// file is the users file, which is not too large to be read.
func (i *importer) file() ([]byte, error) {
	if i.count == 0 {
		return []byte("users: []\n"), nil
	}
	file := append([]byte("users:\n"), i.users.Bytes()...)
	if len(file) > MaxFile || marks(file) > maxMarks {
		return nil, fmt.Errorf("the users file would be larger than the %d MiB, or have more than the %d values, that one may have: use another login",
			MaxFile>>20, maxMarks)
	}
	return file, nil
}
