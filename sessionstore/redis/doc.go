// Package redis keeps sessions in Redis, or in Valkey, so that any number of
// gateways share them. It needs a server of version 6.0 or later.
//
// All that belongs to one person lies in one hash slot:
//
//	<prefix>{<shard>}:s:<hash>  a session: its sealed record, a plain string
//	<prefix>{<shard>}:u:<user>  the person's sessions: a sorted set of their
//	                            hashes, scored with when they expire (unix ms)
//	<prefix>{<shard>}:t:<hash>  sign-in attempts of a bucket: a counter
//
// Every key has a time to live, which is what ends sessions and windows; the
// server's clock decides, so the clocks of the gateways need not agree. Every
// write is one script that runs at once or not at all and names all its keys,
// all of one slot. None is bound to the number of sessions there are.
//
// The scripts that change or end sessions also publish which, on the channel
// <prefix>changed, for those who keep what they have read: see Store.Notify.
//
// Primaries alone are asked, and "there is none" is only believed when the
// server would take a write, for a replica may not know of it yet.
//
// Sessions are only as safe as the server's memory: maxmemory-policy must be
// noeviction, else a full server signs people out.
package redis
