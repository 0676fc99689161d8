// Package sessionstore holds the session of a person who has signed in and
// keeps it: what a session is, how it is sealed at rest, and what a store of
// sessions promises.
//
// The stores themselves are the packages below this one (memory, embedded,
// redis); all of them pass the one contract suite in storetest.
//
// It knows nothing of the gateway around it: no HTTP, no logins, no Caddy, and
// it does not log. Begin with Session in session.go and the promises of a Store
// in store.go; key.go is secret and key, seal.go and record.go are what lies at
// rest, codec.go and decode.go what is sealed in it, activity.go what is
// written behind the requests.
package sessionstore
