package caddymodule

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
)

// AssertionConfig asks for X-Session-Assertion.
type AssertionConfig struct {
	// Audience is the assertion's aud claim; "host" is the site's host. Default: a
	// list of the site's host and upstream, of which upstream goes in 0.3.
	Audience string `json:"audience,omitempty"`
}

const (
	// cachedAssertions bounds the assertions that are kept for reuse.
	cachedAssertions = 10_000
	// assertionReuse is how long one assertion goes with further requests; it
	// lives five minutes, so an upstream always sees three to spare.
	assertionReuse = 2 * time.Minute
)

// assertions signs X-Session-Assertion, once for many requests: a signature
// costs as much as all the rest of a request.
type assertions struct {
	ring  *token.Ring
	now   func() time.Time
	cache *lru.Cache[assertionKey, signedAssertion]
}

// assertionKey is all that an assertion depends on.
type assertionKey struct {
	session  sessionstore.Key
	version  uint64
	account  string
	audience audience
}

// audience is whom an assertion is for: the site's host, a name, or both.
type audience struct{ host, name string }

func (a audience) names() (names []string) {
	for _, name := range []string{a.host, a.name} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

type signedAssertion struct {
	token string
	until time.Time
}

func newAssertions(ring *token.Ring, now func() time.Time) *assertions {
	cache, err := lru.New[assertionKey, signedAssertion](cachedAssertions)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	return &assertions{ring: ring, now: now, cache: cache}
}

// of returns an assertion of the caller for that audience.
func (a *assertions) of(c *caller.Caller, to audience) (string, error) {
	values := c.Values()
	key := assertionKey{c.Session.Key, c.Session.Version, values.AccountID, to}
	now := a.now()
	if kept, ok := a.cache.Get(key); ok && now.Before(kept.until) {
		return kept.token, nil
	}
	signed, err := a.ring.MintAssertion(token.Assertion{
		Audience:     to.names(),
		UserID:       c.User.ID,
		Email:        c.User.Email,
		SessionID:    values.SessionID,
		AccountID:    values.AccountID,
		AccountName:  values.AccountName,
		AccountAdmin: values.AccountAdmin,
		Accounts:     values.Accounts,
		Roles:        values.Roles,
		Permissions:  values.Permissions,
	})
	if err == nil {
		a.cache.Add(key, signedAssertion{signed, now.Add(assertionReuse)})
	}
	return signed, err
}
