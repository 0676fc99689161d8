// Package observed is a session store as metrics and traces see it: it stands in
// front of the store itself, and says of each operation how long it took and
// whether it was answered.
//
// It forwards sessionstore.Store, and Sweeper. What else a store can do, it is
// asked for itself: what stands in front of it would only be in the way.
//
// Begin with Before in store.go.
package observed
