package token

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

const (
	// AssertionTTL is how long an assertion is good: it is for the request
	// that it came with.
	AssertionTTL = 5 * time.Minute
	// MaxAssertion is the most that an assertion may have, in bytes: what
	// common servers accept as one header.
	MaxAssertion = 4096
)

// Assertion is what the gateway tells an app about the caller, signed.
type Assertion struct {
	// Audience is the app that it is for, by each name that it may know itself by.
	// One at least is required.
	Audience []string
	// UserID is the person's number, and Email their address. Required.
	UserID int64
	Email  string
	// SessionID is the public name of the session, sessionstore.Key.ID. Required.
	SessionID string
	// AccountID, AccountName and AccountAdmin are of the account acted for;
	// empty when there is none.
	AccountID    string
	AccountName  string
	AccountAdmin bool
	// Accounts are the ids of all accounts of the person.
	Accounts []string
	// Roles and Permissions are the flat lists.
	Roles       []string
	Permissions []string

	// Truncated names the lists ("permissions", "roles", "accounts") that
	// were left out because the assertion would not fit a header: an app must
	// not read their absence as "none". VerifyAssertion fills it, and the rest.
	Truncated []string
	ID        string
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// assertionToken is the payload of an assertion. A list that was left out is
// absent; an empty one is [].
type assertionToken struct {
	Issuer       string   `json:"iss"`
	Audience     audience `json:"aud"`
	Subject      string   `json:"sub"`
	Email        string   `json:"email"`
	SessionID    string   `json:"sid"`
	ID           string   `json:"jti"`
	IssuedAt     int64    `json:"iat"`
	ExpiresAt    int64    `json:"exp"`
	AccountID    string   `json:"account_id,omitempty"`
	AccountName  string   `json:"account_name,omitempty"`
	AccountAdmin *bool    `json:"account_admin,omitempty"`
	Accounts     []string `json:"accounts,omitzero"`
	Roles        []string `json:"roles,omitzero"`
	Permissions  []string `json:"permissions,omitzero"`
	Truncated    []string `json:"truncated,omitempty"`
}

// audience is a text where there is one name: apps that know no list read it on
// (RFC 7519 section 4.1.3 allows both).
type audience []string

func (a audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// MintAssertion makes the assertion, good for AssertionTTL. When it would be
// longer than MaxAssertion the whole permissions, then the roles, then the
// accounts are left out and named in truncated. The error says what is
// missing, or that it does not fit even so.
func (r *Ring) MintAssertion(a Assertion) (string, error) {
	if err := a.check(); err != nil {
		return "", err
	}
	t, k := r.assertionOf(a), r.signing[0]
	droppable := []struct {
		name string
		list *[]string
	}{{"permissions", &t.Permissions}, {"roles", &t.Roles}, {"accounts", &t.Accounts}}
	for {
		payload, err := json.Marshal(t)
		if err != nil {
			return "", fmt.Errorf("encoding an assertion: %v", err)
		}
		if k.size(typeAssertion, len(payload)) <= MaxAssertion {
			return k.sign(typeAssertion, payload)
		}
		if len(droppable) == 0 {
			return "", fmt.Errorf("assertion would be longer than %d bytes even without its lists", MaxAssertion)
		}
		*droppable[0].list = nil
		t.Truncated = append(t.Truncated, droppable[0].name)
		droppable = droppable[1:]
	}
}

// VerifyAssertion checks an assertion that is for that audience and returns
// what it says. The errors are those of VerifySession. Apps in other languages
// do the same with the JWKS and any JWT library: typ, alg, iss, aud and exp.
func (r *Ring) VerifyAssertion(raw, audience string) (Assertion, error) {
	o, err := r.open(raw, typeAssertion)
	if err != nil {
		return Assertion{}, err
	}
	c := claims{object: o}
	a := Assertion{
		Audience: c.audiences(), UserID: c.userID(), Email: c.text("email"), SessionID: c.text("sid"),
		ID: c.text("jti"), IssuedAt: c.seconds("iat"), ExpiresAt: c.seconds("exp"),
	}
	c.optional("account_id", &a.AccountID)
	c.optional("account_name", &a.AccountName)
	c.optional("account_admin", &a.AccountAdmin)
	c.optional("accounts", &a.Accounts)
	c.optional("roles", &a.Roles)
	c.optional("permissions", &a.Permissions)
	c.optional("truncated", &a.Truncated)
	if !slices.Contains(a.Audience, audience) {
		c.fail("aud is not the one expected")
	}
	if err := c.accept(r.issuer, r.now()); err != nil {
		return Assertion{}, err
	}
	return a, nil
}

func (r *Ring) assertionOf(a Assertion) assertionToken {
	now := r.now()
	t := assertionToken{
		Issuer: r.issuer, Audience: a.Audience, Subject: strconv.FormatInt(a.UserID, 10),
		Email: a.Email, SessionID: a.SessionID, ID: rand.Text(),
		IssuedAt: now.Unix(), ExpiresAt: now.Add(AssertionTTL).Unix(),
		Accounts: listed(a.Accounts), Roles: listed(a.Roles), Permissions: listed(a.Permissions),
	}
	if a.AccountID != "" {
		t.AccountID, t.AccountName, t.AccountAdmin = a.AccountID, a.AccountName, &a.AccountAdmin
	}
	return t
}

// check refuses an assertion that VerifyAssertion would not accept, or that
// could pass for a session token with a verifier that does not look at typ.
func (a *Assertion) check() error {
	if err := checkUserID(a.UserID); err != nil {
		return err
	}
	switch {
	case a.Email == "":
		return errors.New("no assertion for this person: they have no email")
	case a.SessionID == "":
		return errors.New("no assertion without a session id")
	case len(a.Audience) == 0 || slices.Contains(a.Audience, ""):
		return errors.New("no assertion without an audience: configure one")
	case slices.Contains(a.Audience, SessionAudience):
		return errors.New("assertion audience is that of session tokens: configure another")
	}
	return nil
}

func listed(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
