package sessionstore

import (
	"slices"
	"time"
)

// Grounds are what a session was vouched by when it was built, so that any
// gateway can tell at once, without asking anybody, whether it still is.
type Grounds struct {
	// Password is a keyed digest of the hash of the person's password, of a
	// login that keeps those itself. Empty: it keeps none.
	Password string
	// Source is a digest of who the login asks; empty: unknown. A login of the same
	// name that asks somebody else vouches for nobody whom this one let in.
	Source string
	// Rules is a digest of what the configuration said of people under which the
	// session was built. Empty: unknown.
	Rules string
	// Roles and Permissions are those that were granted, before roles brought
	// others with them. Both are nil when the flat lists are the same.
	Roles, Permissions []string
	// Earlier is what was built under other rules, the latest first, MaxEarlier of
	// them: gateways that are configured otherwise go by it.
	Earlier []Build
}

// Build is what was made of a person under some rules.
type Build struct {
	Rules      string
	BuiltAt    time.Time
	Unmapped   bool
	User       UserSession
	Username   string
	Name       string
	Attributes map[string]string
	// Outdated says that the sources have said something else since.
	Outdated bool
}

// MaxEarlier is how many other configurations a session remembers. Gateways that
// share a store differ while they are upgraded, and an upgrade may be taken back.
const MaxEarlier = 3

// BuiltUnder is the latest rules; empty: unknown.
func (g *Grounds) BuiltUnder() string {
	if g == nil {
		return ""
	}
	return g.Rules
}

// Under is what was built under those rules the last time. false: nothing was.
func (s *Session) Under(rules string) (Build, bool) {
	if s.Grounds == nil || rules == "" {
		return Build{}, false
	}
	if s.Grounds.Rules == rules {
		return s.latest(), true
	}
	i := slices.IndexFunc(s.Grounds.Earlier, func(b Build) bool { return b.Rules == rules })
	if i < 0 {
		return Build{}, false
	}
	return s.Grounds.Earlier[i], true
}

// Before is what is earlier once the session is built under those rules: what
// it says now, unless that was built under them too, and what was before.
func (s *Session) Before(rules string) []Build {
	if s.Grounds.BuiltUnder() == "" {
		return nil
	}
	all := append([]Build{s.latest()}, s.Grounds.Earlier...)
	all = slices.DeleteFunc(all, func(b Build) bool { return b.Rules == rules })
	return all[:min(len(all), MaxEarlier)]
}

func (s *Session) latest() Build {
	return Build{
		Rules: s.Grounds.Rules, BuiltAt: s.BuiltAt, Unmapped: s.Unmapped, User: s.User,
		Username: s.Username, Name: s.Name, Attributes: s.Attributes,
	}
}

// clone shares nothing with g.
func (g *Grounds) clone() *Grounds {
	if g == nil {
		return nil
	}
	c := *g
	c.Roles, c.Permissions = slices.Clone(g.Roles), slices.Clone(g.Permissions)
	c.Earlier = slices.Clone(g.Earlier)
	for i, b := range c.Earlier {
		held := (&Session{User: b.User, Attributes: b.Attributes, BuiltAt: b.BuiltAt}).Clone()
		b.User, b.Attributes, b.BuiltAt = held.User, held.Attributes, held.BuiltAt
		c.Earlier[i] = b
	}
	return &c
}

// Tags within the grounds, and within a build.
const (
	tagGroundsPassword   = 1
	tagGroundsRules      = 2
	tagGroundsRole       = 3
	tagGroundsPermission = 4
	tagGroundsSource     = 5
	tagGroundsEarlier    = 6

	tagBuildRules    = 1
	tagBuildSession  = 2
	tagBuildOutdated = 3
)

// appendGrounds writes them as a row of its own. Of a session without any
// nothing is written: it was built before they were.
func appendGrounds(b []byte, g *Grounds) []byte {
	if g == nil {
		return b
	}
	var room [256]byte
	row := appendText(room[:0], tagGroundsPassword, g.Password)
	row = appendText(row, tagGroundsRules, g.Rules)
	for _, role := range g.Roles {
		row = appendField(row, tagGroundsRole, role)
	}
	for _, permission := range g.Permissions {
		row = appendField(row, tagGroundsPermission, permission)
	}
	row = appendText(row, tagGroundsSource, g.Source)
	for _, e := range g.Earlier {
		row = appendField(row, tagGroundsEarlier, appendBuild(nil, e))
	}
	return appendField(b, tagGrounds, row)
}

// appendBuild writes what was built as a session that has nothing else.
func appendBuild(b []byte, e Build) []byte {
	b = appendText(b, tagBuildRules, e.Rules)
	b = appendFlag(b, tagBuildOutdated, e.Outdated)
	return appendField(b, tagBuildSession, appendSession(nil, &Session{
		BuiltAt: e.BuiltAt, Unmapped: e.Unmapped, User: e.User, Username: e.Username, Name: e.Name, Attributes: e.Attributes,
	}))
}

func decodeGrounds(row string) (g Grounds, ok bool) {
	f := fields{text: row}
	for tag, value, ok := f.next(); ok; tag, value, ok = f.next() {
		switch tag {
		case tagGroundsPassword:
			g.Password = value
		case tagGroundsRules:
			g.Rules = value
		case tagGroundsRole:
			g.Roles = append(g.Roles, value)
		case tagGroundsPermission:
			g.Permissions = append(g.Permissions, value)
		case tagGroundsSource:
			g.Source = value
		case tagGroundsEarlier:
			e, ok := decodeBuild(value)
			if !ok {
				return Grounds{}, false
			}
			g.Earlier = append(g.Earlier, e)
		}
	}
	return g, !f.bad
}

func decodeBuild(row string) (e Build, ok bool) {
	f := fields{text: row}
	for tag, value, more := f.next(); more; tag, value, more = f.next() {
		switch tag {
		case tagBuildRules:
			e.Rules = value
		case tagBuildOutdated:
			e.Outdated = true
		case tagBuildSession:
			s, whole := decodeBuilt(value)
			if !whole {
				return e, false
			}
			e.BuiltAt, e.Unmapped, e.User = s.BuiltAt, s.Unmapped, s.User
			e.Username, e.Name, e.Attributes = s.Username, s.Name, s.Attributes
		}
	}
	return e, !f.bad
}

// decodeBuilt is decodeSession for what holds no grounds in turn: a record that
// was made to nest them without end is none.
func decodeBuilt(text string) (*Session, bool) {
	f := fields{text: text}
	for tag, _, ok := f.next(); ok; tag, _, ok = f.next() {
		if tag == tagGrounds {
			return nil, false
		}
	}
	return decodeSession(text)
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
