package users

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// scope reads values, and says where it is when one is wrong.
type scope struct {
	p     *parser
	where string // such as "person 3: "
	field string // such as "email "; empty for the person as a whole
}

func (s scope) problem(n *yaml.Node, text string) {
	s.p.problem(n.Line, s.where+s.field+text)
}

// fields are what a mapping may hold and how each value is read, in the scope
// of its field.
type fields map[string]func(s scope, value *yaml.Node)

// mapping reads the fields of a mapping and reports whether all was well. A
// field without a value is taken as absent, unless it is required.
func (s scope) mapping(n *yaml.Node, known fields, required ...string) bool {
	before := s.p.count()
	if !s.is(n, yaml.MappingNode, "must be made of `field: value` lines") {
		return false
	}
	seen := make(map[string]bool, len(known))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name, read := key.Value, known[key.Value]
		switch {
		case read == nil || key.Kind != yaml.ScalarNode || key.Anchor != "":
			s.problem(key, "unknown field"+named(key, value)+": known ones are "+
				strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			continue
		case seen[name]:
			s.problem(key, name+" is there twice: remove one of them")
			continue
		}
		seen[name] = true
		if !absent(value) {
			read(scope{s.p, s.where, name + " "}, value)
		} else if slices.Contains(required, name) {
			s.problem(value, name+" is empty")
		}
	}
	for _, name := range required {
		if !seen[name] {
			s.problem(n, name+" is missing")
		}
	}
	return s.p.count() == before
}

