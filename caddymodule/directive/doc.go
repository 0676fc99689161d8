// Package directive reads the words of a Caddyfile: the options of a block, with
// errors that begin with file and line and say what was meant.
package directive
