//go:build !unix

package ownfile

import "io/fs"

// ownerOf knows no owners: files have none by a number here.
func ownerOf(fs.FileInfo) (uid int, known bool) { return 0, false }
