package adopt

import (
	"context"
	"crypto/sha256"
	"slices"
	"strconv"

	"example.com/sidegate/sessionstore"
)

// Owner is whose cookies are, as far as it tells two people apart whose cookies are
// alike.
type Owner struct {
	// Login and Subject are what the person is known by.
	Login, Subject string
	// Emails are addresses of theirs: there and here.
	Emails []string
}

// Owner is whose the cookies are that have come to that person.
func (f Found) Owner() Owner {
	return Owner{Login: f.Method.Name(), Subject: f.Person.Subject, Emails: []string{f.Email, f.Person.Email}}
}

// OwnerOf is whose cookies are that were spent by that session.
func OwnerOf(s *sessionstore.Session) Owner {
	return Owner{Login: s.Method, Subject: s.Subject, Emails: []string{s.User.Email}}
}

// Is reports whether those are surely one person.
func (o Owner) Is(other Owner) bool { return o.name() == other.name() }

// MayBe reports whether those may be one person: the configuration may have changed, by
// which somebody is known by another name.
func (o Owner) MayBe(other Owner) bool {
	mine := o.traits()
	return slices.ContainsFunc(other.traits(), func(trait string) bool { return slices.Contains(mine, trait) })
}

func (o Owner) name() string { return "is " + strconv.Quote(o.Login) + " " + strconv.Quote(o.Subject) }

// traits are all by which they may be known.
func (o Owner) traits() []string {
	traits := []string{o.name()}
	for _, email := range o.Emails {
		if email != "" {
			traits = append(traits, "has "+strconv.Quote(email))
		}
	}
	slices.Sort(traits)
	return slices.Compact(traits)
}

// Likeness is what is remembered of cookies that the other gateway may read as the same.
type Likeness struct {
	// Spent says that some were that person's, who has no other cookies but spells them
	// otherwise: they are not adopted a second time.
	Spent bool
	// Sessions are those that were made of the cookies for that person; they may have ended.
	Sessions []sessionstore.Key
	// Former are the sessions of which gateways of an earlier build have not said whose
	// the cookies were.
	Former []sessionstore.Key
}

// Alike tells what is remembered of cookies that are like these, by somebody of whom the
// other gateway has said that these are theirs. What is read alike is more than what is
// the same: ids of two people may differ in what means nothing in base64. So likeness
// alone never decides, neither whose session it is, nor that there is none.
func (m *Marks) Alike(ctx context.Context, p Presented, of Owner) (l Likeness, err error) {
	if l.Sessions, err = m.linked(ctx, m.alikeTogether(p, of)); err != nil {
		return l, err
	}
	marked, err := m.linked(ctx, m.alike(p, of))
	if err != nil {
		return l, err
	}
	l.Spent = len(marked) > 0
	for _, name := range m.former(p) {
		keys, err := m.store.Linked(ctx, name)
		if err != nil {
			return l, err
		}
		for _, key := range keys {
			if key != ownerKnown && !slices.Contains(l.Former, key) {
				l.Former = append(l.Former, key)
			}
		}
	}
	return l, nil
}

// WasMadeOf reports whether a gateway of an earlier build made the session of cookies
// that read as these do, all of them.
func (m *Marks) WasMadeOf(ctx context.Context, key sessionstore.Key, p Presented) (bool, error) {
	for _, name := range m.formerTogether(p) {
		if linked, err := m.store.IsLinked(ctx, name, key); err != nil || linked {
			return linked, err
		}
	}
	return false, nil
}

// HoldAlike is Hold for all cookies that are read as these: of two spellings of one cookie
// that come at once one is adopted. It is for while nobody else is waited for, since
// people whose cookies are alike wait for each other.
func (m *Marks) HoldAlike(ctx context.Context, p Presented, holder string) (bool, error) {
	return m.hold(ctx, m.each(kindHeldAlike, canonical(p)), holder)
}

// ReleaseAlike gives back what that holder has of HoldAlike.
func (m *Marks) ReleaseAlike(ctx context.Context, p Presented, holder string) error {
	return m.release(ctx, m.each(kindHeldAlike, canonical(p)), holder)
}

// alike are names of each cookie as it is read, beside each trait of whose it is.
func (m *Marks) alike(p Presented, of Owner) (names []string) {
	for _, k := range m.keys {
		for _, c := range canonical(p) {
			for _, trait := range of.traits() {
				names = append(names, kindAlike+digest(k, "alike", c, Cookie{"", trait}))
			}
		}
	}
	return names
}

// alikeTogether are names of all the cookies as they are read, and whose they are.
func (m *Marks) alikeTogether(p Presented, of Owner) (names []string) {
	for _, k := range m.keys {
		names = append(names, kindAllAlike+digest(k, "all alike", append(canonical(p), Cookie{"", of.name()})...))
	}
	return names
}

// Earlier builds know these marks alone, by which cookies that are read alike are one,
// whoever they are of. They are written for a gateway of such a build beside this one.
const (
	kindFormer         = "adopted one\x00"
	kindFormerTogether = "adopted all\x00"
)

// ownerKnown stands in those marks for a session of which it is remembered whose the
// cookies were: earlier builds look only whether there is one.
var ownerKnown = sessionstore.Key{Hash: sha256.Sum256([]byte("whose the cookie was is known"))}

func (m *Marks) former(p Presented) []string {
	all := canonical(p)
	for _, c := range p { // parts of one that was cut, too
		if !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return m.each(kindFormer, all)
}

func (m *Marks) formerTogether(p Presented) (names []string) {
	for _, k := range m.keys {
		names = append(names, kindFormerTogether+digest(k, "all", canonical(p)...))
	}
	return names
}
