// Package healthcommand is the command caddy sidegate-health: it asks a gateway by its
// session_health, for images and machines that have no other program to ask with.
package healthcommand
