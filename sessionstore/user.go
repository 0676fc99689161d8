package sessionstore

import (
	"slices"
	"time"
)

// UserSession is who is signed in, as GET /auth/session answers it. The JSON
// is the contract with browsers and front-end code: names, order and absence
// of fields are fixed.
//
// The invariants of a UserSession (one flagged account, lists that are never
// null, a lower-case email) are made by package profile when a person signs in.
type UserSession struct {
	// ID is the person's number, 1 to 2^53-1, so that JavaScript reads it exactly.
	ID int64 `json:"id"`
	// Email is trimmed and in lower case.
	Email string `json:"email"`
	// CreatedBy and UpdatedBy are free text, most often an email address.
	CreatedBy string `json:"createdBy,omitempty"`
	UpdatedBy string `json:"updatedBy,omitempty"`
	// CreatedAt and UpdatedAt are in UTC; unknown dates are nil.
	CreatedAt *time.Time `json:"createdAt,omitempty"`
	UpdatedAt *time.Time `json:"updatedAt,omitempty"`
	// PrimaryAccount equals the one account that is flagged; nil without accounts.
	PrimaryAccount *Account  `json:"primaryAccount,omitempty"`
	Accounts       []Account `json:"accounts"`
	// FlatRolesList holds the person's roles with those that they include.
	FlatRolesList []string `json:"flatRolesList"`
	// FlatPermissionsList holds direct permissions first, then those of each role.
	FlatPermissionsList []string `json:"flatPermissionsList"`
	// Token is the session token of this answer. It is never kept in a store.
	Token string `json:"token"`
}

// Account is one of the accounts that a person may act for.
type Account struct {
	AccountID           string `json:"accountId"`
	AccountName         string `json:"accountName"`
	UsersPrimaryAccount bool   `json:"usersPrimaryAccount"`
	AccountAdmin        bool   `json:"accountAdmin"`
}

// Account returns the person's account of that id.
func (u *UserSession) Account(id string) (Account, bool) {
	for _, a := range u.Accounts {
		if a.AccountID == id {
			return a, true
		}
	}
	return Account{}, false
}

// WithPrimary returns u with the account of that id as the primary one, and
// false when the person has no such account. u itself is not changed; lists
// that need no change are shared.
func (u *UserSession) WithPrimary(id string) (*UserSession, bool) {
	if u.PrimaryAccount != nil && u.PrimaryAccount.AccountID == id {
		return u, true
	}
	if _, ok := u.Account(id); !ok {
		return nil, false
	}
	chosen := *u
	chosen.Accounts = slices.Clone(u.Accounts)
	for i := range chosen.Accounts {
		a := &chosen.Accounts[i]
		a.UsersPrimaryAccount = a.AccountID == id
		if a.UsersPrimaryAccount {
			primary := *a
			chosen.PrimaryAccount = &primary
		}
	}
	return &chosen, true
}
