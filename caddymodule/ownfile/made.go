package ownfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// shell is where each system that has a shell has it.
var shell = "/bin/sh"

// secretFolders are where containers have their secrets mounted.
var secretFolders = []string{"/run/secrets/", "/var/run/secrets/"}

// secretsOfPods are where deploy/kubernetes has its Secret mounted.
var secretsOfPods = []string{"/run/secrets/sidegate/", "/var/run/secrets/sidegate/"}

// IsGivenFromOutside reports whether that file cannot be made where this process runs:
// in an image without a shell nobody types a command, and what is mounted there is
// made elsewhere.
func IsGivenFromOutside(path string) bool {
	_, err := os.Stat(shell)
	return err != nil || isBelow(path, secretFolders)
}

func isBelow(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return strings.HasPrefix(path, folder) })
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
	if isBelow(path, secretsOfPods) {
		folder, name := filepath.Split(path)
		return fmt.Sprintf("make the file outside of the container, and put it into the Secret that is mounted at %s "+
			`(kubectl patch secret sidegate -p "{\"data\":{\"%s\":\"$(base64 -w0 %s)\"}}" && kubectl rollout restart deployment sidegate)`,
			filepath.Clean(folder), name, InShell(name))
	}
	says := "make the file outside of the container, where " + path + " is mounted from"
	if slices.Contains(madeForCompose, filepath.Base(path)) {
		return says + " (deploy/docker/secrets.sh does for compose.yaml)"
	}
	return says + ", or mend the name"
}

// madeForCompose are the files that deploy/docker/secrets.sh makes.
var madeForCompose = []string{"sidegate_secret", "redis_password", "users.yaml"}

// Instead is an error about what is there in the place of a plain file: a folder, or what
// can be read but once. What may be its cause is said where that is likely.
func Instead(path string, is fs.FileInfo) error {
	why := errors.New("it is no plain file: name one that is")
	if is.IsDir() {
		why = FolderInstead(path)
	}
	return &fs.PathError{Op: "read", Path: path, Err: why}
}

// FolderInstead says what to do about a folder in the place of a file.
func FolderInstead(path string) error {
	says := "it is a folder: name a file in it"
	if there, err := os.ReadDir(path); IsGivenFromOutside(path) || err == nil && len(there) == 0 {
		says += "; a container's mount makes a folder where the file was missing: there take the folder away, make the file, and make the container anew"
	}
	return errors.New(says)
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
