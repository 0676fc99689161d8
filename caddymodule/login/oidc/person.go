package oidc

import (
	"errors"
	"strings"
	"unicode"

	"example.com/sidegate/caddymodule/profile"
)

// factToken is the name by which expressions know the provider's claims.
const factToken = "token"

// person is whom the kept claims tell of, filled by the mapping.
func (l *Login) person(kept *profile.Kept) (*profile.Person, error) {
	fact, _ := kept.Facts[factToken].(map[string]any)
	c := claims(fact)
	person := &profile.Person{
		Issuer: l.config.Issuer, Subject: c.text("sub"), SourceSession: c.text("sid"),
		Name: tidyName(c.text("name")), Kept: kept,
	}
	// An address that nobody vouches for is not the person's: no expression
	// sees it as theirs and grants a role by it.
	if l.vouched(c) {
		person.Email = c.text("email")
	}
	if l.config.Mapper != nil {
		if err := l.config.Mapper.Apply(person, kept.Facts); err != nil {
			return nil, err
		}
	}
	if err := l.checkEmail(person, c); err != nil {
		return nil, err
	}
	return person, nil
}

// tidyName is a name that a session takes: nobody needs one to sign in. Line breaks
// and other control characters become spaces, and what is long is cut.
func tidyName(name string) string {
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || hasControls(string(r)) }), " ")
	if len(name) <= profile.MaxText {
		return name
	}
	return strings.TrimSpace(strings.ToValidUTF8(name[:profile.MaxText], ""))
}

// vouched reports whether the provider has verified the address, or need not
// have. Silence is no word for it. Some providers write true as a text.
func (l *Login) vouched(c claims) bool {
	verified := c["email_verified"]
	return l.config.TrustUnverifiedEmail || verified == true || verified == "true"
}

// checkEmail looks at the address after the mapping. One that the mapping took
// from elsewhere is the operator's word; the provider's own unverified one is
// refused however it came there, since whoever may choose it can be anybody.
func (l *Login) checkEmail(person *profile.Person, c claims) error {
	claimed := c.text("email")
	switch {
	case person.Email == "" && (claimed == "" || l.vouched(c)):
		if value, there := c["email"]; there && claimed == "" {
			return because(ErrNoEmail, "its email is %s: have it send one address as a text, or map another claim to email", inJSON(value))
		}
		return because(ErrNoEmail, "ask for the email scope, or map another claim to email")
	case !l.vouched(c) && (person.Email == "" || sameAddress(person.Email, claimed)):
		return unvouched(c)
	}
	return nil
}

// unvouched tells a provider that denies from one that never says.
func unvouched(c claims) error {
	switch verified, says := c["email_verified"]; {
	case !says:
		return because(ErrUnvouched, "email_verified is not among its claims: have the provider send it, map another claim to email, "+
			"or, if people cannot choose their address there, say trust_unverified_email")
	case verified == false || verified == "false":
		return because(ErrUnverified, "it says so by email_verified; trust_unverified_email would take its word for any address all the same")
	default:
		return because(ErrUnverified, "its email_verified is %s, and true alone, or the text \"true\", says that it is: have the provider send that; "+
			"trust_unverified_email would take its word for any address", found(verified))
	}
}

// aboutAnother says of an ErrUnvouched that the provider does speak of an address,
// where it is another than the person's: see merge.
func aboutAnother(err error, idToken, info claims) error {
	_, inToken := idToken["email_verified"]
	_, inInfo := info["email_verified"]
	if !errors.Is(err, ErrUnvouched) || !inToken && !inInfo {
		return err
	}
	where := "userinfo"
	if inToken {
		where = "the ID token"
	}
	return because(ErrUnvouched, "the email_verified of %s is about another address than the email that counts, which is the ID token's where it has one, "+
		"or about none: have the provider send both in one place", where)
}

// sameAddress compares as the session will: a change of case is no other
// address.
func sameAddress(a, b string) bool {
	one, err := profile.NormalizeEmail(a)
	other, err2 := profile.NormalizeEmail(b)
	if err != nil || err2 != nil {
		return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
	}
	return one == other
}
