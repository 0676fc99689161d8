// Package terminal is what the commands that ask a gateway have in common: which address
// they take, whether what answers there is a gateway, and what of it a terminal shows.
package terminal
