package token

import (
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"example.com/sidegate/sessionstore"
)

const (
	// DefaultTTL is the life of a token that a cookie caller is given.
	DefaultTTL = 10 * time.Minute
	// DefaultEntries is how many tokens a Cache keeps; about 1 KiB each.
	DefaultEntries = 10_000

	// maxSites is of how many sites the tokens of one session are kept.
	maxSites = 8
)

// Cache gives a cookie caller of a site the same short token again until 80 % of its
// life is over: signing is dear, and a new token with every answer would make
// every answer a new one (its ETag). It is safe for concurrent use.
//
// It is keyed by the session and the site, never by a token's text or by a person.
type Cache struct {
	ring   *Ring
	ttl    time.Duration
	tokens *lru.Cache[sessionstore.Key, []cached] // lists never change
	mu     sync.Mutex                             // makes "look again, then keep" one step
}

type cached struct {
	site    Site
	token   string
	userID  int64
	renewAt time.Time
	expires time.Time
}

// NewCache makes an empty cache. ttl is DefaultTTL when 0, entries is
// DefaultEntries when 0. A ttl below one second is an error: exp counts seconds.
func NewCache(r *Ring, ttl time.Duration, entries int) (*Cache, error) {
	if ttl == 0 {
		ttl = DefaultTTL
	}
	if ttl < time.Second {
		return nil, fmt.Errorf("token ttl is %v: it must be at least 1s", ttl)
	}
	if entries == 0 {
		entries = DefaultEntries
	}
	tokens, err := lru.New[sessionstore.Key, []cached](entries)
	if err != nil {
		return nil, fmt.Errorf("token cache of %d entries: %v", entries, err)
	}
	return &Cache{ring: r, ttl: ttl, tokens: tokens}, nil
}

// Token returns a token of the session for that site that lives for the cache's
// ttl, or as long as the session when that is shorter. The errors are those of
// Ring.MintSessionAt.
func (c *Cache) Token(site Site, key sessionstore.Key, userID int64, sessionExpires time.Time) (string, error) {
	now := c.ring.now()
	kept, _ := c.tokens.Get(key)
	if e := find(kept, site); e != nil && e.good(userID, sessionExpires, now) {
		return e.token, nil
	}
	fresh, err := c.mint(site, key, userID, sessionExpires, now)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// Callers that missed at the same time all get the token of the first.
	kept, _ = c.tokens.Get(key)
	if e := find(kept, site); e != nil && e.good(userID, sessionExpires, now) {
		return e.token, nil
	}
	list := []cached{fresh}
	for i := 0; i < len(kept) && len(list) < maxSites; i++ {
		if kept[i].site != site {
			list = append(list, kept[i])
		}
	}
	c.tokens.Add(key, list)
	return fresh.token, nil
}

func find(kept []cached, site Site) *cached {
	for i := range kept {
		if kept[i].site == site {
			return &kept[i]
		}
	}
	return nil
}

// Forget drops the tokens of a session that has ended. They were dead
// already, as the store decides; this only gives their memory back.
func (c *Cache) Forget(key sessionstore.Key) { c.tokens.Remove(key) }

func (c *Cache) mint(site Site, key sessionstore.Key, userID int64, sessionExpires, now time.Time) (cached, error) {
	e := cached{site: site, userID: userID, expires: now.Add(c.ttl)}
	clipped := !e.expires.Before(sessionExpires)
	if clipped {
		e.expires = sessionExpires
	}
	e.expires = e.expires.Truncate(time.Second) // as exp will have it
	e.renewAt = now.Add(e.expires.Sub(now) / 5 * 4)
	if clipped {
		e.renewAt = e.expires // a new one could not live longer: this one serves to the end
	}
	var err error
	e.token, err = c.ring.MintSessionAt(site, key, userID, e.expires)
	return e, err
}

// good says that the token may be given out again: to the same person, within
// its time and that of the session.
func (e *cached) good(userID int64, sessionExpires, now time.Time) bool {
	return e.userID == userID && now.Before(e.renewAt) && !e.expires.After(sessionExpires)
}
