package directive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/ownfile"
)

// File reads the name of a file, given once at most, as FileName does.
func File(target *string) Option {
	read := Text(target)
	return func(d *caddyfile.Dispenser) error {
		if err := read(d); err != nil {
			return err
		}
		var err error
		*target, err = FileName(d, *target)
		return err
	}
}

// Files reads one name of a file or more; repeated options add up.
func Files(target *[]string) Option {
	return func(d *caddyfile.Dispenser) error {
		var names []string
		if err := Texts(&names)(d); err != nil {
			return err
		}
		for _, name := range names {
			path, err := FileName(d, name)
			if err != nil {
				return err
			}
			*target = append(*target, path)
		}
		return nil
	}
}

// FileName makes a relative name one beside the Caddyfile where it stands, or,
// where there is nothing by it and the working folder has it, one there, which
// it warns of, or refuses where others may have put it there. Names with
// placeholders stay as they are. The content of a file is refused.
func FileName(d *caddyfile.Dispenser, name string) (string, error) {
	begin, _ := line(d)
	if err := ownfile.NoContent(name); err != nil {
		return "", Errf(d, "%s: %w", begin, err)
	}
	if isFixed(name) {
		return name, nil
	}
	here, err := filepath.Abs(name)
	beside, besideErr := filepath.Abs(filepath.Join(filepath.Dir(d.File()), name))
	switch {
	case err != nil || besideErr != nil:
		return name, nil
	case !isOfFile(d):
		warnOfNoFile(d, name)
	case beside == here || isThere(beside) || !isThere(here):
		return beside, nil
	default:
		Warn(d, "a file is not beside the Caddyfile that names it, and the one in the working folder is taken: "+upToStarter,
			zap.String("file", here), zap.String("looked_for", beside), zap.String("remedy", wholeName))
	}
	if err := ownfile.Foreign(name); err != nil {
		return "", Errf(d, "%s: %w", begin, err)
	}
	return here, nil
}

// MadeFileName is FileName for a file that the gateway makes: beside the Caddyfile,
// whatever the working folder has, for strangers may have put that there. former
// is the name by which a gateway before made it in its working folder; empty
// where there is none, or no other.
func MadeFileName(d *caddyfile.Dispenser, name string) (path, former string, err error) {
	if err := ownfile.NoContent(name); err != nil {
		begin, _ := line(d)
		return "", "", Errf(d, "%s: %w", begin, err)
	}
	if isFixed(name) {
		return name, "", nil
	}
	if !isOfFile(d) {
		warnOfNoFile(d, name)
		return name, "", nil
	}
	beside, err := filepath.Abs(filepath.Join(filepath.Dir(d.File()), name))
	if err != nil {
		return name, "", nil
	}
	return beside, name, nil
}

// What is said of the working folder.
const (
	upToStarter = "which folder that is, is up to whoever starts the gateway"
	wholeName   = "give its whole name"
)

// warnOfNoFile says nothing of what is not there: it may be no name at all.
func warnOfNoFile(d *caddyfile.Dispenser, name string) {
	if !isThere(name) {
		return
	}
	Warn(d, "a Caddyfile that is no file, as on standard input, names one by a relative name, and the one in the working folder is taken: "+upToStarter,
		zap.String("file", name), zap.String("remedy", wholeName))
}

// isFixed reports whether a name is not looked for: a whole one, and one that is not
// known yet.
func isFixed(name string) bool {
	return name == "" || filepath.IsAbs(name) || strings.Contains(name, "{")
}

// isOfFile reports whether the Caddyfile is a file. One that comes by standard input
// or by Caddy's API has the name of one, and is beside nothing.
func isOfFile(d *caddyfile.Dispenser) bool { return d.File() != "-" && isThere(d.File()) }

// isThere reports whether there is anything by that name: a file that cannot be
// reached, or a link that leads nowhere yet, is not one that is missing.
func isThere(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// LookedIn tells of a file that is not there, in which folders one by a relative
// name is looked for. Other errors stay as they are.
func LookedIn(err error) error {
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	here, _ := os.Getwd()
	return fmt.Errorf("%w (a relative name is looked for beside the Caddyfile that names it, then in the working folder, %s)", err, here)
}

// Warn tells whoever reads the Caddyfile, also at the terminal of `caddy reload`,
// of something that is odd where d is.
func Warn(d *caddyfile.Dispenser, message string, fields ...zap.Field) {
	caddy.Log().Named("sidegate").Warn(message, append(fields, zap.String("at", Here(d).line))...)
}
