package token

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"example.com/sidegate/sessionstore"
)

// SessionAudience is the aud of session tokens.
const SessionAudience = "sidegate:session"

// SessionClaims is what a session token says. Whether the session lives, and
// is that person's, is for the store to say.
type SessionClaims struct {
	// Key names the session in the store.
	Key sessionstore.Key
	// UserID is the person's number.
	UserID int64
	// Site is the origin where the token was given out, and where alone it is
	// good; empty: at every site, as those of programs are.
	Site string
	// IssuedAt and ExpiresAt are in UTC, to the second.
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// sessionToken is the payload of a session token.
type sessionToken struct {
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	Subject   string `json:"sub"`
	SessionID string `json:"sid"`
	Site      string `json:"site,omitempty"`
	ID        string `json:"jti"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
}

// Site is where a token is given out: the scheme and host of an origin.
type Site struct{ Scheme, Host string }

// maxSite bounds the host, which a client may have made up: a name has 253 bytes
// at most, and a port six more.
const maxSite = 260

// String is the origin as browsers write it; of none it is empty.
func (s Site) String() string {
	if s == (Site{}) {
		return ""
	}
	return s.Scheme + "://" + s.Host
}

// MintSession makes the session token of that session and person, good at every
// site until expires, cut to the second. The error is that of a person's number
// that is not 1 to 2^53-1, or of the signing itself.
func (r *Ring) MintSession(key sessionstore.Key, userID int64, expires time.Time) (string, error) {
	return r.MintSessionAt(Site{}, key, userID, expires)
}

// MintSessionAt is MintSession for that site alone. A host that is none is an
// error too. Gateways that do not know sites yet take it for good everywhere.
func (r *Ring) MintSessionAt(site Site, key sessionstore.Key, userID int64, expires time.Time) (string, error) {
	if err := checkUserID(userID); err != nil {
		return "", err
	}
	if len(site.Host) > maxSite {
		return "", fmt.Errorf("no token for a site whose host has %d bytes: %d at most", len(site.Host), maxSite)
	}
	return r.mint(typeSession, sessionToken{
		Issuer:    r.issuer,
		Audience:  SessionAudience,
		Subject:   strconv.FormatInt(userID, 10),
		SessionID: key.Encode(),
		Site:      site.String(),
		ID:        rand.Text(),
		IssuedAt:  r.now().Unix(),
		ExpiresAt: expires.Unix(),
	})
}

// VerifySession checks a session token: its form, header, signature by a key
// of the ring, and every claim. The error is always ErrInvalid with a reason
// that is safe to log; it is ErrExpired too when only the time has run out.
func (r *Ring) VerifySession(raw string) (SessionClaims, error) {
	s, err := r.ReadSession(raw)
	if err != nil {
		return SessionClaims{}, err
	}
	return s, nil
}

// ReadSession is VerifySession that with ErrExpired returns what the token says:
// it names its session still, which is enough to sign out and for nothing else.
func (r *Ring) ReadSession(raw string) (SessionClaims, error) {
	o, err := r.open(raw, typeSession)
	if err != nil {
		return SessionClaims{}, err
	}
	c := claims{object: o}
	s := SessionClaims{
		Key:       c.key(),
		UserID:    c.userID(),
		IssuedAt:  c.seconds("iat"),
		ExpiresAt: c.seconds("exp"),
	}
	if _, given := o["site"]; given {
		s.Site = c.text("site")
	}
	if c.text("aud") != SessionAudience { // the one text that we write, not a list that holds it
		c.fail("aud is not the one expected")
	}
	return s, c.accept(r.issuer, r.now())
}

// LooksOurs reports whether raw claims to be a session token, good or not: it
// is then never sent upstream, and never taken for somebody else's Bearer. It
// reads no more than the header, and reads that more generously than
// VerifySession does, so that no spelling of a token of ours gets past it.
func (r *Ring) LooksOurs(raw string) bool {
	header, _, ok := strings.Cut(raw[:min(len(raw), MaxToken)], ".")
	if !ok {
		return false
	}
	if _, ok := r.verifiers[typeSession][header]; ok {
		return true
	}
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(header, "="))
	if err != nil {
		return false
	}
	ours := false
	Members(b, func(name string, value json.RawMessage) {
		var typ string
		if strings.EqualFold(name, "typ") && json.Unmarshal(value, &typ) == nil {
			// RFC 7515 section 4.1.9: "application/" may be left out.
			short := strings.TrimPrefix(strings.ToLower(typ), "application/")
			ours = ours || short == typeSession
		}
	})
	return ours
}

func checkUserID(id int64) error {
	if id < 1 || id > sessionstore.MaxNumber {
		return errors.New("no token for this person: their id is not 1 to 2^53-1")
	}
	return nil
}
