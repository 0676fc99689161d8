package ownfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// unimported is what Caddy says of a line `import` that nothing is found by.
var unimported = regexp.MustCompile(`File to import not found: (.+?)(?:, at |$)`)

// ErrEmpty is of a configuration in which nothing stands.
var ErrEmpty = errors.New("the configuration is empty")

// Unread is why there is no configuration in what Caddy has read of that file, or has
// failed to, with what to do before it. It is not known where Caddy's own error says as
// much.
func Unread(file string, read []byte, err error) (known bool, told error) {
	if err == nil && len(read) > 0 {
		return false, nil
	}
	next := toRead(cmp.Or(file, "Caddyfile"))
	if err == nil {
		if next == "" {
			return false, ErrEmpty
		}
		return true, errors.New("no configuration: " + next)
	}
	said := strings.TrimPrefix(err.Error(), "adapting config using caddyfile: ")
	if line := unimported.FindStringSubmatch(said); line != nil {
		return true, errors.New(toImport(line[1]) + ": " + said)
	}
	if next != "" {
		return true, errors.New("no configuration: " + next + ": " + said)
	}
	return false, err
}

// toRead says what to do about the file; empty where there is something in it that may be
// read. What can be read but once is not touched.
func toRead(file string) string {
	info, err := os.Stat(file)
	switch {
	case file == "-":
		return ""
	case errors.Is(err, fs.ErrNotExist):
		return "there is no " + file + ": make it, or say with --config where it is"
	case err == nil && info.IsDir():
		return file + ": " + FolderInstead(file).Error()
	case err == nil && info.Mode().IsRegular() && info.Size() == 0:
		return file + " is empty: write the configuration into it, or say with --config where it is"
	case err == nil && info.Mode().IsRegular():
		opened, denied := os.Open(file)
		if err = denied; err == nil {
			_ = opened.Close()
		}
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Sprintf("let the user that this runs as (uid %d) read it and enter its folder", os.Getuid())
	}
	return ""
}

// toImport says what to do where a line imports what is not there.
func toImport(name string) string {
	next := "there is neither a snippet nor a file " + name + ": make one, or mend the line `import`"
	if filepath.Base(name) == storeOfPods {
		next += " (where this is the configuration of deploy/kubernetes: apply an overlay, which brings the file, and not the base alone: " +
			"kubectl apply -k deploy/kubernetes/overlays/redis, or embedded)"
	}
	return next
}

// storeOfPods is the file in which the overlays of deploy/kubernetes say how sessions are
// kept.
const storeOfPods = "store.caddy"
