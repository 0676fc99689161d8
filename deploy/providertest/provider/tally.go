package provider

import "maps"

// Tally is what became of refresh tokens and codes. What arrives at an
// endpoint is counted by At.
type Tally struct {
	// RefreshCalls is how often each refresh token was presented, whatever
	// came of it.
	RefreshCalls map[string]int
	// Rotations is how often a refresh token was exchanged for the next one.
	Rotations int
	// Reuses is how often a spent refresh token was presented again. Each time
	// its whole family is revoked (RFC 9700 section 4.14.2).
	Reuses int
	// CodeReuses is how often a redeemed code was presented again.
	CodeReuses int
}

// Tally is how it stands now.
func (p *Provider) Tally() Tally {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	t := p.store.tally
	t.RefreshCalls = maps.Clone(t.RefreshCalls)
	return t
}
