package nearcache

import "example.com/sidegate/sessionstore"

// Heard is a listener's Changed (see sessionstore.Follow): it forgets the session,
// as Drop does.
func (c *Cache) Heard(key sessionstore.Key) {
	c.Drop(key)
	c.delay.heard(key)
}

// Missed is a listener's Missed. Everything is doubted then,
// for nobody knows what has changed: the store is asked first, and only while it
// cannot tell is a session served, no longer than it would have been otherwise.
func (c *Cache) Missed() {
	c.delay.forgetAll()
	c.doubtAll()
}
