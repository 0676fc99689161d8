// Package redis keeps sessions in Redis, or in Valkey, so that any number of
// gateways share them. It needs a server of version 6.0 or later.
//
// All that belongs to one person lies in one hash slot:
//
//	<prefix>{<shard>}:s:<hash>  a session: its sealed record, a plain string
//	<prefix>{<shard>}:u:<user>  the person's sessions: a sorted set of their
//	                            hashes, scored with when they go (unix ms; see
//	                            scripts/index.lua for what is behind the point)
//	<prefix>{<shard>}:w:<user>  whom the number belongs to: a digest that says
//	                            nothing of them
//
// What has a name of its own lies in the slot of that name's hash:
//
//	<prefix>{<shard>}:t:<hash>  sign-in attempts of a bucket: a counter
//	<prefix>{<shard>}:h:<hash>  a lease: the hash of its holder
//	<prefix>{<shard>}:l:<hash>  sessions that are linked to a name: a sorted set
//	                            of their keys, scored with when the link ends
//	<prefix>{<shard>}:n:<hash>  the number of a name, with a ? behind it until
//	                            replicas have confirmed it
//	<prefix>{<shard>}:o:<n>     whose number that is: the hash of the name
//	<prefix>{0000}:c            the last number that was tried: a counter
//	<prefix>{<shard>}:b         when the server was written last, and when it could
//	                            not be: see sessionstore.Outages. A cluster has one
//	                            on each server, others one in all, of shard 0
//	<prefix>{0000}:p:<random>   a proof that two connections go to one server, for
//	                            a moment: see Store.WalkAll
//
// Every key but those of numbers and of whose they are, which are for good (see
// Store.Number), has a time to live, which is what ends sessions, leases, links
// and windows; the server's clock decides, so the clocks of the gateways need not
// agree. The key of a session that ends idle stays for sessionstore.Grace:
// somebody may have been active who could not be written down.
//
// Every write but that proof is one script that runs at once or not at all and names all its
// keys, all of one slot; a new number is a few of them, one after the other. None
// is bound to the number of sessions there are.
//
// The scripts that change or end sessions also publish which, on the channel
// <prefix>changed, for those who keep what they have read: see Store.Notify.
//
// Look-ups of sessions that wait at the same time go to a server in one write: see
// lookups.go.
//
// Primaries alone are asked, and "there is none" is only believed when the
// server would take a write, for a replica may not know of it yet; but not of a
// guess, which shall cost no write (see sessionstore.Guess).
//
// Sessions are only as safe as the server's memory: maxmemory-policy must be
// noeviction, else a full server signs people out, or even numbers them anew.
//
// It knows sessionstore and its driver, nothing of the gateway around them.
// Begin with keys.go and store.go; write.go and the folder scripts change
// sessions, client.go makes connections, guard.go and breaker.go keep a slow
// server from holding requests up, errors.go tells "there is none" from "cannot
// tell".
package redis
