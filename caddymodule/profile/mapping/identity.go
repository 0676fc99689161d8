package mapping

import (
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// identityKeys are the keys of `identity`: the fields of a person that say who
// they are. What the login keeps is not among them, for it holds credentials.
var identityKeys = []string{
	"accounts", "attributes", "created_at", "created_by", "email", "id", "issuer", "name",
	"permissions", "primary_account", "roles", "subject", "updated_at", "updated_by", "username",
}

// identityOf is the person as expressions see them. What is not known is not
// there, as with the facts of sources, but for lists and attributes: those are
// empty then, so that `identity.roles + [...]` is always right.
func identityOf(p *profile.Person) map[string]any {
	seen := map[string]any{
		"accounts":    accountsSeen(p.Accounts),
		"attributes":  attributesSeen(p.Attributes),
		"permissions": p.Permissions,
		"roles":       p.Roles,
	}
	for key, value := range map[string]string{
		"created_by": p.CreatedBy, "email": p.Email, "issuer": p.Issuer, "name": p.Name,
		"primary_account": p.PrimaryAccount, "subject": p.Subject, "updated_by": p.UpdatedBy, "username": p.Username,
	} {
		if value != "" {
			seen[key] = value
		}
	}
	for key, value := range map[string]time.Time{"created_at": p.CreatedAt, "updated_at": p.UpdatedAt} {
		if !value.IsZero() {
			seen[key] = value
		}
	}
	if p.ID != 0 {
		seen["id"] = p.ID
	}
	return seen
}

// accountsSeen are accounts with the keys that readAccount knows, so that
// `identity.accounts + [...]` can be mapped again.
func accountsSeen(accounts []sessionstore.Account) []any {
	seen := make([]any, len(accounts))
	for i, a := range accounts {
		seen[i] = map[string]any{
			"accountId": a.AccountID, "accountName": a.AccountName,
			"accountAdmin": a.AccountAdmin, "usersPrimaryAccount": a.UsersPrimaryAccount,
		}
	}
	return seen
}

func attributesSeen(attributes map[string]string) map[string]any {
	seen := make(map[string]any, len(attributes))
	for name, value := range attributes {
		seen[name] = value
	}
	return seen
}
