// Package nearcache keeps sessions in the memory of a gateway, in front of any
// sessionstore.Store, so that most requests cost no trip to the store.
//
// It promises that this process never accepts a session again once it has
// acknowledged that session's revocation, whatever look-ups were under way;
// that a revocation elsewhere takes effect when its message arrives (Heard),
// and after Options.TTL at the latest, even if every message is lost; and that
// "there is none" and "cannot tell" are never taken for each other.
//
// What the cache holds was read from the store; it never writes it back.
//
// It knows sessionstore and no store in particular; no network. Begin with
// Cache in cache.go; entry.go is a session that is held, flight.go is where
// look-ups and revocations meet, shard.go holds the entries, hearing.go hears
// of what others did.
package nearcache
