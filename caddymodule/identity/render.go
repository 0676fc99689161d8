package identity

import (
	"net/http"
	"strings"
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
	fieldEmail
	fieldAccountID
	fieldUserID
	fields
)

var fieldNames = [fields]string{
	fieldPermissions: "Permissions", fieldRoles: "Roles", fieldAccounts: "Accounts",
	fieldAccountName: "Account-Name", fieldName: "Name", fieldSessionID: "Id",
	fieldEmail: "Email", fieldAccountID: "Account-Id", fieldUserID: "User-Id",
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

// line is a header ready to be sent. cap(values) == len(values), so that
// whoever appends to it writes into memory of their own.
type line struct {
	name   string
	field  field
	values []string
}

// Rendered is the identity headers of one session, ready to be sent. It never
// changes and may be used by many requests at once. The zero value has none.
type Rendered struct {
	lines []line
	count int // values in all lines
}

// Render prepares the headers of a session. A fact that is empty has no
// header. A list is never cut: half of somebody's roles might be read as all
// of them. What is over MaxValue is left out whole, in every preset; then, as
// long as the rest is over MaxTotal, Permissions, Roles, Accounts and at last
// the other facts. Truncated names what is missing.
func (s *Set) Render(v Values) Rendered {
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
	return assemble(lines, out)
}

func (s *Set) lines(v *Values) (lines []line, present fieldSet) {
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
	var r Rendered
	for _, l := range lines {
		if !out.has(l.field) {
			r.add(l.name, l.values)
		}
	}
	if out != 0 {
		r.add(Truncated, []string{out.String()})
	}
	return r
}

func (r *Rendered) add(name string, values []string) {
	r.lines = append(r.lines, line{name: name, values: values[:len(values):len(values)]})
	r.count += len(values)
}

// Inject assigns the headers, one value each (X-Remote-Group one per group),
// in place of whatever is there. It does not delete what it has no value for:
// Strip does, first. The values are shared by all requests of the session:
// use InjectCopy where a later handler may write into them.
func (r Rendered) Inject(h http.Header) {
	for i := range r.lines {
		h[r.lines[i].name] = r.lines[i].values
	}
}

// InjectCopy is Inject with values that belong to this request alone, for one
// allocation. Caddy's request_header writes into values in place when it
// replaces text: with shared ones, that edit would stay in the session and
// race with its other requests.
func (r Rendered) InjectCopy(h http.Header) {
	values := make([]string, r.count)
	for i := range r.lines {
		n := copy(values, r.lines[i].values)
		h[r.lines[i].name] = values[:n:n]
		values = values[n:]
	}
}
