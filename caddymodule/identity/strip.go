package identity

import (
	"net/http"
	"slices"
	"strings"
)

// nativeFamily begins, folded, every native name.
const nativeFamily = "x-session-"

// families are beginnings, folded, of names that are identity whatever follows.
var families = []string{
	nativeFamily,
	"x-auth-request-",
	"x-authentik-",
	"x-webauth-",
	// Apps that read Remote-User or X-Remote-User read more that begins so:
	// NetBox groups, Dozzle roles, Kubernetes extras. Who somebody is at Rundeck
	// begins as the other.
	"remote-",
	"x-remote-",
	"x-forwarded-user-",
	// Kubernetes acts for whom these name; no app of ours is to be told so.
	"impersonate-",
}

// relatives are folded names that no preset sends but that apps of the
// presets' ecosystems are known to trust.
var relatives = []string{
	// The gateway itself reads this one; the verified answer to it is
	// X-Session-Account-Id.
	"x-account-id",
	"x-forwarded-access-token",
	"x-forwarded-login", "x-forwarded-name", // SonarQube
	"x-forwarded-uuid", "x-forwarded-roles", // Rundeck
	"x-forwarded-remote-user", // Redash
	"x-forwarded-username", "x-forwarded-userid", "x-forwarded-uid", "x-forwarded-fullname", "x-forwarded-role", "x-forwarded-group",
}

// ordinary are names that begin as families do and tell of the client's machine
// or program. They stay in this spelling.
var ordinary = []string{
	"Remote-Addr", "Remote-Host", "Remote-Ip", "Remote-Port", "X-Remote-Addr", "X-Remote-Host", "X-Remote-Ip", "X-Remote-Port",
	"X-Forwarded-User-Agent",
}

// foldedBytes maps each byte of a header name to how CGI, WSGI, PHP and
// Apache tell names apart: case does not count, and all that is not a letter
// or digit is the same character (RFC 3875 section 4.1.18).
var foldedBytes = func() (table [256]byte) {
	for i := range table {
		c := byte(i)
		switch {
		case 'A' <= c && c <= 'Z':
			table[i] = c + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			table[i] = c
		default:
			table[i] = '-'
		}
	}
	return table
}()

// Folded is the name as apps tell it from others: lower case, and "-" for
// every byte that is not an ASCII letter or digit.
func Folded(name string) string {
	b := []byte(name)
	for i, c := range b {
		b[i] = foldedBytes[c]
	}
	return string(b)
}

// IsIdentity reports whether Strip deletes a header of that name even when no
// extra names are configured. An operator may still set such a header: what
// is set after Strip stays.
func IsIdentity(name string) bool { return known.matches(name) }

// Stripper deletes what a client sends under the names of identity headers.
// It never changes and may be used by many requests at once.
type Stripper struct {
	// first holds the bytes that a matching name may begin with: most headers
	// of a request are told apart by it alone.
	first [256]bool
	// families are the folded beginnings that match whatever follows, by their
	// first letter.
	families [26][]string
	// byLength holds the folded names, at the index of their length.
	byLength [][]string
	// kept are names that would match and are left all the same.
	kept []string
}

var known = NewStripper()

// NewStripper knows the names of all presets, configured or not, and the
// extra ones: the headers of an operator's own making.
func NewStripper(extra ...string) *Stripper {
	s := newStripper(families...)
	for _, p := range presets {
		for _, h := range p.headers {
			s.add(Folded(h.name))
		}
	}
	for _, n := range slices.Concat(relatives, extra) {
		s.add(Folded(n))
	}
	s.keepOrdinary(extra)
	return s
}

// NewStripperOf knows the native names, and beside them only those that are
// given; of one that belongs to a family of identity headers, all the family.
// It is for requests that may be meant for apps that are none of ours, and
// that have identity headers from elsewhere.
func NewStripperOf(names ...string) *Stripper {
	s := newStripper(nativeFamily)
	for _, name := range names {
		folded := Folded(name)
		if i := slices.IndexFunc(families, func(f string) bool { return strings.HasPrefix(folded, f) }); i >= 0 {
			s.addFamily(families[i])
		}
		s.add(folded)
	}
	s.keepOrdinary(names)
	return s
}

// keepOrdinary has ordinary names stay, but for those that are an operator's own:
// where the gateway tells who somebody is in one, the client's copy goes.
func (s *Stripper) keepOrdinary(own []string) {
	for _, name := range ordinary {
		if !slices.ContainsFunc(own, func(o string) bool { return Folded(o) == Folded(name) }) {
			s.kept = append(s.kept, name)
		}
	}
}

func newStripper(families ...string) *Stripper {
	s := new(Stripper)
	// These begin no name at all, yet may be trimmed or folded to one.
	for c := range len(s.first) {
		s.first[c] = !visible(byte(c))
	}
	for _, f := range families {
		s.addFamily(f)
	}
	return s
}

// addFamily remembers a beginning, which itself begins with a letter.
func (s *Stripper) addFamily(f string) {
	at := &s.families[f[0]-'a']
	if !slices.Contains(*at, f) {
		*at = append(*at, f)
		s.begin(f)
	}
}

// add remembers a name, unless its family does already.
func (s *Stripper) add(folded string) {
	if folded == "" || s.ofFamily(folded) {
		return
	}
	s.begin(folded)
	if missing := len(folded) + 1 - len(s.byLength); missing > 0 {
		s.byLength = append(s.byLength, make([][]string, missing)...)
	}
	if at := &s.byLength[len(folded)]; !slices.Contains(*at, folded) {
		*at = append(*at, folded)
	}
}

func (s *Stripper) begin(folded string) {
	for c := range len(s.first) {
		if foldedBytes[c] == folded[0] {
			s.first[c] = true
		}
	}
}

// Strip deletes every header that an app might take for an identity header,
// whatever its spelling. Map keys are deleted as they are: Header.Del would
// not find those that are not in canonical form.
func (s *Stripper) Strip(h http.Header) {
	for name := range h {
		if s.matches(name) {
			delete(h, name)
		}
	}
}

func (s *Stripper) matches(name string) bool {
	if name == "" || !s.first[name[0]] {
		return false
	}
	if s.knows(name) {
		return !slices.Contains(s.kept, name)
	}
	return !allVisible(name)
}

func (s *Stripper) knows(name string) bool {
	if s.ofFamily(name) {
		return true
	}
	if len(name) < len(s.byLength) {
		for _, id := range s.byLength[len(name)] {
			if folds(name, id) {
				return true
			}
		}
	}
	return false
}

func (s *Stripper) ofFamily(name string) bool {
	letter := foldedBytes[name[0]] - 'a'
	if letter >= byte(len(s.families)) {
		return false
	}
	for _, f := range s.families[letter] {
		if len(name) >= len(f) && folds(name[:len(f)], f) {
			return true
		}
	}
	return false
}

// folds reports whether the name folds to that folded name of the same length.
func folds(name, folded string) bool {
	for i := range len(folded) {
		if foldedBytes[name[i]] != folded[i] {
			return false
		}
	}
	return true
}

// allVisible is false for what is no header name at all (RFC 9110 section
// 5.1), so nothing is lost with it. Spaces and control characters may be
// trimmed; upper case makes S of U+017F, SS of U+00DF and FI of U+FB01: rather
// than know all those rules, Strip keeps no such name.
func allVisible(name string) bool {
	for i := range len(name) {
		if !visible(name[i]) {
			return false
		}
	}
	return true
}

func visible(c byte) bool { return ' ' < c && c < 0x7f }
