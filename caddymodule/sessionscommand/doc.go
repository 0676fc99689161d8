// Package sessionscommand is the command `caddy sidegate-sessions`: an operator's view
// of the sessions of a gateway that runs, by way of its admin endpoint.
package sessionscommand
