package ownfile

import (
	"os"
	"slices"
	"strings"
)

// shell is where each system that has a shell has it.
var shell = "/bin/sh"

// secretFolders are where containers have their secrets mounted.
var secretFolders = []string{"/run/secrets/", "/var/run/secrets/"}

// IsGivenFromOutside reports whether that file cannot be made where this process runs:
// in an image without a shell nobody types a command, and what is mounted there is
// made elsewhere.
func IsGivenFromOutside(path string) bool {
	_, err := os.Stat(shell)
	return err != nil || slices.ContainsFunc(secretFolders, func(folder string) bool { return strings.HasPrefix(path, folder) })
}

// MadeBy says how a file is made of what a command prints.
func MadeBy(command, path string) string {
	if IsGivenFromOutside(path) {
		return Outside(path) + ": " + command + " > <that file>"
	}
	return "make it: " + command + " > " + InShell(path)
}

// Outside says where such a file is made.
func Outside(path string) string {
	return "make the file outside of the container, where " + path + " is mounted from (deploy/docker/secrets.sh does for compose.yaml)"
}

// InShell quotes a path for a shell, where it needs that.
func InShell(path string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._/-", r)
	}
	if path != "" && strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
