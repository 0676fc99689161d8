// Package sessionstore holds the session of a person who has signed in and
// keeps it: what a session is, how it is sealed at rest, and what a store of
// sessions promises.
//
// The stores themselves are the packages below this one (memory, embedded,
// redis); all of them pass the one contract suite in storetest.
package sessionstore
