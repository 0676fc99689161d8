package explain

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/zapcore"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
)

// current is what is written down of the one request of this process.
var current recorder

// recorder writes down what is told while the request is served.
type recorder struct {
	mu    sync.Mutex
	on    bool
	met   []*met
	lines []line
}

// met is a handler that the request came to.
type met struct {
	handler   any
	remark    string
	decided   *decided
	forwarded *Forwarded
}

// decided is a decision of our demands.
type decided struct {
	demand.Decision
	rulings []demand.Ruling
	by      *caller.Caller
}

// line is one of the log.
type line struct {
	level  zapcore.Level
	logger string
	text   string
	fields object
}

// begin begins anew.
func (c *recorder) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on, c.met, c.lines = true, nil, nil
}

// end stops, and returns what there is.
func (c *recorder) end() (all []*met, lines []line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = false
	return c.met, c.lines
}

// note does something with the handler that the request came to last.
func (c *recorder) note(f func(*met)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.on && len(c.met) > 0 {
		f(c.met[len(c.met)-1])
	}
}

func (c *recorder) remark(text string) { c.note(func(m *met) { m.remark = text }) }

func (c *recorder) forwarded(f Forwarded) { c.note(func(m *met) { m.forwarded = &f }) }

// heard is a demand.Hears.
func (c *recorder) heard(d *demand.Demands, made demand.Decision, r demand.Request, by *caller.Caller) {
	rulings := d.Rulings(made, r, by)
	c.note(func(m *met) { m.decided = &decided{made, rulings, by} })
}

// core is where the log goes: Caddy's trace names each handler before it runs.
type core struct{ fields []zapcore.Field }

// CaddyModule returns the Caddy module information.
func (core) CaddyModule() caddy.ModuleInfo {
	return moduleInfo("caddy.logging.cores", func() caddy.Module { return new(core) })
}

// Enabled is true.
func (core) Enabled(zapcore.Level) bool { return true }

// With keeps the fields.
func (c core) With(fields []zapcore.Field) zapcore.Core {
	return core{slices.Concat(c.fields, fields)}
}

// Check takes every entry.
func (c core) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return to.AddCore(e, c)
}

// Sync has nothing to do.
func (core) Sync() error { return nil }

// Write writes down what belongs to the request.
func (c core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	current.mu.Lock()
	defer current.mu.Unlock()
	if !current.on {
		return nil
	}
	if strings.HasSuffix(e.LoggerName, "http.log.trace") {
		for _, f := range fields {
			if f.Key == "module" {
				current.met = append(current.met, &met{handler: f.Interface})
			}
		}
		return nil
	}
	if ofOurs(e.LoggerName) || strings.HasPrefix(e.LoggerName, "http.log.error") {
		told := zapcore.NewMapObjectEncoder()
		for _, f := range slices.Concat(c.fields, fields) {
			f.AddTo(told)
		}
		current.lines = append(current.lines, line{e.Level, e.LoggerName, e.Message, told.Fields})
	}
	return nil
}

// ofOurs leaves the audit log out: it is a record of what happened, and nothing has.
func ofOurs(logger string) bool {
	if logger == "sidegate.audit" {
		return false
	}
	return logger == "sidegate" || strings.HasPrefix(logger, "sidegate.") || strings.HasPrefix(logger, "http.handlers.session_")
}

// field is one of a line, as a text.
func (l line) field(name string) string {
	value, _ := l.fields[name].(string)
	return value
}

// String is the line as people read it.
func (l line) String() string {
	var fields []string
	delete(l.fields, "more_since_last")
	for _, name := range slices.Sorted(maps.Keys(l.fields)) {
		value, isText := l.fields[name].(string)
		if !isText {
			text, _ := json.Marshal(l.fields[name])
			value = string(text)
		}
		fields = append(fields, name+": "+value)
	}
	if len(fields) == 0 {
		return l.text
	}
	return l.text + " (" + strings.Join(fields, "; ") + ")"
}

// toCore is the log of a configuration that is explained.
func toCore() *caddy.Logging {
	return &caddy.Logging{Logs: map[string]*caddy.CustomLog{caddy.DefaultLoggerName: {BaseLog: caddy.BaseLog{
		WriterRaw: json.RawMessage(`{"output":"discard"}`),
		CoreRaw:   json.RawMessage(`{"module":"` + standInName + `"}`),
		Level:     "DEBUG",
	}}}}
}
