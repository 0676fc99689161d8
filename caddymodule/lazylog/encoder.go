package lazylog

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"example.com/sidegate/caddymodule/directive"
)

func init() { caddy.RegisterModule(new(Encoder)) }

// namespace is where Caddy's formats of logs are, and lazy the name of this one.
const (
	namespace = "caddy.logging.encoders"
	lazy      = "lazy"
)

// Encoder writes lines as another encoder does. What differs is when the fields
// that a logger holds (zap.Logger.With) are read: with each line that is logged, as
// zap.Logger.WithLazy has it, and never where none is. So an object may not change
// while another goroutine logs it, and a line says what it is then.
type Encoder struct {
	// WrappedRaw is the format of the lines. Default: json, or console where
	// the log goes to a terminal, as Caddy's own.
	WrappedRaw json.RawMessage `json:"wrap,omitempty" caddy:"namespace=caddy.logging.encoders inline_key=format"`

	// wrapped writes the lines. It is never told of a field, so that all loggers
	// share it.
	wrapped zapcore.Encoder
	held

	ctx caddy.Context
}

// CaddyModule implements caddy.Module.
func (*Encoder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: namespace + "." + lazy, New: func() caddy.Module { return new(Encoder) }}
}

// UnmarshalCaddyfile reads:
//
//	format lazy {
//		wrap <format> ...
//	}
func (e *Encoder) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the format's name
	if d.NextArg() {
		return directive.Errf(d, "format lazy takes a block and no argument: write wrap %s into it", d.Val())
	}
	return directive.Block(d, "format lazy", map[string]directive.Option{"wrap": e.readWrapped})
}

// readWrapped reads a format as Caddy's own formats around others do.
func (e *Encoder) readWrapped(d *caddyfile.Dispenser) error {
	if e.WrappedRaw != nil {
		return directive.Errf(d, "wrap stands twice: one format writes the lines")
	}
	if !d.NextArg() {
		return directive.ArgErr(d)
	}
	name := d.Val()
	if _, err := caddy.GetModule(namespace + "." + name); err != nil {
		return directive.Errf(d, "wrap: %q is no format: there are %s", name, strings.Join(formats(), ", "))
	}
	module, err := caddyfile.UnmarshalModule(d, namespace+"."+name)
	if err != nil {
		return err
	}
	e.WrappedRaw = caddyconfig.JSONModuleObject(module, "format", name, nil)
	return nil
}

// formats are those that there are to wrap.
func formats() (names []string) {
	for _, module := range caddy.GetModules(namespace) {
		if module.ID.Name() != lazy {
			names = append(names, module.ID.Name())
		}
	}
	return names
}

// Provision loads the format of the lines.
func (e *Encoder) Provision(ctx caddy.Context) error {
	e.ctx = ctx
	// A format around this one would be asked for its fields when it has long gone on
	// to other lines.
	if len(ctx.Modules()) > 1 {
		return errors.New("format lazy stands inside of another format, which would lose fields: write it around that one, as in " +
			"format lazy { wrap filter { ... } }")
	}
	if e.WrappedRaw == nil {
		return e.wrap(new(logging.JSONEncoder))
	}
	module, err := ctx.LoadModule(e, "WrappedRaw")
	if err != nil {
		return fmt.Errorf("format lazy: %w", err)
	}
	e.wrapped = module.(zapcore.Encoder) // its namespace has no others
	return nil
}

func (e *Encoder) wrap(encoder interface {
	zapcore.Encoder
	caddy.Provisioner
}) error {
	e.wrapped = encoder
	return encoder.Provision(e.ctx)
}

// ConfigureDefaultFormat implements caddy.ConfiguresFormatterDefault: people read
// a terminal.
func (e *Encoder) ConfigureDefaultFormat(to caddy.WriterOpener) error {
	if e.WrappedRaw != nil {
		if wrapped, ok := e.wrapped.(caddy.ConfiguresFormatterDefault); ok {
			return wrapped.ConfigureDefaultFormat(to)
		}
		return nil
	}
	if caddy.IsWriterStandardStream(to) && term.IsTerminal(int(os.Stderr.Fd())) {
		return e.wrap(new(logging.ConsoleEncoder))
	}
	return nil
}

// Clone implements zapcore.Encoder; it is what a new logger begins with.
func (e *Encoder) Clone() zapcore.Encoder {
	return &Encoder{wrapped: e.wrapped, held: held{slices.Clip(e.fields)}}
}

// EncodeEntry implements zapcore.Encoder.
func (e *Encoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	if len(e.fields) == 0 {
		return e.wrapped.EncodeEntry(entry, fields)
	}
	line := e.wrapped.Clone()
	for _, field := range e.fields {
		field.AddTo(line)
	}
	return line.EncodeEntry(entry, fields)
}

// Interface guards
var (
	_ caddy.Provisioner                = (*Encoder)(nil)
	_ caddy.ConfiguresFormatterDefault = (*Encoder)(nil)
	_ caddyfile.Unmarshaler            = (*Encoder)(nil)
	_ zapcore.Encoder                  = (*Encoder)(nil)
)
