// Package storecommand is the command caddy sidegate-store: it copies, checks and
// compacts the file of an embedded store, beside a running gateway by its admin
// endpoint, and by itself where none runs.
//
// Begin with command.go; gateway.go asks the one that runs, kept.go reads the
// configuration, and backup.go has what a backup is.
package storecommand
