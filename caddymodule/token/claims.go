package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/sidegate/sessionstore"
)

// Leeway is how far the clocks of two gateways may differ: iat and nbf may lie
// that far ahead. It covers one that is five minutes fast beside one that is
// five minutes slow, with a minute to spare: less would sign people out at the
// slow one, and it gives an attacker nothing, since a token that bears our
// signature was made by us. exp has none: the store must be asked anyway, and a
// longer life for a token is never what a wrong clock should give.
const Leeway = 11 * time.Minute

// claimNames are the members that mean something to us. Another spelling of
// one of them is refused, because a parser that ignores case would read it.
var claimNames = []string{
	"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "email",
	"account_id", "account_name", "account_admin", "accounts", "roles", "permissions", "truncated", "site",
}

// object is a JSON object whose members are each there once, values unread.
type object map[string]json.RawMessage

// decodeObject reads a segment that must be one JSON object without duplicate
// members (RFC 7519 section 4, RFC 7515 section 4) and without a member that
// is one of names but for its case. Members not in names are let be, so that
// a newer gateway may add one while an older one still runs.
//
// login/oidc has a reader of its own (checkJSON), which would not do here: it
// judges what others wrote, at any depth. Here a value is not read before it is
// asked for, since its spelling counts too (integer).
func decodeObject(segment, what string, names []string) (object, error) {
	b, err := encoding.DecodeString(segment)
	if err != nil {
		return nil, invalid(what + ": not canonical base64url")
	}
	o := object{}
	ok := utf8.Valid(b) && Members(b, func(name string, value json.RawMessage) {
		if _, again := o[name]; again {
			err = invalid(what + ": a member is there twice")
		}
		for _, n := range names {
			if n != name && strings.EqualFold(n, name) {
				err = invalid(what + ": " + n + " is there in another case")
			}
		}
		o[name] = value
	})
	if !ok {
		return nil, invalid(what + ": not one JSON object")
	}
	if err != nil {
		return nil, err
	}
	return o, nil
}

// Members calls each for every member in order, duplicates included, and
// reports whether b is one JSON object and nothing else. It is what a caller needs
// to find a member twice, of which parsers take the first or the last.
func Members(b []byte, each func(name string, value json.RawMessage)) bool {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return false
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return false
		}
		each(name.(string), value)
	}
	if _, err := d.Token(); err != nil {
		return false
	}
	_, err := d.Token()
	return errors.Is(err, io.EOF)
}

// claims reads the members of an object. The first that is missing or of the
// wrong type is remembered in err; what is read after that means nothing.
type claims struct {
	object
	err error
}

func (c *claims) fail(reason string) {
	if c.err == nil {
		c.err = invalid(reason)
	}
}

// text reads a string that must be there and not be empty.
func (c *claims) text(name string) string {
	var s string
	if json.Unmarshal(c.object[name], &s) != nil || s == "" { // null leaves s empty
		c.fail(name + " is missing, or not a string")
	}
	return s
}

// integer reads a whole number from 1 to 2^53-1 in its one plain spelling: no
// string, fraction or exponent.
func (c *claims) integer(name string, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > sessionstore.MaxNumber || strconv.FormatInt(n, 10) != text {
		c.fail(name + " is missing, or not a whole number")
	}
	return n
}

// seconds reads a NumericDate.
func (c *claims) seconds(name string) time.Time {
	return time.Unix(c.integer(name, string(c.object[name])), 0).UTC()
}

// userID reads sub, which is a string that holds a number.
func (c *claims) userID() int64 { return c.integer("sub", c.text("sub")) }

// key reads sid as a session token has it.
func (c *claims) key() sessionstore.Key {
	k, err := sessionstore.ParseKey(c.text("sid"))
	if err != nil {
		c.fail("sid does not name a session")
	}
	return k
}

// optional reads a member that may be absent into v.
func (c *claims) optional(name string, v any) {
	if value, ok := c.object[name]; ok && json.Unmarshal(value, v) != nil {
		c.fail(name + " is of the wrong type")
	}
}

// audiences reads aud, which may be a text or a list of some.
func (c *claims) audiences() []string {
	var one string
	if json.Unmarshal(c.object["aud"], &one) == nil {
		return []string{one}
	}
	var list []string
	if json.Unmarshal(c.object["aud"], &list) != nil {
		c.fail("aud is missing, or of the wrong type")
	}
	return list
}

// accept checks what all tokens have in common. Expiry comes last, so that
// ErrExpired is said only of a token that was good.
func (c *claims) accept(issuer string, now time.Time) error {
	if c.text("iss") != issuer {
		c.fail("iss is not ours: do all gateways have the same token issuer?")
	}
	c.text("jti")
	iat, exp, nbf := c.seconds("iat"), c.seconds("exp"), time.Time{}
	if _, ok := c.object["nbf"]; ok {
		nbf = c.seconds("nbf")
	}
	if latest := now.Add(Leeway); iat.After(latest) || nbf.After(latest) {
		c.fail("it is from the future: are the clocks of all gateways right?")
	}
	if c.err == nil && !now.Before(exp) {
		c.err = ErrExpired
	}
	return c.err
}
