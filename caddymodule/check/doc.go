// Package check is the command `caddy sidegate-check`, which says what `caddy
// validate` says, short, with every warning of ours, and by its exit status.
//
// Begin with check.go; writer.go is where the log goes meanwhile.
package check
