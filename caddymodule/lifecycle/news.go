package lifecycle

import (
	"maps"
	"slices"

	"example.com/sidegate/sessionstore"
)

// isNews reports whether what was built under those rules now tells that the
// sources say something else than when the session was built before. The same
// rules make the same of the same answers. Where they have made nothing of the
// person yet, or what they have made was outdated, what others made stands in
// for it, and only what it gave and is gone is news: else two configurations
// that give different things would be news to each other without end. Nor is an
// answer that these rules have never mapped: it may be the rules.
func (v *Vouching) isNews(rules string, before *sessionstore.Session, now *sessionstore.Build) bool {
	was, built := before.Under(rules)
	if built && !was.Outdated {
		return !saysTheSame(&was, now)
	}
	if !built && now.Unmapped {
		return false
	}
	served, err := v.view(v.login(before.Method), before, rules)
	return err == nil && !givesAllOf(&now.User, &served.User)
}

// saysTheSame reports whether an app is told the same of the person by both.
func saysTheSame(a, b *sessionstore.Build) bool {
	return a.Unmapped == b.Unmapped && a.User.Email == b.User.Email &&
		a.Username == b.Username && a.Name == b.Name && maps.Equal(a.Attributes, b.Attributes) &&
		slices.Equal(a.User.FlatRolesList, b.User.FlatRolesList) && slices.Equal(a.User.FlatPermissionsList, b.User.FlatPermissionsList) &&
		slices.EqualFunc(a.User.Accounts, b.User.Accounts, func(a, b sessionstore.Account) bool {
			return a.AccountID == b.AccountID && a.AccountAdmin == b.AccountAdmin
		})
}

// givesAllOf reports whether the person may do all that they might.
func givesAllOf(may, might *sessionstore.UserSession) bool {
	left := within(*might, may)
	return len(left.FlatRolesList) == len(might.FlatRolesList) && len(left.FlatPermissionsList) == len(might.FlatPermissionsList) &&
		slices.EqualFunc(left.Accounts, might.Accounts, func(a, b sessionstore.Account) bool {
			return a.AccountID == b.AccountID && a.AccountAdmin == b.AccountAdmin
		})
}
