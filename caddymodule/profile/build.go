package profile

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/sidegate/sessionstore"
)

// Build makes the session's UserSession of the person, with every invariant of
// it, or refuses: the error then wraps ErrInvalid. Nothing of p is shared with
// the result. Token is empty.
//
// Flat roles are the granted ones in order, then those that they include; flat
// permissions are the direct ones, then those of each flat role.
func (rs *Roles) Build(p Person) (sessionstore.UserSession, error) {
	u, err := build(p)
	if err == nil {
		u.FlatRolesList, u.FlatPermissionsList, err = rs.flatten(p.Roles, p.Permissions)
	}
	if err != nil {
		return sessionstore.UserSession{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return u, nil
}

// build is Build without the flat lists.
func build(p Person) (u sessionstore.UserSession, err error) {
	if p.ID < 1 || p.ID > sessionstore.MaxNumber {
		return u, wrong("id", "is not 1 to 2^53-1")
	}
	u = sessionstore.UserSession{ID: p.ID, CreatedBy: p.CreatedBy, UpdatedBy: p.UpdatedBy}
	if u.Email, err = normalizeEmail(p.Email); err != nil {
		return u, err
	}
	if err = p.checkTexts(); err != nil {
		return u, err
	}
	if u.CreatedAt, err = date("createdAt", p.CreatedAt); err != nil {
		return u, err
	}
	if u.UpdatedAt, err = date("updatedAt", p.UpdatedAt); err != nil {
		return u, err
	}
	u.Accounts, u.PrimaryAccount, err = accounts(p.Accounts, p.PrimaryAccount)
	return u, err
}

func (p *Person) checkTexts() error {
	for _, t := range []struct{ field, text string }{
		{"subject", p.Subject}, {"createdBy", p.CreatedBy}, {"updatedBy", p.UpdatedBy}, {"username", p.Username}, {"name", p.Name},
		{"sourceSession", p.SourceSession},
	} {
		if err := checkText(t.field, t.text, MaxText); err != nil {
			return err
		}
	}
	if len(p.Attributes) > MaxAttributes {
		return tooMany("attributes", MaxAttributes)
	}
	for name, value := range p.Attributes {
		if err := errors.Join(checkName("the name of an attribute", name, MaxName), checkText("an attribute", value, MaxText)); err != nil {
			return err
		}
	}
	if err := checkNames("roles", p.Roles, MaxRoles, MaxName); err != nil {
		return err
	}
	return checkNames("permissions", p.Permissions, MaxPermissions, MaxName)
}

// date is nil for an unknown date, else the same moment in UTC.
func date(field string, t time.Time) (*time.Time, error) {
	if t.IsZero() {
		return nil, nil
	}
	t = t.Round(0).UTC()
	if t.Year() < 1 || t.Year() > 9999 { // no RFC 3339 for it: the session could not be sent
		return nil, wrong(field, "is not in the years 1 to 9999")
	}
	return &t, nil
}

// accounts returns a copy of the list with exactly one flagged, and that one.
// Two accounts of one id are refused, not merged: which of two names or admin
// flags is true is not for us to guess.
func accounts(list []sessionstore.Account, chosen string) ([]sessionstore.Account, *sessionstore.Account, error) {
	if err := checkAccounts(list); err != nil {
		return nil, nil, err
	}
	i, err := primary(list, chosen)
	if err != nil {
		return nil, nil, err
	}
	if i < 0 {
		return []sessionstore.Account{}, nil, nil
	}
	list = slices.Clone(list)
	for j := range list {
		list[j].UsersPrimaryAccount = j == i
	}
	flagged := list[i]
	return list, &flagged, nil
}

// primary is the index of the account to begin with: the chosen one, else the
// flagged one, else the first; -1 without accounts.
func primary(list []sessionstore.Account, chosen string) (int, error) {
	if chosen != "" {
		i := slices.IndexFunc(list, func(a sessionstore.Account) bool { return a.AccountID == chosen })
		if i < 0 {
			return 0, wrong("primaryAccount", "is not among the accounts")
		}
		return i, nil
	}
	found := -1
	for i, a := range list {
		if !a.UsersPrimaryAccount {
			continue
		}
		if found >= 0 {
			return 0, wrong("accounts", "has two that are flagged, and primaryAccount does not say which")
		}
		found = i
	}
	if found < 0 && len(list) > 0 {
		return 0, nil
	}
	return found, nil
}

func checkAccounts(list []sessionstore.Account) error {
	if len(list) > MaxAccounts {
		return tooMany("accounts", MaxAccounts)
	}
	seen := make(map[string]bool, len(list))
	for i, a := range list {
		field := fmt.Sprintf("accounts[%d].", i)
		if err := checkName(field+"accountId", a.AccountID, MaxName); err != nil {
			return err
		}
		if err := checkText(field+"accountName", a.AccountName, MaxText); err != nil {
			return err
		}
		if seen[a.AccountID] {
			return wrong(field+"accountId", "is the id of an earlier account")
		}
		seen[a.AccountID] = true
	}
	return nil
}
