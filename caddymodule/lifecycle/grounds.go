package lifecycle

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// digestSize is the length of what sessions keep of rules and of password
// hashes, in bytes: 96 bits, of which nobody can find another that matches.
const digestSize = 12

// grounds are what a session that is built of the person now is vouched by;
// before is the session that is built anew, nil for a new one.
func (v *Vouching) grounds(method string, person *profile.Person, before *sessionstore.Session, built *sessionstore.UserSession) *sessionstore.Grounds {
	if v == nil {
		return nil
	}
	g := v.groundsUnder(v.rules(method, person.Standing), method, before, sessionstore.Build{
		User: *built, Username: person.Username, Name: person.Name, Attributes: person.Attributes,
	})
	g.Password = v.digest(person.Standing.PasswordHash)
	if !slices.Equal(person.Roles, built.FlatRolesList) || !slices.Equal(person.Permissions, built.FlatPermissionsList) {
		g.Roles, g.Permissions = slices.Clone(person.Roles), slices.Clone(person.Permissions)
	}
	return g
}

// groundsUnder are the grounds of what was built under those rules, now. When it
// tells that the sources say something else by now, what others have made of
// them is outdated.
func (v *Vouching) groundsUnder(rules, method string, before *sessionstore.Session, now sessionstore.Build) *sessionstore.Grounds {
	g := &sessionstore.Grounds{Rules: rules, Source: v.config.Sources[method]}
	if before == nil || v.isAtHand(before) {
		return g
	}
	g.Earlier = before.Before(rules)
	if !v.isNews(rules, before, &now) {
		return g
	}
	for i := range g.Earlier {
		g.Earlier[i].Outdated = true
	}
	return g
}

// isAtHand reports whether all that there is to know of the session's person is:
// then every configuration works it out for itself, and nothing need be
// remembered of what others have made of it.
func (v *Vouching) isAtHand(s *sessionstore.Session) bool {
	recaller, ok := v.login(s.Method).(login.Recaller)
	if !ok || v.config.Directories {
		return false
	}
	_, whole, err := recaller.Recall(s)
	return err == nil && whole
}

// disrobed are the grounds of a session that has lost its roles: it was built
// under the rules of the moment, and nothing was granted.
func (v *Vouching) disrobed(s *sessionstore.Session) *sessionstore.Grounds {
	if v == nil || v.login(s.Method) == nil {
		return s.Grounds
	}
	standing, _ := v.standing(v.login(s.Method), s) // it was asked just now
	g := v.groundsUnder(v.rules(s.Method, standing), s.Method, s, sessionstore.Build{Unmapped: true, User: withoutRights(s.User)})
	if s.Grounds != nil {
		g.Password = s.Grounds.Password
	}
	return g
}

// underPresentKey are the grounds of a session that is about to be sealed anew,
// with the digest of its password made anew too: a secret that seals no record
// any more may go, and must leave no digest behind that nobody can look at.
func (v *Vouching) underPresentKey(s *sessionstore.Session) *sessionstore.Grounds {
	g := s.Grounds
	if v == nil || g == nil || g.Password == "" || len(v.config.Keys) == 0 || isUnder(v.config.Keys[0], g.Password) {
		return g
	}
	keeper, ok := v.login(s.Method).(login.Voucher)
	if !ok {
		return g
	}
	standing, err := keeper.Vouch(s)
	if err != nil || !v.isSame(g.Password, standing.PasswordHash) {
		return g
	}
	anew := *g
	anew.Password = v.digest(standing.PasswordHash)
	return &anew
}

// rules are a digest of what the configuration says of the login's people, and
// of what the login itself says of this one.
func (v *Vouching) rules(method string, standing profile.Standing) string {
	rules := v.config.Rules[method]
	if standing.Entry == "" {
		return rules
	}
	sum := sha256.Sum256([]byte(rules + "\x00" + standing.Entry))
	return base64.RawURLEncoding.EncodeToString(sum[:digestSize])
}

// digest is what a session keeps of a password's hash: whoever reads the store,
// and has its key, learns nothing to try passwords on.
func (v *Vouching) digest(passwordHash string) string {
	if passwordHash == "" || len(v.config.Keys) == 0 {
		return ""
	}
	return digestWith(v.config.Keys[0], passwordHash)
}

// isOther reports whether the digest is that of another hash. It is looked at
// under each of the keys: a new secret signs nobody out. One that was made with
// none of them says nothing.
func (v *Vouching) isOther(digest, passwordHash string) bool {
	return slices.ContainsFunc(v.config.Keys, func(key []byte) bool {
		return isUnder(key, digest) && !hmac.Equal([]byte(digestWith(key, passwordHash)), []byte(digest))
	})
}

// isSame reports whether the digest is that of the hash, under any of the keys.
func (v *Vouching) isSame(digest, passwordHash string) bool {
	return slices.ContainsFunc(v.config.Keys, func(key []byte) bool {
		return hmac.Equal([]byte(digestWith(key, passwordHash)), []byte(digest))
	})
}

// isUnder reports whether the digest was made with that key.
func isUnder(key []byte, digest string) bool { return strings.HasPrefix(digest, nameOf(key)) }

// former is what a login knew of somebody before it knew something else.
type former struct {
	subject  string
	standing profile.Standing
}

// beganSince reports whether the session began after the login knew its person by
// what it knew before, and is vouched for. A gateway may hear of a change when
// somebody has signed in by it already, here or at another gateway.
func (v *Vouching) beganSince(s *sessionstore.Session, was former) bool {
	if v == nil || was.subject == "" {
		return false
	}
	method := v.login(s.Method)
	if method == nil || s.Subject == was.subject && !v.otherPassword(s.Grounds, was.standing) {
		return false
	}
	_, err := v.standing(method, s)
	return err == nil
}

// otherPassword reports whether the session is known to have begun with another
// password.
func (v *Vouching) otherPassword(g *sessionstore.Grounds, known profile.Standing) bool {
	return g != nil && g.Password != "" && v.isOther(g.Password, known.PasswordHash)
}

// digestWith is the name of the key and the digest of the hash.
func digestWith(key []byte, passwordHash string) string {
	return nameOf(key) + tag(key, "password hash "+passwordHash)
}

func nameOf(key []byte) string { return tag(key, "name of the key")[:6] }

func tag(key []byte, text string) string {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:digestSize])
}
