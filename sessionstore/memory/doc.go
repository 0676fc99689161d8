// Package memory is a session store in the memory of one gateway: for tests,
// and for those who accept that a restart signs everybody out.
//
// It knows sessionstore and nothing else. Begin with memory.go, which has the
// sessions; attempts.go, leases.go, links.go, numbers.go and owners.go have the rest
// of a Store.
package memory
