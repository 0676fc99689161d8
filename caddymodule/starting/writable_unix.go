//go:build unix && !aix

package starting

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// mayWrite is why this process may not write what is there; nil where it may.
func mayWrite(path string) error {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS)
}

// kept reports whether a folder such as /tmp, where each may take away what is their
// own, keeps this process from taking that file away.
func kept(folder string, file fs.FileInfo) bool { return keptFrom(os.Geteuid(), folder, file) }

// keptFrom is kept for the user of that number.
func keptFrom(uid int, folder string, file fs.FileInfo) bool {
	info, err := os.Stat(folder)
	if err != nil || info.Mode()&fs.ModeSticky == 0 || uid == 0 {
		return false
	}
	return !isOf(uid, info) && !isOf(uid, file)
}

func isOf(uid int, info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(stat.Uid) == uid
}
