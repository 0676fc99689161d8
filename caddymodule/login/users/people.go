package users

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
)

// People is what one reading of a users file says. It never changes, so any
// number of goroutines may read it.
type People struct {
	entries []*Entry
	byID    map[int64]*Entry
	byEmail map[string]*Entry
	byName  map[string]*Entry // by username, folded
	// usual is a hash of nobody, as dear to compare as most people's.
	usual hash
	mixed []string
}

// Entry is one person of the file.
type Entry struct {
	// Disabled people cannot sign in, and their sessions end.
	Disabled bool

	person profile.Person
	hash   hash // without a text only for disabled people, and for who has none
}

// Person returns what the file says of the person. It is the caller's own to
// change. Its Subject is the email address, so that an id which is given to
// somebody else does not hand over the sessions of whoever had it before.
func (e *Entry) Person() *profile.Person {
	p := e.person
	p.Accounts = slices.Clone(p.Accounts)
	p.Roles = slices.Clone(p.Roles)
	p.Permissions = slices.Clone(p.Permissions)
	return &p
}

// newPeople indexes entries whose ids, emails and usernames Parse has found to be
// unique.
func newPeople(entries []*Entry) *People {
	p := &People{
		entries: entries,
		byID:    make(map[int64]*Entry, len(entries)),
		byEmail: make(map[string]*Entry, len(entries)),
		byName:  make(map[string]*Entry),
	}
	for _, e := range entries {
		e.person.Standing = profile.Standing{PasswordHash: e.hash.encoded, Entry: digestOf(&e.person)}
		p.byID[e.person.ID] = e
		p.byEmail[e.person.Email] = e
		if e.person.Username != "" {
			p.byName[login.FoldName(e.person.Username)] = e
		}
	}
	p.weigh()
	return p
}

// weigh finds out what most people's hashes cost, so that a person who is not
// in the file costs as much (enumeration by time).
func (p *People) weigh() {
	tally := make(map[work]int)
	var works []work
	for _, e := range p.entries {
		if e.hash.encoded == "" {
			continue
		}
		if tally[e.hash.work]++; tally[e.hash.work] == 1 {
			works = append(works, e.hash.work)
		}
	}
	if len(works) == 0 {
		p.usual = defaultWork.dummy()
		return
	}
	slices.SortStableFunc(works, func(a, b work) int { return cmp.Compare(tally[b], tally[a]) })
	p.usual = works[0].dummy()
	if len(works) == 1 {
		return
	}
	for _, w := range works {
		p.mixed = append(p.mixed, fmt.Sprintf("%s (people: %d)", w, tally[w]))
	}
}

// MixedHashes lists what the passwords' hashes cost, the most frequent first,
// when they do not all cost the same; else it is empty. Then how long a
// refusal takes tells who is in the file: tell the operator, who can hash all
// passwords alike.
func (p *People) MixedHashes() []string { return slices.Clone(p.mixed) }

// Len is how many people there are, the disabled ones included.
func (p *People) Len() int { return len(p.entries) }

// All goes through the people in the file's order.
func (p *People) All() iter.Seq[*Entry] { return slices.Values(p.entries) }

// ByID returns the person of that id.
func (p *People) ByID(id int64) (*Entry, bool) {
	e, ok := p.byID[id]
	return e, ok
}

// ByName returns the person of that sign-in name, which login.ReadName has read:
// an email address, or a username in any case. No username is an address, so no
// name is two people's.
func (p *People) ByName(name string) (*Entry, bool) {
	if login.IsAddress(name) {
		e, ok := p.byEmail[name]
		return e, ok
	}
	e, ok := p.byName[login.FoldName(name)]
	return e, ok
}

// HaveUsernames reports whether anybody has one.
func (p *People) HaveUsernames() bool { return len(p.byName) > 0 }

// digestOf is one of all that a session is built of, so that one which was built
// before the file changed is known by it. Of somebody without a username and a
// name it is that of gateways which knew of neither.
func digestOf(p *profile.Person) string {
	all := []any{
		p.Email, p.Accounts, p.PrimaryAccount, p.Roles, p.Permissions, p.CreatedBy, p.UpdatedBy, p.CreatedAt.UTC(), p.UpdatedAt.UTC(),
	}
	if p.Username != "" || p.Name != "" {
		all = append(all, p.Username, p.Name)
	}
	facts, err := json.Marshal(all)
	if err != nil {
		return "" // a year beyond 9999: no session is built of it
	}
	sum := sha256.Sum256(facts)
	return string(sum[:12])
}

// sameFacts reports whether a session built of a is one built of b.
func sameFacts(a, b *profile.Person) bool {
	return a.Email == b.Email && a.Username == b.Username && a.Name == b.Name && a.PrimaryAccount == b.PrimaryAccount &&
		a.CreatedBy == b.CreatedBy && a.UpdatedBy == b.UpdatedBy &&
		a.CreatedAt.Equal(b.CreatedAt) && a.UpdatedAt.Equal(b.UpdatedAt) &&
		slices.Equal(a.Accounts, b.Accounts) && slices.Equal(a.Roles, b.Roles) &&
		slices.Equal(a.Permissions, b.Permissions)
}
