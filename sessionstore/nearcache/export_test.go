package nearcache

// Remembered is how many keys are remembered to be nobody's.
func (c *Cache) Remembered() int {
	n := 0
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.RLock()
		n += len(sh.unknown)
		sh.mu.RUnlock()
	}
	return n
}
