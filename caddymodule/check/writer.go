package check

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
)

func init() { caddy.RegisterModule(Writer{}) }

// Writer keeps lines of the log for the command. It is no writer for a
// configuration: what goes there is shown to nobody.
type Writer struct{}

// CaddyModule returns the Caddy module information.
func (Writer) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.writers.sidegate_check", New: func() caddy.Module { return new(Writer) }}
}

// String says where the log goes.
func (Writer) String() string { return "sidegate-check" }

// WriterKey is that of the one there is.
func (Writer) WriterKey() string { return "sidegate_check" }

// OpenWriter returns what keeps the lines.
func (Writer) OpenWriter() (io.WriteCloser, error) { return &collected, nil }

// collected are the lines of this process' check.
var collected lines

// lines are those of the log, as JSON.
type lines struct {
	mu  sync.Mutex
	all []map[string]any
}

// Write takes one line.
func (l *lines) Write(b []byte) (int, error) {
	var line map[string]any
	if err := json.Unmarshal(b, &line); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
	return len(b), nil
}

// Close keeps them.
func (l *lines) Close() error { return nil }

// warnings are those of our modules, each once: two servers may say the same.
func (l *lines) warnings() (told []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if name, _ := line["logger"].(string); !ours(name) || line["level"] != "warn" && line["level"] != "error" {
			continue
		}
		if text := written(line); !slices.Contains(told, text) {
			told = append(told, text)
		}
	}
	return told
}

func ours(logger string) bool {
	return logger == "sidegate" || strings.HasPrefix(logger, "sidegate.") ||
		strings.HasPrefix(logger, "http.handlers.session_") || strings.HasPrefix(logger, "http.matchers.session")
}

// written is a line as people read it: the message, then its fields.
func written(line map[string]any) string {
	text := fmt.Sprint(line["msg"])
	if at, ok := line["at"]; ok {
		text = fmt.Sprint(at, ": ", text)
	}
	var fields []string
	for _, name := range slices.Sorted(maps.Keys(line)) {
		if slices.Contains([]string{"at", "level", "logger", "msg", "ts"}, name) {
			continue
		}
		value, isText := line[name].(string)
		if !isText {
			raw, _ := json.Marshal(line[name])
			value = string(raw)
		}
		fields = append(fields, name+": "+value)
	}
	if len(fields) == 0 {
		return text
	}
	return text + " (" + strings.Join(fields, "; ") + ")"
}

// toWriter is a configuration's log while it is checked.
func toWriter() *caddy.Logging {
	return &caddy.Logging{Logs: map[string]*caddy.CustomLog{caddy.DefaultLoggerName: {BaseLog: caddy.BaseLog{
		WriterRaw:  json.RawMessage(`{"output":"sidegate_check"}`),
		EncoderRaw: json.RawMessage(`{"format":"json"}`),
		Level:      "WARN",
	}}}}
}

// Interface guards
var _ caddy.WriterOpener = Writer{}
