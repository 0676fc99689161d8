//go:build unix

package ownfile

import (
	"io/fs"
	"syscall"
)

// ownerOf is the number of the user whom it belongs to; false where none is known.
func ownerOf(info fs.FileInfo) (uid int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
