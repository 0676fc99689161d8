package lifecycle

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// digestSize is the length of what sessions keep of rules and of password
// hashes, in bytes: 96 bits, of which nobody can find another that matches.
const digestSize = 12

// grounds are what a session that is built of the person now is vouched by;
// before are those that it had, nil for a new one.
func (v *Vouching) grounds(method string, person *profile.Person, before *sessionstore.Grounds, built *sessionstore.UserSession) *sessionstore.Grounds {
	if v == nil {
		return nil
	}
	g := &sessionstore.Grounds{
		Password: v.digest(person.Standing.PasswordHash),
		Rules:    before.Rebuilt(v.rules(method, person.Standing)),
	}
	if !slices.Equal(person.Roles, built.FlatRolesList) || !slices.Equal(person.Permissions, built.FlatPermissionsList) {
		g.Roles, g.Permissions = slices.Clone(person.Roles), slices.Clone(person.Permissions)
	}
	return g
}

// disrobed are the grounds of a session that has lost its roles: it was built
// under the rules of the moment, and nothing was granted.
func (v *Vouching) disrobed(s *sessionstore.Session) *sessionstore.Grounds {
	if v == nil {
		return s.Grounds
	}
	method := v.login(s.Method)
	if method == nil {
		return s.Grounds
	}
	standing, _ := v.standing(method, s) // it was asked just now
	g := &sessionstore.Grounds{Rules: s.Grounds.Rebuilt(v.rules(s.Method, standing))}
	if s.Grounds != nil {
		g.Password = s.Grounds.Password
	}
	return g
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
	for _, key := range v.config.Keys {
		if own := digestWith(key, passwordHash); len(digest) == len(own) && digest[:keyNameSize] == own[:keyNameSize] {
			return !hmac.Equal([]byte(own), []byte(digest))
		}
	}
	return false
}

// former is what a login knew of somebody before it knew something else.
type former struct {
	subject  string
	standing profile.Standing
}

// since reports whether the session began after the login knew its person by
// what it knew before, and is vouched for. A gateway may hear of a change when
// somebody has signed in by it already, here or at another gateway.
func (v *Vouching) since(s *sessionstore.Session, was former) bool {
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

// keyNameSize is how much of a digest names its key.
const keyNameSize = 6

// digestWith is the name of the key and the digest of the hash.
func digestWith(key []byte, passwordHash string) string {
	return tag(key, "name of the key")[:keyNameSize] + tag(key, "password hash "+passwordHash)
}

func tag(key []byte, text string) string {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:digestSize])
}
