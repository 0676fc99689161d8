package users

import (
	"os"
	"path/filepath"
	"strings"
)

// CommandFor is what an operator types who has no users file yet: it makes the
// folder where there is none, asks for a password and writes a file with one
// person. It has no double quotes and no backslashes, which logs in JSON would
// write otherwise.
func CommandFor(path string) string {
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); err == nil {
		return writeTo(path)
	}
	return "mkdir -p " + inShell(folder) + " && " + writeTo(path)
}

func writeTo(path string) string {
	return `{ echo users:; echo '  - id: 1'; echo '    email: you@example.com'; ` +
		`echo '    password:' $(./caddy hash-password --algorithm argon2id); } >` + inShell(path)
}

// inShell quotes a path for a shell, where it needs that.
func inShell(path string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._/-", r)
	}
	if path != "" && strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
