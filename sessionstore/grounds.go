package sessionstore

import "slices"

// Grounds are what a session was vouched by when it was built, so that any
// gateway can tell at once, without asking anybody, whether it still is.
type Grounds struct {
	// Password is a keyed digest of the hash of the person's password, of a
	// login that keeps those itself. Empty: it keeps none.
	Password string
	// Rules are digests of what configurations say of people, of those under
	// which the session was built: the latest first, MaxRules of them.
	Rules []string
	// Roles and Permissions are those that were granted, before roles brought
	// others with them. Both are nil when the flat lists are the same.
	Roles, Permissions []string
}

// MaxRules is how many configurations a session knows to have been built under.
// Gateways that share a store differ while they are upgraded, and a few may
// differ for good.
const MaxRules = 8

// BuiltUnder reports whether the session was built under those rules, not only
// the last time.
func (g *Grounds) BuiltUnder(rules string) bool { return g != nil && slices.Contains(g.Rules, rules) }

// Latest is what the session was built under the last time; empty: unknown.
func (g *Grounds) Latest() string {
	if g == nil || len(g.Rules) == 0 {
		return ""
	}
	return g.Rules[0]
}

// Rebuilt are the rules of a session with these grounds that is built anew
// under rules.
func (g *Grounds) Rebuilt(rules string) []string {
	all := []string{rules}
	if g != nil {
		all = append(all, slices.DeleteFunc(slices.Clone(g.Rules), func(before string) bool { return before == rules })...)
	}
	return all[:min(len(all), MaxRules)]
}

// clone shares nothing with g.
func (g *Grounds) clone() *Grounds {
	if g == nil {
		return nil
	}
	c := *g
	c.Rules, c.Roles, c.Permissions = slices.Clone(g.Rules), slices.Clone(g.Roles), slices.Clone(g.Permissions)
	return &c
}

// Tags within the grounds.
const (
	tagGroundsPassword   = 1
	tagGroundsRules      = 2
	tagGroundsRole       = 3
	tagGroundsPermission = 4
)

// appendGrounds writes them as a row of its own. Of a session without any
// nothing is written: it was built before they were.
func appendGrounds(b []byte, g *Grounds) []byte {
	if g == nil {
		return b
	}
	var room [256]byte
	row := appendText(room[:0], tagGroundsPassword, g.Password)
	for _, rules := range g.Rules {
		row = appendField(row, tagGroundsRules, rules)
	}
	for _, role := range g.Roles {
		row = appendField(row, tagGroundsRole, role)
	}
	for _, permission := range g.Permissions {
		row = appendField(row, tagGroundsPermission, permission)
	}
	return appendField(b, tagGrounds, row)
}

func decodeGrounds(row string) (*Grounds, bool) {
	g := new(Grounds)
	f := fields{text: row}
	for tag, value, ok := f.next(); ok; tag, value, ok = f.next() {
		switch tag {
		case tagGroundsPassword:
			g.Password = value
		case tagGroundsRules:
			g.Rules = append(g.Rules, value)
		case tagGroundsRole:
			g.Roles = append(g.Roles, value)
		case tagGroundsPermission:
			g.Permissions = append(g.Permissions, value)
		}
	}
	return g, !f.bad
}

// View says that a session is served in place of its record: what is local in
// this gateway's configuration was worked out anew. It is never written.
type View struct {
	// Of is the record, which changes are made to.
	Of *Session
	// Due says that the rest of the configuration is new to the session too:
	// its sources are to be asked.
	Due bool
}

// Record is the session as the store has it, whether or not another is served
// in its place.
func (s *Session) Record() *Session {
	if s.View != nil {
		return s.View.Of
	}
	return s
}
