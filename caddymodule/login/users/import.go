package users

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/login"
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
// without it. Nothing of it is written in the file. The error is of a file that
// cannot be read at all, or of which no users file can be made.
func Import(kind string, data []byte, options ImportOptions) (users []byte, told []string, err error) {
	i := &importer{
		domain: cmp.Or(options.Domain, "users.invalid"), next: cmp.Or(options.FirstID, 1),
		emails: make(map[string]int), names: make(map[string]int),
	}
	switch {
	case len(data) > MaxFile:
		return nil, nil, fmt.Errorf("the file is larger than %d MiB", MaxFile>>20)
	case kind == KindHtpasswd:
		i.htpasswd(string(data))
	case kind == KindAuthelia:
		err = i.authelia(data)
	default:
		err = fmt.Errorf("unknown kind of file: use %s or %s", KindHtpasswd, KindAuthelia)
	}
	if err != nil {
		return nil, nil, err
	}
	users, err = i.file()
	return users, i.told, err
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
	ID       int64    `yaml:"id"`
	Email    string   `yaml:"email"`
	Username string   `yaml:"username,omitempty"`
	Name     string   `yaml:"name,omitempty"`
	Password string   `yaml:"password,omitempty"`
	Roles    []string `yaml:"roles,omitempty,flow"`
	Disabled bool     `yaml:"disabled,omitempty"`
}

type importer struct {
	domain string
	next   int64
	rows   []*yaml.Node
	told   []string
	emails map[string]int // lines
	names  map[string]int
}

func (i *importer) tell(line int, text string) {
	i.told = append(i.told, fmt.Sprintf("line %d: %s", line, text))
}

// add takes somebody over.
func (i *importer) add(p imported) {
	r, comment, ok := i.row(p)
	if !ok {
		return
	}
	n := new(yaml.Node)
	if err := n.Encode(r); err != nil {
		i.tell(p.line, "cannot be written as YAML: left out")
		return
	}
	n.HeadComment = comment
	i.rows, i.next = append(i.rows, n), i.next+1
}

func (i *importer) row(p imported) (r row, comment string, ok bool) {
	name, err := login.ReadName(p.name)
	if err != nil {
		i.tell(p.line, "the name is none that people can sign in by here: left out; give them another one")
		return r, "", false
	}
	r = row{ID: i.next, Email: p.email, Name: p.called, Password: p.password, Roles: p.roles, Disabled: p.disabled}
	switch {
	case !login.IsAddress(name):
		r.Username = name
		r.Email = cmp.Or(p.email, login.FoldName(name)+"@"+i.domain)
	case p.email == "" || strings.EqualFold(strings.TrimSpace(p.email), name):
		r.Email = name
	default:
		i.tell(p.line, "the name is an address, and not that of the person: they sign in by the address from now on; tell them")
	}
	email, err := login.ReadName(r.Email)
	if err != nil || !login.IsAddress(email) {
		i.tell(p.line, "there is no address to know the person by (a name with spaces makes none): left out; give them an email")
		return r, "", false
	}
	r.Email = email
	if !i.isFirst(p.line, i.emails, email, "address") || r.Username != "" && !i.isFirst(p.line, i.names, login.FoldName(name), "name") {
		return r, "", false
	}
	if _, err := parseHash(p.password); err != nil {
		r.Password, r.Disabled = "", true
		comment = "has no password that can be taken over: give a hash (caddy hash-password --algorithm argon2id), and take disabled away"
		i.tell(p.line, "the password's hash ("+algorithm(p.password)+") is not taken, so the person is written as disabled: "+
			"give them a new password with `caddy hash-password --algorithm argon2id`, and take disabled away")
	}
	return r, comment, true
}

func (i *importer) isFirst(line int, seen map[string]int, key, what string) bool {
	if before, taken := seen[key]; taken {
		i.tell(line, fmt.Sprintf("the %s is that of line %d, in whatever case: left out; give one of them another", what, before))
		return false
	}
	seen[key] = line
	return true
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

// file is the users file, which is read once, so that nobody has to find out
// later that it cannot be.
func (i *importer) file() ([]byte, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode, Content: i.rows}
	if len(i.rows) == 0 {
		list.Style = yaml.FlowStyle
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(map[string]*yaml.Node{"users": list}); err != nil {
		return nil, fmt.Errorf("writing the users file: %w", err)
	}
	if _, err := Parse(out.Bytes()); err != nil {
		return nil, fmt.Errorf("what would be written is no users file, by its own lines: %w", err)
	}
	return out.Bytes(), nil
}

// htpasswd reads lines of name:hash.
func (i *importer) htpasswd(text string) {
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, ok := strings.Cut(line, ":")
		if !ok {
			i.tell(n+1, "is none of the form name:hash: left out")
			continue
		}
		hash, _, _ := strings.Cut(rest, ":")
		i.add(imported{line: n + 1, name: name, password: hash})
	}
}

// authelia reads a users database of Authelia's file backend.
func (i *importer) authelia(data []byte) error {
	var file struct {
		Users yaml.Node `yaml:"users"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return syntaxError(err)
	}
	if file.Users.Kind != yaml.MappingNode {
		return fmt.Errorf("the file has no `users:` with names below it, as Authelia's users database does")
	}
	for n := 0; n+1 < len(file.Users.Content); n += 2 {
		key, value := file.Users.Content[n], file.Users.Content[n+1]
		var entry struct {
			Disabled    bool     `yaml:"disabled"`
			DisplayName string   `yaml:"displayname"`
			Email       string   `yaml:"email"`
			Password    string   `yaml:"password"`
			Groups      []string `yaml:"groups"`
		}
		if err := value.Decode(&entry); err != nil {
			i.tell(key.Line, "cannot be read: left out; a field is of another type than in Authelia")
			continue
		}
		i.add(imported{line: key.Line, name: key.Value, email: entry.Email, password: entry.Password,
			called: entry.DisplayName, roles: entry.Groups, disabled: entry.Disabled})
	}
	return nil
}