// fieldName is what somebody may have meant as a field's name.
var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z_]{0,31}$`)

// named is the unknown field in quotes, if it is meant as one: `password:secret`,
// without the blank, is a field too, and one without a value may be a password that
// has lost its own.
func named(key, value *yaml.Node) string {
	if key.Kind != yaml.ScalarNode || key.Anchor != "" || absent(value) || !fieldName.MatchString(key.Value) {
		return ""
	}
	return " `" + key.Value + "`"
}

// absent says that a field has no value. An anchor without a value is none:
// `password: &abc` was meant to be something.
func absent(n *yaml.Node) bool {
	return n.Tag == "!!null" && n.Style&yaml.TaggedStyle == 0 && n.Anchor == ""
}

// is reports whether the node is of that kind and written out in full. An
// alias is never followed: a few lines of them can stand for gigabytes.
func (s scope) is(n *yaml.Node, kind yaml.Kind, remedy string) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		s.problem(n, "is an anchor or alias: write the value out, in quotes if it begins with * or &")
		return false
	}
	if n.Kind != kind {
		s.problem(n, remedy)
		return false
	}
	return true
}

func (s scope) list(n *yaml.Node, most int) []*yaml.Node {
	if !s.is(n, yaml.SequenceNode, "must be a list") {
		return nil
	}
	if len(n.Content) > most {
		s.problem(n, fmt.Sprintf("has %d elements: at most %d are allowed", len(n.Content), most))
		return nil
	}
	return n.Content
}

// text reads a text within profile.Build's bounds, so that a slip is found
// when the file is read, not when somebody signs in.
func (s scope) text(n *yaml.Node, limit int) string {
	const remedy = "must be a text: put it in quotes"
	if !s.is(n, yaml.ScalarNode, remedy) {
		return ""
	}
	switch {
	case n.Tag != "!!str":
		s.problem(n, remedy)
	case len(n.Value) > limit:
		s.problem(n, fmt.Sprintf("is longer than %d bytes", limit))
	case strings.ContainsFunc(n.Value, breaks):
		// It becomes a header's value, where a line break would add a header.
		s.problem(n, "holds a line break or another control character: remove it")
	default:
		return n.Value
	}
	return ""
}

// breaks reports whether the character ends a line or steers a terminal.
func breaks(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) }

// name is a text that may not be empty.
func (s scope) name(n *yaml.Node) string {
	before := s.p.count()
	text := s.text(n, profile.MaxName)
	if text == "" && s.p.count() == before {
		s.problem(n, "is empty")
	}
	return text
}

// names reads a list of names. One alone needs no brackets; several in one text
// do, for "admin, staff" would be a role that nobody asks for.
func (s scope) names(n *yaml.Node, most int) []string {
	items := []*yaml.Node{n}
	if n.Kind != yaml.ScalarNode || strings.Contains(n.Value, ",") {
		items = s.list(n, most)
	}
	names := make([]string, 0, len(items))
	for i, item := range items {
		names = append(names, scope{s.p, s.where, fmt.Sprintf("%s%d ", s.field, i+1)}.name(item))
	}
	return names
}

func (s scope) boolean(n *yaml.Node) bool {
	const remedy = "must be true or false, without quotes"
	if !s.is(n, yaml.ScalarNode, remedy) {
		return false
	}
	value, err := strconv.ParseBool(n.Value)
	if err != nil || n.Tag != "!!bool" {
		s.problem(n, remedy)
	}
	return value
}

func (s scope) date(n *yaml.Node) time.Time {
	const remedy = "must be a date like 2026-05-01T12:00:00Z (RFC 3339)"
	if !s.is(n, yaml.ScalarNode, remedy) {
		return time.Time{}
	}
	value, err := time.Parse(time.RFC3339, n.Value)
	if err != nil {
		s.problem(n, remedy)
	}
	return value.UTC()
}

// decimal leaves out 010 and 0x10, which people and YAML read differently.
var decimal = regexp.MustCompile(`^[1-9][0-9]{0,15}$`)

func (s scope) id(n *yaml.Node) int64 {
	remedy := fmt.Sprintf("must be a whole number from 1 to %d, without quotes", int64(sessionstore.MaxNumber))
	if !s.is(n, yaml.ScalarNode, remedy) {
		return 0
	}
	value, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil || n.Tag != "!!int" || value > sessionstore.MaxNumber || !decimal.MatchString(n.Value) {
		s.problem(n, remedy)
		return 0
	}
	if line, taken := s.p.ids[value]; taken {
		s.problem(n, fmt.Sprintf("is that of line %d already: give each person an id of their own", line))
	}
	s.p.ids[value] = n.Line
	return value
}

func (s scope) email(n *yaml.Node) string {
	before := s.p.count()
	text := s.text(n, profile.MaxText)
	if s.p.count() != before {
		return ""
	}
	email, err := profile.NormalizeEmail(text)
	if err != nil || len(email) > profile.MaxEmail {
		s.problem(n, "must be an address like ada@example.com")
		return ""
	}
	if line, taken := s.p.emails[email]; taken {
		s.problem(n, fmt.Sprintf("is that of line %d already: give each person an address of their own", line))
	}
	s.p.emails[email] = n.Line
	return email
}

// username reads a name to sign in by. None of them is an address: somebody who
// may choose theirs would stand in the way of whose address it is.
func (s scope) username(n *yaml.Node) string {
	before := s.p.count()
	text := s.text(n, profile.MaxText)
	if s.p.count() != before {
		return ""
	}
	name, err := login.ReadName(text)
	if err != nil || name != text || login.IsAddress(name) {
		s.problem(n, "must be a name like ada, without @, without space around it, and of visible characters")
		return ""
	}
	folded := login.FoldName(name)
	if line, taken := s.p.usernames[folded]; taken {
		s.problem(n, fmt.Sprintf("is that of line %d already, in whatever case: give each person one of their own", line))
	}
	s.p.usernames[folded] = n.Line
	return name
}

// hash reads a password's hash. A number or a date is a password that
// somebody has written in plain text.
func (s scope) hash(n *yaml.Node) hash {
	if !s.is(n, yaml.ScalarNode, errNotHash.Error()) {
		return hash{}
	}
	if n.Value == noPassword {
		return hash{none: true}
	}
	h, err := parseHash(n.Value)
	if err != nil {
		s.problem(n, err.Error())
	}
	return h
}

func (s scope) accounts(n *yaml.Node) []sessionstore.Account {
	items := s.list(n, profile.MaxAccounts)
	accounts := make([]sessionstore.Account, 0, len(items))
	lines := make(map[string]int, len(items))
	for i, item := range items {
		var a sessionstore.Account
		in := scope{p: s.p, where: fmt.Sprintf("%saccount %d: ", s.where, i+1)}
		in.mapping(item, fields{
			"accountId":    func(s scope, v *yaml.Node) { a.AccountID = s.name(v) },
			"accountName":  func(s scope, v *yaml.Node) { a.AccountName = s.text(v, profile.MaxText) },
			"accountAdmin": func(s scope, v *yaml.Node) { a.AccountAdmin = s.boolean(v) },
		}, "accountId")
		if line, taken := lines[a.AccountID]; taken && a.AccountID != "" {
			in.problem(item, fmt.Sprintf("accountId is that of line %d already: name each account once", line))
		}
		lines[a.AccountID] = item.Line
		accounts = append(accounts, a)
	}
	return accounts
}
