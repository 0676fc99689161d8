package caller

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/identity"
)

// Values are what identity headers are made of.
func (c *Caller) Values() identity.Values {
	v := identity.Values{
		UserID:      strconv.FormatInt(c.User.ID, 10),
		Email:       c.User.Email,
		Roles:       c.User.FlatRolesList,
		Permissions: c.User.FlatPermissionsList,
		SessionID:   c.Session.Key.ID(),
		Accounts:    c.accountIDs(),
		Username:    c.Session.Username,
		Name:        c.Session.Name,
	}
	if p := c.User.PrimaryAccount; p != nil {
		v.HasAccount, v.AccountID, v.AccountName, v.AccountAdmin = true, p.AccountID, p.AccountName, p.AccountAdmin
	}
	return v
}

func (c *Caller) accountIDs() []string {
	ids := make([]string, len(c.User.Accounts))
	for i, a := range c.User.Accounts {
		ids[i] = a.AccountID
	}
	return ids
}

// Placeholder begins the placeholders of the person in a template, Fields are
// how they may end, and Attribute begins those of what a `map` put into
// attributes.
const (
	Placeholder = "{" + userPlaceholder
	Attribute   = "attributes."

	userPlaceholder = "http.auth.user."
)

// Fields are the placeholders of the person, without what begins them.
var Fields = []string{"id", "email", "account_id", "roles", "permissions", "username", "name"}

// Publish makes the caller known to log encoders and later handlers, as
// {http.auth.user.*}. Values are made only when one is asked for.
func (c *Caller) Publish(r *http.Request) {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	repl.Map(func(key string) (any, bool) {
		field, ours := strings.CutPrefix(key, userPlaceholder)
		if !ours {
			return nil, false
		}
		return c.placeholder(field)
	})
}

// placeholder answers {http.auth.user.<field>}.
func (c *Caller) placeholder(field string) (any, bool) {
	switch field {
	case "id":
		return strconv.FormatInt(c.User.ID, 10), true
	case "email":
		return c.User.Email, true
	case "account_id":
		if c.User.PrimaryAccount == nil {
			return "", true
		}
		return c.User.PrimaryAccount.AccountID, true
	case "roles":
		return identity.EncodeWithin(c.User.FlatRolesList), true
	case "permissions":
		return identity.EncodeWithin(c.User.FlatPermissionsList), true
	case "username":
		return c.Session.Username, true
	case "name":
		return c.Session.Name, true
	default:
		name, ok := strings.CutPrefix(field, Attribute)
		return c.Session.Attributes[name], ok
	}
}
