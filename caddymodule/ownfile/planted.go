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
	whole, err := firstBelow(uid, name, isOwn)
	if err != nil || whole == "" {
		return err
	}
	if file := InTheWay(filepath.Dir(name)); file != "" {
		return fmt.Errorf("%s is a file, where a folder should be: set HOME or XDG_DATA_HOME, or name a place by its whole name", file)
	}
	return fmt.Errorf("%s lies in the working folder, and others than uid %d, which the gateway runs as, may have put it there or may write it: "+
		"take it away, or, if it is yours, make it that user's alone (chown -R %d %s && chmod -R go-w %s), or name a place of its own by its whole name "+
		"(`store embedded <file>`, `storage file_system <folder>`; HOME or XDG_DATA_HOME, where neither is there)",
		Described(whole), uid, uid, whole, whole)
}

// InTheWay is the whole name of the first on the way to the folder, itself included,
// that is there and no folder; empty where there is none.
func InTheWay(folder string) string {
	whole, err := filepath.Abs(folder)
	if err != nil {
		return ""
	}
	for _, next := range append(foldersTo(whole), whole) {
		if info, err := os.Stat(next); err == nil && !info.IsDir() {
			return next
		}
	}
	return ""
}

// Foreign is Planted for a file that the operator gives: root's will do as well,
// and a group may write it.
func Foreign(name string) error { return foreignFor(os.Getuid(), name) }

// foreignFor is Foreign for the user of that number.
func foreignFor(uid int, name string) error {
	whole, err := firstBelow(uid, name, isGiven)
	if err != nil || whole == "" {
		return err
	}
	return fmt.Errorf("%s %w (chown -R %d %s && chmod -R o-w %s)", Described(whole), errForeign, uid, whole, whole)
}

var errForeign = errors.New("it lies in the working folder, and others than root and the user that the gateway runs as may have put it there or may write it: " +
	"put the file beside the Caddyfile, or give its whole name, or make it that user's")

// firstBelow is the whole name of the first on the way from the working folder that
// is not in order; empty where all is.
func firstBelow(uid int, name string, inOrder func(uid int, path string) bool) (whole string, err error) {
	if name == "" || filepath.IsAbs(name) || uid < 0 {
		return "", nil
	}
	var path string
	for _, part := range strings.Split(filepath.Clean(name), string(filepath.Separator)) {
		if path = filepath.Join(path, part); part == ".." {
			continue // whoever names it means that folder
		}
		if !inOrder(uid, path) {
			return filepath.Abs(path)
		}
	}
	return "", nil
}

// isOwn reports whether it is the user's alone, or not there. A group may write a
// folder: often it is the user's own.
func isOwn(uid int, path string) bool {
	return isOf(path, func(info fs.FileInfo) bool { return belongs(uid, info) }, 0o022)
}

// isGiven reports whether it is the user's or root's, and nobody else may write it,
// or not there.
func isGiven(uid int, path string) bool {
	return isOf(path, func(info fs.FileInfo) bool { return belongs(uid, info) || belongs(0, info) }, 0o002)
}

// isOf reports whether what is there is of those users, and no others may write the
// file. A link must be theirs too, and its own mode says nothing.
func isOf(path string, theirs func(fs.FileInfo) bool, others fs.FileMode) bool {
	link, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil || !theirs(link) {
		return false
	}
	is, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err == nil && is.IsDir() {
		others = 0o002
	}
	return err == nil && theirs(is) && is.Mode()&others == 0
}

func belongs(uid int, info fs.FileInfo) bool {
	owner, known := ownerOf(info)
	return !known || owner == uid
}

// OfAnother is an error when what is there, or the link that leads there, is not that
// user's: a folder that somebody else has made is theirs, whatever is put into it.
func OfAnother(uid int, path string) error {
	link, err := os.Lstat(path)
	if err != nil {
		return err
	}
	is, err := os.Stat(path)
	if err != nil {
		return err
	}
	if belongs(uid, link) && belongs(uid, is) {
		return nil
	}
	return fmt.Errorf("%s is not of uid %d, which this runs as: name a folder that does not exist yet, and it is made, or make it that user's (chown -h %d %s)",
		Described(path), uid, uid, InShell(path))
}

// IsOpenToAll reports whether anybody on the machine may write the file, as far as it
// can be told.
func IsOpenToAll(path string) bool {
	info, err := os.Stat(path)
	return err == nil && os.Getuid() >= 0 && info.Mode()&0o002 != 0
}
