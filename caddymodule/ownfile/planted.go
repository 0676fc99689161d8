package ownfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Planted is an error when what lies in the working folder by that relative name,
// or a folder on the way there, is not the user's that this process runs as, or can
// be written by others: in a folder that strangers share, such as /tmp, one of them
// may have put it there, and would have it in hand. What is not there yet, and a
// whole name, is in order.
func Planted(name string) error { return plantedFor(os.Getuid(), name) }

// plantedFor is Planted for the user of that number.
func plantedFor(uid int, name string) error {
	if name == "" || filepath.IsAbs(name) || uid < 0 {
		return nil
	}
	var path string
	for _, part := range strings.Split(filepath.Clean(name), string(filepath.Separator)) {
		if path = filepath.Join(path, part); part == ".." {
			continue // whoever names it means that folder
		}
		if isOwn(uid, path) {
			continue
		}
		whole, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		return fmt.Errorf("%s lies in the working folder, and others than uid %d, which the gateway runs as, may have put it there or may write it: "+
			"take it away, or, if it is yours, make it that user's alone (chown -R %d %s && chmod -R go-w %s), or name a place of its own by its whole name "+
			"(`store embedded <file>`, `storage file_system <folder>`; HOME or XDG_DATA_HOME, where neither is there)",
			Described(whole), uid, uid, whole, whole)
	}
	return nil
}

// isOwn reports whether it is the user's alone, or not there. A link must be theirs
// too, and its own mode says nothing. A group may write a folder: often it is the
// user's own.
func isOwn(uid int, path string) bool {
	link, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil || !belongs(uid, link) {
		return false
	}
	is, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	others := fs.FileMode(0o022)
	if err == nil && is.IsDir() {
		others = 0o002
	}
	return err == nil && belongs(uid, is) && is.Mode()&others == 0
}

func belongs(uid int, info fs.FileInfo) bool {
	owner, known := ownerOf(info)
	return !known || owner == uid
}
