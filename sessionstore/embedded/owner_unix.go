//go:build unix

package embedded

import (
	"os"
	"syscall"
)

// giveTo gives the file to the owner of another. Who compacts may be root, and the
// gateway that uses the file is not.
func giveTo(file *os.File, other os.FileInfo) error {
	theirs, ok := other.Sys().(*syscall.Stat_t)
	if !ok || int(theirs.Uid) == os.Geteuid() && int(theirs.Gid) == os.Getegid() {
		return nil
	}
	return file.Chown(int(theirs.Uid), int(theirs.Gid))
}
