package ownfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// elsewhere is a remedy that works wherever the file could not be.
const elsewhere = "name a file in a folder made for that user (`install -d -o %d -m 700 /var/lib/sidegate`, and `store embedded /var/lib/sidegate/sessions.db`)"

// Unmade tells of a file of that whole name that could not be opened or made: which
// folder or file is in the way, whose it is, and what to do. What is not a matter of
// files and folders stays as it is.
func Unmade(path string, err error) error { return unmadeBy(os.Getuid(), path, err) }

// unmadeBy is Unmade for the user of that number.
func unmadeBy(uid int, path string, err error) error {
	if why := inTheWay(uid, path, err); why != "" {
		return fmt.Errorf("%w: the gateway runs as %s, and %s", err, userOf(uid), why)
	}
	return err
}

func inTheWay(uid int, path string, err error) string {
	other := fmt.Sprintf(elsewhere, max(uid, 0))
	switch {
	case errors.Is(err, syscall.EROFS):
		return "the file system there may not be written (read-only, or by the limits of its unit): " + other
	case errors.Is(err, syscall.EISDIR):
		return path + " is a folder, not a file: name a file in it if that user may write there, else " + other
	case errors.Is(err, syscall.ENOTDIR):
		return noFolder(path) + " is no folder: " + other
	case errors.Is(err, fs.ErrPermission):
		why, remedy := forbidden(uid, path)
		if remedy == "" {
			return why + ": " + other
		}
		return why + ": " + remedy + ", or " + other
	case errors.Is(err, fs.ErrNotExist):
		return nothing(path) + ": " + other
	}
	return ""
}

// nothing is why a file is not made although its folder is there.
func nothing(path string) string {
	if _, err := os.Lstat(path); err == nil {
		return path + " is a link that leads nowhere"
	}
	return "nothing can be made in " + filepath.Dir(path)
}

// noFolder is the first on the way to the file that should be a folder.
func noFolder(path string) string {
	for _, folder := range foldersTo(path) {
		if info, err := os.Stat(folder); err == nil && !info.IsDir() {
			return folder
		}
	}
	return filepath.Dir(path)
}

// forbidden finds what may not be entered or written, and what helps there. A folder
// that is closed, or that others have things in, is neither opened nor given away: it
// may be the system's.
func forbidden(uid int, path string) (why, remedy string) {
	folder := filepath.Dir(path)
	above := folder
	for _, next := range foldersTo(path) {
		switch _, err := os.Stat(next); {
		case errors.Is(err, fs.ErrPermission):
			return "may not enter " + Described(above), ""
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Sprintf("may not make %s in %s", next, Described(above)), fmt.Sprintf("make it for that user (install -d -o %d -m 700 %s)", uid, folder)
		}
		above = next
	}
	if info, err := os.Stat(path); err == nil {
		return "may not have " + Described(path), allowed(uid, path, info, 0o600, "u+rw")
	}
	info, err := os.Stat(folder)
	if err != nil {
		return "may not write in " + folder, ""
	}
	if owner, known := ownerOf(info); known && owner != uid && !isEmpty(folder) {
		return "may not write in " + Described(folder), ""
	}
	return "may not write in " + Described(folder), allowed(uid, folder, info, 0o700, "u+rwx")
}

// isEmpty reports whether a folder can be seen to have nothing in it.
func isEmpty(folder string) bool {
	in, err := os.ReadDir(folder)
	return err == nil && len(in) == 0
}

// allowed is what lets that user do to it what these bits allow its owner.
func allowed(uid int, path string, info fs.FileInfo, bits fs.FileMode, symbols string) string {
	var commands []string
	if owner, known := ownerOf(info); known && owner != uid {
		commands = append(commands, fmt.Sprintf("chown %d %s", uid, path))
	}
	if info.Mode()&bits != bits {
		commands = append(commands, fmt.Sprintf("chmod %s %s", symbols, path))
	}
	if len(commands) == 0 {
		return "it is that user's already, so see what else forbids it (the limits of its unit, SELinux, AppArmor, a remote file system)"
	}
	return "give it to that user (" + strings.Join(commands, " && ") + ")"
}

// foldersTo are the folders on the way to the file, from the topmost.
func foldersTo(path string) (folders []string) {
	for folder := filepath.Dir(path); ; folder = filepath.Dir(folder) {
		folders = append([]string{folder}, folders...)
		if folder == filepath.Dir(folder) {
			return folders
		}
	}
}

// Described is a file or folder by its name, with whose it is and its mode where
// that is known; of what is not there, the nearest folder above.
func Described(path string) string {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) && path != filepath.Dir(path) {
		return path + ", which is not there, in " + Described(filepath.Dir(path))
	}
	if err != nil {
		return path
	}
	if owner, known := ownerOf(info); known {
		return fmt.Sprintf("%s (of %s, %s)", path, userOf(owner), info.Mode())
	}
	return fmt.Sprintf("%s (%s)", path, info.Mode())
}

// userOf is a user by number, and by name where the number has one.
func userOf(uid int) string {
	known, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return fmt.Sprintf("uid %d", uid)
	}
	return fmt.Sprintf("uid %d (%s)", uid, known.Username)
}
