package starting

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/check"
)

// unnamed says what to do about what a configuration names for Sidegate that is not
// there: a variable, the file of a secret, the people. Where something may be missing,
// the configuration is validated, and its own error is told: this knows too little of
// options to refuse one by itself. Where nothing is, it is not: that takes as long as
// a start, and opens what a start opens.
func unnamed(config []byte) error {
	var all any
	if json.Unmarshal(config, &all) != nil {
		return nil
	}
	var l look
	l.at("", all, false)
	if l.stream || !l.lacks {
		return nil
	}
	var err error
	quietly(func() { err = validated(config) })
	if err == nil {
		return nil
	}
	whole, said := err.Error(), check.Said(err)
	rest := said
	if !strings.HasSuffix(whole, rest) {
		rest = placed.ReplaceAllString(rest, "")
	}
	path, ours := strings.CutSuffix(whole, rest)
	if path = strings.TrimSuffix(path, ": "); !ours || path == "" {
		return nil // it is Caddy's own
	}
	return fmt.Errorf("%s (%s)", said, path)
}

// placed is the line of a Caddyfile before an error.
var placed = regexp.MustCompile(`^[^ ]+:\d+: `)

// validated is what `caddy validate` does, whose log is nobody's.
func validated(config []byte) error {
	var c *caddy.Config
	if err := caddy.StrictUnmarshalJSON(caddy.RemoveMetaFields(config), &c); err != nil || c == nil {
		return nil //nolint:nilerr // Caddy says it itself
	}
	c.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		caddy.DefaultLoggerName: {BaseLog: caddy.BaseLog{WriterRaw: json.RawMessage(`{"output":"discard"}`)}},
	}}
	return caddy.Validate(c)
}

// look goes through a configuration.
type look struct {
	lacks  bool // something that is named may be missing
	stream bool // something is named that can be read but once, and then by the start
}

// reference is a placeholder for a variable or a file.
var reference = regexp.MustCompile(`\{(env|file)\.([^{}]+)\}`)

// naming are the options of ours that name what is there already.
var naming = []string{"file", "ca", "icon", "logo", "templates", "client_key", "signing_keys", "cert", "key"}

func (l *look) at(option string, value any, ours bool) {
	switch value := value.(type) {
	case map[string]any:
		handler, _ := value["handler"].(string)
		ours = ours || strings.HasPrefix(handler, "session_")
		for name, inner := range value {
			l.at(name, inner, ours || name == "sidegate" || strings.HasPrefix(name, "session"))
		}
	case []any:
		for _, inner := range value {
			l.at(option, inner, ours)
		}
	case string:
		l.text(option, value, ours)
	}
}

func (l *look) text(option, value string, ours bool) {
	l.stream = l.stream || strings.ContainsRune(value, filepath.Separator) && isStream(value)
	for _, named := range reference.FindAllStringSubmatch(value, -1) {
		kind, name := named[1], named[2]
		l.stream = l.stream || kind == "file" && isStream(name)
		l.lacks = l.lacks || ours && (kind == "env" && os.Getenv(name) == "" || kind == "file" && !isReadable(name))
	}
	names := ours && value != "" && slices.Contains(naming, option) && !reference.MatchString(value)
	l.lacks = l.lacks || names && !isReadable(value) && !(option == "templates" && isFolder(value))
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// isStream reports whether it is something that can be read but once.
func isStream(name string) bool {
	if name == "/dev/stdout" || name == "/dev/stderr" { // a log's
		return false
	}
	info, err := os.Stat(name)
	return err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket|os.ModeDevice) != 0
}

// isReadable reports whether there is a file with something in it that may be read.
func isReadable(name string) bool {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	file, err := os.Open(name) // #nosec G304 -- named by who starts us
	if err != nil {
		return false
	}
	return file.Close() == nil
}
