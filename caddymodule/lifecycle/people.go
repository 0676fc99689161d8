package lifecycle

import (
	"crypto/hmac"
	"slices"
	"strconv"
	"strings"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// People says which people are the same, so that a number is one person.
type People struct {
	// Keys are what digests of people are made with: the first makes them, all
	// are known. Without any a number is everybody's.
	Keys [][]byte
	// Issuers vouch for the people of the logins, by the names of those. Empty: the
	// login does so itself.
	Issuers map[string]string
	// Same are logins, also former ones, and issuers, whose people are the same
	// person when they have the same number.
	Same [][]string
}

// whose is somebody as a number belongs to them.
type whose struct {
	// people are all of whom the person is one: those of an issuer or of a login.
	people string
	// subject tells the person from the others. Empty: the number does, which the
	// login itself gives each of its people. Then they keep it when what else it
	// knows them by changes, such as an email address.
	subject string
}

// named are the people of a login.
func (p *People) named(login string) string {
	if issuer := p.Issuers[login]; issuer != "" {
		return issuer
	}
	return ofLogin(login)
}

func ofLogin(name string) string { return "login:" + name }

// vouchedBy are the people of an issuer, or of the login when there is none.
func vouchedBy(issuer, login string) string {
	if issuer != "" {
		return issuer
	}
	return ofLogin(login)
}

// of is the person of a session. Its login may be none that this configuration
// has, or ask somebody else by now.
func (p *People) of(s *sessionstore.Session, v *Vouching) whose {
	w := whose{people: p.named(s.Method)}
	if _, known := p.Issuers[s.Method]; !known || v.isOfOther(s) {
		w.people = vouchedBy(issuerOf(s), s.Method)
	}
	if w.people != ofLogin(s.Method) {
		w.subject = s.Subject
	}
	return w
}

// issuerOf is who has vouched for the person of a session, as its login has kept
// it; empty when it has not.
func issuerOf(s *sessionstore.Session) string {
	kept, err := profile.DecodeKept(s.Kept)
	if err != nil || kept == nil {
		return ""
	}
	claims, _ := kept.Facts["token"].(map[string]any)
	issuer, _ := claims["iss"].(string)
	return issuer
}

// areOne reports whether two who have the same number are one person.
func (p *People) areOne(a, b whose) bool {
	return a == b || slices.Contains(p.same(a.people), b.people)
}

// same are all people with whom those are the same; none when they are only
// themselves.
func (p *People) same(people string) (all []string) {
	for _, group := range p.Same {
		members := make([]string, len(group))
		for i, member := range group {
			members[i] = p.member(member)
		}
		if slices.Contains(members, people) {
			all = append(all, members...)
		}
	}
	return all
}

// member are the people of a login or an issuer: only that has an address.
func (p *People) member(name string) string {
	if strings.Contains(name, "://") {
		return name
	}
	return p.named(name)
}

// digest is what the store keeps of whom a number belongs to: whoever reads it
// there learns nothing to look people up by.
func (p *People) digest(number int64, w whose) string {
	if len(p.Keys) == 0 {
		return ""
	}
	return digestOfOwner(p.Keys[0], number, w)
}

// knows reports whether the digest was made with one of the keys.
func (p *People) knows(digest string) bool {
	return digest != "" && slices.ContainsFunc(p.Keys, func(key []byte) bool { return isUnder(key, digest) })
}

// isOf reports whether the digest is that of the person, or of one who is said to
// be the same.
func (p *People) isOf(digest string, number int64, w whose) bool {
	return slices.ContainsFunc(p.Keys, func(key []byte) bool { return hmac.Equal([]byte(digestOfOwner(key, number, w)), []byte(digest)) }) ||
		slices.ContainsFunc(p.same(w.people), func(people string) bool { return p.isAmong(digest, number, people) })
}

// isAmong reports whether the digest is that of one of those people.
func (p *People) isAmong(digest string, number int64, people string) bool {
	return slices.ContainsFunc(p.Keys, func(key []byte) bool {
		_, kept, _ := strings.Cut(digest, separator)
		return isUnder(key, digest) && hmac.Equal([]byte(kept), []byte(digestOfPeople(key, number, people)))
	})
}

// digestOfOwner is the name of the key and the digests of the person and of all of
// whom they are one. All are of this number alone: those of two numbers do not
// tell what they have in common.
func digestOfOwner(key []byte, number int64, w whose) string {
	person := tag(key, "person "+strconv.FormatInt(number, 10)+"\x00"+w.people+"\x00"+w.subject)
	return nameOf(key) + person + separator + digestOfPeople(key, number, w.people)
}

// separator is in no digest.
const separator = "."

func digestOfPeople(key []byte, number int64, people string) string {
	return tag(key, "people "+strconv.FormatInt(number, 10)+"\x00"+people)
}
