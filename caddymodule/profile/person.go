package profile

import (
	"fmt"
	"time"

	"example.com/sidegate/sessionstore"
)

// Person is what a login method, and at sign-in the directories, know of
// somebody: the facts that Build makes a session's UserSession of. They need
// not be tidy; Build normalises and checks them.
type Person struct {
	// ID is the person's number, 1 to 2^53-1. Zero when the source has none:
	// then the store hands one out for Issuer and Subject, once and for good.
	ID int64
	// Email is required; Build trims it and puts it in lower case.
	Email string
	// Subject is what the login method knows the person by (an issuer's sub,
	// an email address). Empty means Email.
	Subject string
	// Issuer is who vouches for Subject: the issuer of an OpenID provider,
	// else empty, which means the login method.
	Issuer string
	// SourceSession is what the source calls the session that it has of its
	// own (the sid of OIDC). Empty when it has none.
	SourceSession string
	// Username is what they are called where they sign in, for headers. It tells
	// nobody from others: two logins may call two people the same. Optional.
	Username string
	// Name is what the person is called. Optional.
	Name string
	// Attributes are further facts of the operator's choice, for headers.
	Attributes map[string]string
	// CreatedBy and UpdatedBy are free text.
	CreatedBy string
	UpdatedBy string
	// CreatedAt and UpdatedAt are zero when unknown.
	CreatedAt time.Time
	UpdatedAt time.Time
	// Accounts are those that the person may act for.
	Accounts []sessionstore.Account
	// PrimaryAccount is the id of the account to begin with. Empty means the
	// one that is flagged, else the first.
	PrimaryAccount string
	// Roles are as granted; Build adds those that they include.
	Roles []string
	// Permissions are those granted directly, beside those of the roles.
	Permissions []string
	// Kept is what the login keeps, sealed in the session. Nil for nothing.
	Kept *Kept
	// CookieLines are Set-Cookie lines of the app that the person came from, for
	// their browser. CookiesLeftOut is how many of its cookies are more than Kept
	// has room for.
	CookieLines    []string
	CookiesLeftOut int
	// Standing is what the login goes by when it vouches for the person again
	// without asking anybody; zero when it cannot.
	Standing Standing
}

// Standing is what a login that keeps its people itself knows them by at one
// moment. It holds a credential: printed, it says nothing.
type Standing struct {
	// PasswordHash is that of the password which the person has to know. No
	// session keeps it, but a keyed digest of it.
	PasswordHash string
	// Entry is a digest of all that is said of them.
	Entry string
}

// Format answers every verb with the same words.
func (Standing) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[standing]")) }
