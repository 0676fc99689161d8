package token

import (
	"crypto/sha256"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"
)

// DefaultVerified is how many tokens a Verified remembers.
const DefaultVerified = 50_000

// Verified remembers which session tokens were found good: checking a
// signature costs more than all the rest of a request. Only what a good token
// says is remembered, never that one is bad and never that its session lives:
// that is the store's to say, each time. It is safe for concurrent use.
//
// It is keyed by the SHA-256 of the whole token, so a token that differs in a
// single bit, its signature's spelling included, is checked on its own
// (CVE-2026-33496), and no token lies about in memory.
type Verified struct {
	ring *Ring
	seen *lru.Cache[[sha256.Size]byte, SessionClaims]
}

// NewVerified makes an empty memory of that many tokens; 0 means DefaultVerified.
func NewVerified(r *Ring, entries int) (*Verified, error) {
	if entries == 0 {
		entries = DefaultVerified
	}
	seen, err := lru.New[[sha256.Size]byte, SessionClaims](entries)
	if err != nil {
		return nil, fmt.Errorf("memory of %d verified tokens: %v", entries, err)
	}
	return &Verified{ring: r, seen: seen}, nil
}

// VerifySession is Ring.VerifySession, which it asks only once for a good token.
func (v *Verified) VerifySession(raw string) (SessionClaims, error) {
	if len(raw) > MaxToken {
		return v.ring.VerifySession(raw) // refused, and not hashed before
	}
	var onStack [1024]byte // an ordinary token takes half of it
	sum := sha256.Sum256(append(onStack[:0], raw...))
	if c, ok := v.seen.Get(sum); ok {
		if !v.ring.now().Before(c.ExpiresAt) {
			v.seen.Remove(sum)
			return SessionClaims{}, ErrExpired
		}
		return c, nil
	}
	c, err := v.ring.VerifySession(raw)
	if err == nil {
		v.seen.Add(sum, c)
	}
	return c, err
}
