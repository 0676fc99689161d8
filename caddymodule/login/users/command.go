package users

import (
	"os"
	"path/filepath"

	"example.com/sidegate/caddymodule/ownfile"
)

// Content says what a users file holds, to those who cannot type CommandFor.
const Content = "it holds `users: [{id: 1, email: you@example.com, password: '<hash>'}]`, the hash printed by `caddy hash-password --algorithm argon2id`, " +
	"which this image runs too"

// CommandFor is what an operator types who has no users file yet: it makes the
// folder where there is none, asks for a password and writes a file with one
// person. It has no double quotes and no backslashes, which logs in JSON would
// write otherwise.
func CommandFor(path string) string {
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); err == nil {
		return writeTo(path)
	}
	return "mkdir -p " + ownfile.InShell(folder) + " && " + writeTo(path)
}

func writeTo(path string) string {
	return `{ echo users:; echo '  - id: 1'; echo '    email: you@example.com'; ` +
		`echo '    password:' $(./caddy hash-password --algorithm argon2id); } >` + ownfile.InShell(path)
}
