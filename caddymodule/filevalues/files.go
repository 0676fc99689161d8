// Package filevalues tells when a file has changed that the configuration takes a
// value from by {file.*}: what it holds now is not in force.
package filevalues

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// Files are the files that the configuration takes values from by
// {file.*}: secrets and passwords, as a rule. They are read once, when it is
// loaded. What they hold later is not in force, and as the configuration says
// what it said before, `caddy reload` leaves it at that.
type Files []*valueFile

// valueFile is one of them, with what was seen in it. Of what it held there are
// only digests.
type valueFile struct {
	path    string
	options []string // that take a value from it, as the JSON configuration names them

	loaded, last, told held
}

// held is what a file held at one look: the zero value for one that could not
// be read, or had nothing in it.
type held [sha256.Size]byte

// fileEvery is how often the files are looked at. A change is told when two
// looks have found the same.
const fileEvery = time.Second

// Find looks through a configuration whose modules are not loaded
// yet, so that it has the placeholders still.
func Find(config any) (Files, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	var options any
	if err := json.Unmarshal(text, &options); err != nil {
		return nil, err
	}
	var found Files
	found.find("", options)
	return found, nil
}

// reference is a placeholder that names a file.
var reference = regexp.MustCompile(`\{file\.([^{}]+)\}`)

func (v *Files) find(name string, option any) {
	switch option := option.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(option)) {
			v.find(name+"."+key, option[key])
		}
	case []any:
		for i, element := range option {
			v.find(fmt.Sprintf("%s.%d", name, i), element)
		}
	case string:
		for _, named := range reference.FindAllStringSubmatch(option, -1) {
			v.add(named[1], strings.TrimPrefix(name, "."))
		}
	}
}

func (v *Files) add(path, option string) {
	i := slices.IndexFunc(*v, func(f *valueFile) bool { return f.path == path })
	if i < 0 {
		now := lookInto(path)
		i, *v = len(*v), append(*v, &valueFile{path: path, loaded: now, last: now, told: now})
	}
	if f := (*v)[i]; !slices.Contains(f.options, option) {
		f.options = append(f.options, option)
	}
}

// lookInto reads a file as the placeholder does: a megabyte at most, without
// the blanks around it. What is no plain file, such as a pipe, is not touched:
// what is read of it is gone from it.
func lookInto(path string) held {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return held{}
	}
	file, err := os.Open(path)
	if err != nil {
		return held{}
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, 1<<20))
	text = bytes.TrimSpace(text)
	if err != nil || len(text) == 0 {
		return held{}
	}
	return sha256.Sum256(text)
}

// Watch tells of each change once, until the context is done.
func (v Files) Watch(ctx context.Context, logger *zap.Logger) {
	if len(v) == 0 {
		return
	}
	t := time.NewTicker(fileEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			v.look(logger)
		}
	}
}

func (v Files) look(logger *zap.Logger) {
	for _, f := range v {
		if f.changed() {
			f.tell(logger)
		}
	}
}

// changed reports whether the file has come to hold something else than the
// configuration took from it, and than was told. A file that is written in
// place is half there for a while, so it must have kept still for a look.
func (f *valueFile) changed() bool {
	now := lookInto(f.path)
	still := now == f.last
	f.last = now
	if !still || now == f.told {
		return false
	}
	f.told = now
	return true
}

// tell says what to do. Nothing of what is in the file is in the log.
func (f *valueFile) tell(logger *zap.Logger) {
	about := []zap.Field{zap.String("file", f.path), zap.Strings("options", f.options)}
	holdsSecret := slices.ContainsFunc(f.options, func(o string) bool { return strings.HasPrefix(o, "secrets.") })
	switch {
	case f.told == f.loaded:
		logger.Info("a file that the configuration takes a value from holds again what is in force", about...)
	case f.told == (held{}):
		logger.Warn("a file that the configuration takes a value from cannot be read any more, or is empty: "+
			"what it held stays in force, until a start or a `caddy reload --force`, which will fail", about...)
	case holdsSecret:
		logger.Warn("the file of a secret has changed, and the secret that it held before stays in force. First put that one into "+
			"a file of its own and name it after this one (`secret {file.<this>} {file.<former>}`), or everybody who is signed in "+
			"is answered with 503. Then run `caddy reload --force`; without --force it sees no change", about...)
	default:
		logger.Warn("a file that the configuration takes a value from has changed, and what it held before stays in force: "+
			"run `caddy reload --force`; without --force it sees no change", about...)
	}
}
