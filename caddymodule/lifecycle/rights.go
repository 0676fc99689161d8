package lifecycle

import (
	"fmt"
	"slices"
	"strings"

	"example.com/sidegate/sessionstore"
)

// tellRights tells that a session was written which gives its person other rights.
func (r *rebuilder) tellRights(s *sessionstore.Session, rights string, err error) {
	if err == nil && rights != "" {
		r.config.Events.Happened(Event{Kind: RightsChanged, Login: s.Method, UserID: s.User.ID, Session: s.Key, Result: rights})
	}
}

// newRights says what a person may do now and could not before, and the other way
// round; empty where that is the same.
func newRights(before, now *sessionstore.UserSession) string {
	var said []string
	for _, of := range []struct {
		what        string
		before, now []string
	}{
		{"roles", before.FlatRolesList, now.FlatRolesList},
		{"permissions", before.FlatPermissionsList, now.FlatPermissionsList},
		{"administers", administers(before), administers(now)},
	} {
		more, less := without(of.now, of.before), without(of.before, of.now)
		if len(more)+len(less) > 0 {
			said = append(said, of.what+signed(" +", more)+signed(" -", less))
		}
	}
	return strings.Join(said, ", ")
}

func administers(u *sessionstore.UserSession) (accounts []string) {
	for _, a := range u.Accounts {
		if a.AccountAdmin {
			accounts = append(accounts, a.AccountID)
		}
	}
	return accounts
}

func without(names, others []string) []string {
	if slices.Equal(names, others) {
		return nil
	}
	had := make(map[string]bool, len(others))
	for _, name := range others {
		had[name] = true
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return had[name] })
}

// mostRights bounds how many names are told.
const mostRights = 20

func signed(sign string, names []string) string {
	switch more := len(names) - mostRights; {
	case len(names) == 0:
		return ""
	case more > 0:
		return sign + fmt.Sprintf("%q and %d more", names[:mostRights], more)
	}
	return sign + fmt.Sprintf("%q", names)
}
