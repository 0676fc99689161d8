// Package everyroute is what holds on every route of a server, whether handlers
// of ours stand there or not: identity headers and credentials are taken away
// before the first one. It also knows what is deleted on the routes with our
// handlers alone, and which rules of the server depend on the method.
//
// It leans on Caddy's inside, and says so when that is otherwise. It knows no
// configuration of ours, no session and no store.
//
// It lies on the way of every request: nothing is allocated here that is not
// remembered of it.
//
// Begin reading at first.go.
package everyroute
