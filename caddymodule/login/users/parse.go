package users

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/profile"
)

// Bounds of a users file.
const (
	MaxFile   = 16 << 20 // bytes
	MaxPeople = 100_000
)

const (
	// maxProblems is how many problems one error tells of.
	maxProblems = 20
	// maxMarks bounds the characters that separate YAML's values. Each value
	// takes some 200 bytes when it is read: without this bound a file of
	// nothing but commas would take a hundred times its size.
	maxMarks = 3_000_000
)

// Parse reads a users file. Its error joins the first problems that were
// found, one a line, each as `users file line N: ...`.
func Parse(data []byte) (*People, error) { return parse(data, nil) }

// RoleCheck says what is wrong with the name of a role; nil where nothing is.
type RoleCheck func(role string) error

func parse(data []byte, roles RoleCheck) (*People, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("users file is larger than %d MiB: remove people who have left, or use another login", MaxFile>>20)
	}
	if marks(data) > maxMarks {
		return nil, fmt.Errorf("users file has more than %d commas, colons and dashes: it is too large", maxMarks)
	}
	root, err := decode(data)
	if err != nil {
		return nil, err
	}
	p := newParser()
	p.roles = roles
	entries := p.document(root)
	if err := p.err(); err != nil {
		return nil, err
	}
	return newPeople(entries), nil
}

// marks counts what begins another value: a comma in flow style, a colon or a
// dash in block style.
func marks(data []byte) int {
	return bytes.Count(data, []byte(",")) + bytes.Count(data, []byte(":")) + bytes.Count(data, []byte("-"))
}

// decode reads the one document of the data as nodes, which expands no alias.
func decode(data []byte) (*yaml.Node, error) {
	var document, further yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	switch err := dec.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("users file is empty: it needs a list called users (`users: []` for nobody)")
	case err != nil:
		return nil, syntaxError(err)
	}
	switch err := dec.Decode(&further); {
	case err == nil:
		return nil, fmt.Errorf("users file line %d: a second document begins here: keep all people in one list", further.Line)
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(err)
	}
	return document.Content[0], nil
}

var yamlPlace = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxError is the error of the YAML library in our form.
func syntaxError(err error) error { return notYAML("users file", err) }

// notYAML is the error of the YAML library of a file. One of its texts names an
// anchor, which is what a password beginning with * or & looks like.
func notYAML(file string, err error) error {
	m := yamlPlace.FindStringSubmatch(err.Error())
	switch {
	case m == nil || strings.HasPrefix(m[2], "unknown anchor"):
		return fmt.Errorf("%s is not valid YAML: put values that begin with * or & in quotes", file)
	case m[1] == "":
		return fmt.Errorf("%s is not valid YAML: %s", file, m[2])
	}
	return fmt.Errorf("%s line %s: not valid YAML: %s", file, m[1], m[2])
}

// parser collects the problems of one file.
type parser struct {
	problems  []error
	omitted   int
	ids       map[int64]int // line of each id
	emails    map[string]int
	usernames map[string]int // folded
	roles     RoleCheck      // nil for any
}

func newParser() *parser {
	return &parser{ids: make(map[int64]int), emails: make(map[string]int), usernames: make(map[string]int)}
}

func (p *parser) problem(line int, text string) {
	if len(p.problems) == maxProblems {
		p.omitted++
		return
	}
	p.problems = append(p.problems, fmt.Errorf("users file line %d: %s", line, text))
}

func (p *parser) count() int { return len(p.problems) + p.omitted }

func (p *parser) err() error {
	if p.omitted > 0 {
		more := fmt.Errorf("users file has more problems: %d further ones", p.omitted)
		return errors.Join(append(p.problems, more)...)
	}
	return errors.Join(p.problems...)
}

func (p *parser) document(root *yaml.Node) []*Entry {
	var entries []*Entry
	scope{p: p}.mapping(root, fields{
		"users": func(s scope, n *yaml.Node) { entries = p.people(s, n) },
	}, "users")
	return entries
}

func (p *parser) people(s scope, n *yaml.Node) []*Entry {
	list := s.list(n, MaxPeople)
	entries := make([]*Entry, 0, len(list))
	for i, item := range list {
		entries = append(entries, p.person(scope{p: p, where: fmt.Sprintf("person %d: ", i+1)}, item))
	}
	return entries
}

// person reads one person. What it returns is whole only if no problem was found.
func (p *parser) person(s scope, n *yaml.Node) *Entry {
	e := new(Entry)
	f := &e.person
	primary := n
	ok := s.mapping(n, fields{
		"id":          func(s scope, v *yaml.Node) { f.ID = s.id(v) },
		"email":       func(s scope, v *yaml.Node) { f.Email = s.email(v) },
		"username":    func(s scope, v *yaml.Node) { f.Username = s.username(v) },
		"name":        func(s scope, v *yaml.Node) { f.Name = s.text(v, profile.MaxText) },
		"password":    func(s scope, v *yaml.Node) { e.hash = s.hash(v) },
		"roles":       func(s scope, v *yaml.Node) { f.Roles = s.roles(v) },
		"permissions": func(s scope, v *yaml.Node) { f.Permissions = s.names(v, profile.MaxPermissions) },
		"accounts":    func(s scope, v *yaml.Node) { f.Accounts = s.accounts(v) },
		"primaryAccount": func(s scope, v *yaml.Node) {
			primary, f.PrimaryAccount = v, s.text(v, profile.MaxText)
		},
		"createdBy": func(s scope, v *yaml.Node) { f.CreatedBy = s.text(v, profile.MaxText) },
		"createdAt": func(s scope, v *yaml.Node) { f.CreatedAt = s.date(v) },
		"updatedBy": func(s scope, v *yaml.Node) { f.UpdatedBy = s.text(v, profile.MaxText) },
		"updatedAt": func(s scope, v *yaml.Node) { f.UpdatedAt = s.date(v) },
		"disabled":  func(s scope, v *yaml.Node) { e.Disabled = s.boolean(v) },
	}, "id", "email")
	if !ok {
		return e
	}
	f.Subject = f.Email
	if e.hash == (hash{}) && !e.Disabled {
		s.problem(n, "password is missing, without which nobody signs in: give a hash, or `disabled: true`; or `password: none` for who stays signed in by `login adopt`")
	}
	if f.PrimaryAccount != "" && !hasAccount(f, f.PrimaryAccount) {
		s.problem(primary, "primaryAccount is none of the person's accounts: give the accountId of one of them")
	}
	return e
}

// roles reads names of roles.
func (s scope) roles(n *yaml.Node) []string {
	roles := s.names(n, profile.MaxRoles)
	if s.p.roles == nil {
		return roles
	}
	for _, role := range roles {
		if err := s.p.roles(role); err != nil {
			s.problem(n, "hold a slip: "+err.Error())
		}
	}
	return roles
}

func hasAccount(p *profile.Person, id string) bool {
	for _, a := range p.Accounts {
		if a.AccountID == id {
			return true
		}
	}
	return false
}
