// Package embedded is a session store in one file beside the gateway (bbolt):
// it needs no server and survives a restart, a crash and a kill -9, and it
// serves one gateway only.
//
// It knows sessionstore, bbolt and the disk; no network. Begin with db.go, the
// file and its buckets, and store.go, the sessions; entry.go is how one lies in
// its bucket, ending.go has the buckets whose values end, sweep.go removes
// what has ended, notify.go tells of it; attempts.go, leases.go, links.go, numbers.go and
// owners.go have the rest of a Store.
package embedded
