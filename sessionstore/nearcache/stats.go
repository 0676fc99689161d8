package nearcache

// Stats count what a cache has done since it was made. They are read one after
// the other, so under load they need not add up.
type Stats struct {
	// Hits are the look-ups answered with a session that was held, and Unknown
	// those answered with a remembered "there is none".
	Hits, Unknown uint64
	// Misses are the look-ups in the store, and Joined the callers who waited
	// for one that another had begun.
	Misses, Joined uint64
	// Stale are the sessions served because the store could not tell, past their
	// TTL or doubted.
	Stale uint64
	// Evicted are the sessions that went for want of room.
	Evicted uint64
	// Gaps is how often messages may have been lost.
	Gaps uint64
	// Entries is how many sessions are held now.
	Entries int
}

// Stats sums the counters of all shards. It takes no lock.
func (c *Cache) Stats() Stats {
	s := Stats{Gaps: c.gaps.Load(), Entries: int(c.size.Load())}
	for i := range c.shards {
		n := &c.shards[i].counters
		s.Hits += n.hits.Load()
		s.Unknown += n.unknown.Load()
		s.Misses += n.misses.Load()
		s.Joined += n.joined.Load()
		s.Stale += n.stale.Load()
		s.Evicted += n.evicted.Load()
	}
	return s
}
