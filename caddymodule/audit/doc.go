// Package audit tells who signed in and out, who was refused what, and who ended whose
// session: one line each on a logger of its own, and Caddy's events of sessions. What
// strangers can cause without end is counted and told now and then.
package audit
