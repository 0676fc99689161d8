// Package pathguard stands before all routes of a server where a demand hangs
// on one of Caddy's matchers. A matcher knows one reading of a path, and who
// finds another, which the app takes, never comes to the session_auth behind
// the matcher. Begin with guard.go; survey.go finds out whether a server needs
// one, and matchers.go what its matchers make of the path.
package pathguard
