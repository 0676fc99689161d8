package identity

import (
	"net/http"
	"slices"
	"strings"
	"unique"
)

// Budget of the identity headers of one request, in bytes. Servers commonly
// refuse more than 8 KB of headers in all, and answer 400 or 431 for what the
// person cannot help.
const (
	// MaxValue bounds one header's value; repeated values count together.
	MaxValue = 4096
	// MaxTotal bounds all names and values together, Truncated included.
	MaxTotal = 6144
)

// Values is what the headers tell of a session.
type Values struct {
	UserID string
	Email  string
	// Username is what the person is called where they sign in; empty when that
	// is not known.
	Username string
	// Name is a display name; empty when none is known.
	Name string
	// AccountID, AccountName and AccountAdmin tell of the account that the
	// request acts for, and count only with HasAccount.
	AccountID, AccountName   string
	HasAccount, AccountAdmin bool
	// Accounts are the ids of all accounts of the person.
	Accounts, Roles, Permissions []string
	// SessionID is the short public name of the session, not its credential.
	SessionID string
}

func (v *Values) account(value string) string {
	if !v.HasAccount {
		return ""
	}
	return value
}

// field is a fact of Values. All headers that tell it, of whatever preset,
// are sent or left out together.
type field uint8

// The facts, in the order in which they are left out when the headers are too
// large together: first what an app can ask for elsewhere, last who it is.
const (
	fieldPermissions field = iota
	fieldRoles
	fieldAccounts
	fieldAccountName
	fieldName
	fieldSessionID
	fieldUsername
	fieldEmail
	fieldAccountID
	fieldUserID
	fields
)

var fieldNames = [fields]string{
	fieldPermissions: "Permissions", fieldRoles: "Roles", fieldAccounts: "Accounts",
	fieldAccountName: "Account-Name", fieldName: "Name", fieldSessionID: "Id",
	fieldUsername: "Username", fieldEmail: "Email", fieldAccountID: "Account-Id", fieldUserID: "User-Id",
}

// fieldSet is a set of fields, one bit each.
type fieldSet uint16

func (s fieldSet) has(f field) bool { return s&(1<<f) != 0 }

func (s fieldSet) with(f field) fieldSet { return s | 1<<f }

func (s fieldSet) String() string {
	var names []string
	for f := range fields {
		if s.has(f) {
			names = append(names, fieldNames[f])
		}
	}
	return strings.Join(names, ",")
}

// line is a header that is not yet counted against the budget.
type line struct {
	name   string
	field  field
	values []string
}

// Rendered is the identity headers of one session, ready to be sent. It never
// changes and may be used by many requests at once. The zero value has none.
//
// One is held for each session in memory, so it is two slices of the same
// length: a header of several values has its name as often, in a row. Sessions
// that have all headers of a set share its names.
type Rendered struct {
	names, values []string
}

// Render prepares the headers of a session. A fact that is empty has no
// header. A list is never cut: half of somebody's roles might be read as all
// of them. What is over MaxValue is left out whole, in every preset; then, as
// long as the rest is over MaxTotal, Permissions, Roles, Accounts and at last
// the other facts. Truncated names what is missing.
func (s *Set) Render(v Values) Rendered {
	v.Roles = s.tells(v.Roles)
	lines, present := s.lines(&v)
	var out fieldSet
	for _, l := range lines {
		if l.size(0) > MaxValue {
			out = out.with(l.field)
		}
	}
	for f := field(0); f < fields && total(lines, out) > MaxTotal; f++ {
		if present.has(f) {
			out = out.with(f)
		}
	}
	r := assemble(lines, out)
	if slices.Equal(r.names, s.names) {
		r.names = s.names
	}
	return r
}

func (s *Set) lines(v *Values) (lines []line, present fieldSet) {
	lines = make([]line, 0, len(s.headers))
	for _, h := range s.headers {
		if values := h.values(v); len(values) > 0 {
			lines = append(lines, line{h.name, h.field, values})
			present = present.with(h.field)
		}
	}
	return lines, present
}

// size is the length of the values, each with a name of that length.
func (l line) size(name int) int {
	n := 0
	for _, v := range l.values {
		n += name + len(v)
	}
	return n
}

func total(lines []line, out fieldSet) int {
	n := 0
	if out != 0 {
		n = len(Truncated) + len(out.String())
	}
	for _, l := range lines {
		if !out.has(l.field) {
			n += l.size(len(l.name))
		}
	}
	return n
}

func assemble(lines []line, out fieldSet) Rendered {
	if out != 0 {
		lines = append(lines, line{Truncated, fields, []string{out.String()}})
	}
	count := 0
	for _, l := range lines {
		if !out.has(l.field) {
			count += len(l.values)
		}
	}
	r := Rendered{make([]string, 0, count), make([]string, 0, count)}
	for _, l := range lines {
		if !out.has(l.field) {
			r.add(l)
		}
	}
	r.pack()
	return r
}

func (r *Rendered) add(l line) {
	for _, v := range l.values {
		r.names = append(r.names, l.name)
		r.values = append(r.values, shared(l.field, v))
	}
}

// pack puts the values that are this session's own into one piece of memory: the
// collector looks at each piece by itself, a hundred thousand times when there are
// as many sessions. Long ones may be shared.
func (r *Rendered) pack() {
	size := 0
	for _, v := range r.values {
		size += own(v)
	}
	text := make([]byte, 0, size)
	for _, v := range r.values {
		text = append(text, v[:own(v)]...)
	}
	rest := string(text)
	for i, v := range r.values {
		if n := own(v); n > 0 {
			r.values[i], rest = rest[:n], rest[n:]
		}
	}
}

// own is the length of a value that is not shared; 0 of one that may be.
func own(value string) int {
	if len(value) >= worthSharing {
		return 0
	}
	return len(value)
}

// worthSharing is from which length on one value is kept for many sessions.
const worthSharing = 64

// shared keeps one value for all sessions that have the same: what people may
// do follows from their roles, so thousands have it in common.
func shared(f field, value string) string {
	if (f == fieldPermissions || f == fieldRoles) && len(value) >= worthSharing {
		return unique.Make(value).Value()
	}
	return value
}

// LeftOut names what is not among the headers because they would have been too
// large, as Truncated does; empty where nothing is missing.
func (r Rendered) LeftOut() string {
	if last := len(r.names) - 1; last >= 0 && r.names[last] == Truncated {
		return r.values[last]
	}
	return ""
}

// Inject assigns the headers, one value each (X-Remote-Group one per group),
// in place of whatever is there. It does not delete what it has no value for:
// Strip does, first. The values are shared by all requests of the session:
// use InjectInto where a later handler may write into them.
func (r Rendered) Inject(h http.Header) { r.assign(h, r.values) }

// InjectInto is Inject with values that belong to this request alone. Caddy's
// request_header writes into values in place when it replaces text: with
// shared ones, that edit would stay in the session and race with its other
// requests. They are written into room, which is the request's own and holds
// nothing else; where it is too small, or nil, for one allocation.
func (r Rendered) InjectInto(h http.Header, room []string) {
	if len(room) < len(r.values) {
		room = make([]string, len(r.values))
	}
	copy(room, r.values)
	r.assign(h, room)
}

// assign leaves no room behind the values of a header: whoever appends to
// them writes into memory of their own.
func (r Rendered) assign(h http.Header, values []string) {
	for from, to := 0, 0; from < len(r.names); from = to {
		for to = from + 1; to < len(r.names) && r.names[to] == r.names[from]; {
			to++
		}
		h[r.names[from]] = values[from:to:to]
	}
}
