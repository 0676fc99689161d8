package directive

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Option reads one subdirective, whose name the dispenser is at.
type Option func(d *caddyfile.Dispenser) error

// Checked has what an option read checked at once, so that a mistake in it is
// told with its line.
func Checked(read Option, check func() error) Option {
	return func(d *caddyfile.Dispenser) error {
		at := Here(d)
		if err := read(d); err != nil {
			return err
		}
		return at.Wrap(check())
	}
}

// Placed remembers where an option stands, for what can be checked only later.
func Placed(read Option, at *Position) Option {
	return func(d *caddyfile.Dispenser) error {
		*at = Here(d)
		return read(d)
	}
}

// Block reads the block behind a directive. What it does not have is an error
// that says what may have been meant.
func Block(d *caddyfile.Dispenser, directive string, options map[string]Option) error {
	before := directive
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		if word == "{" {
			return Err(d, noBlock(directive, before))
		}
		parse, known := options[word]
		if !known {
			return Err(d, unknown(directive, word, options))
		}
		before = word
		if err := parse(d); err != nil {
			return err
		}
	}
	return nil
}

// NoMore refuses arguments and a block.
func NoMore(d *caddyfile.Dispenser, directive string) error {
	if d.NextArg() {
		return ArgErr(d)
	}
	return Block(d, directive, nil)
}

// Text reads the one argument of an option that is given once at most.
func Text(target *string) Option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		if *target != "" {
			return Errf(d, "%s is given twice", name)
		}
		if !d.Args(target) || d.NextArg() {
			return ArgErr(d)
		}
		if *target == "" {
			return Errf(d, "%s is empty: a variable of the environment in {$NAME} may be unset", name)
		}
		return nil
	}
}

// OptionalText reads one argument or none. An empty one is an error, for it is
// a variable that was not set rather than a wish for the default.
func OptionalText(d *caddyfile.Dispenser, target *string) error {
	name := d.Val()
	if !d.NextArg() {
		return nil
	}
	if *target = d.Val(); *target == "" {
		return Errf(d, "%s has an empty argument", name)
	}
	if d.NextArg() {
		return ArgErr(d)
	}
	return nil
}

// Flag reads a bare word.
func Flag(target *bool) Option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		if *target {
			return Errf(d, "%s is given twice", name)
		}
		*target = true
		if d.NextArg() {
			return Errf(d, "%s takes no value: leave out what stands behind it", name)
		}
		return nil
	}
}

// Off reads the word off, for what is on otherwise.
func Off(target *bool) Option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		if *target {
			return Errf(d, "%s is given twice", name)
		}
		if !d.NextArg() || d.Val() != "off" || d.NextArg() {
			return Errf(d, "%s takes the word off: it is on without", name)
		}
		*target = true
		return nil
	}
}

// Texts reads one or more arguments; repeated options add up.
func Texts(target *[]string) Option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		args := d.RemainingArgs()
		if len(args) == 0 {
			return ArgErr(d)
		}
		if slices.Contains(args, "") {
			return Errf(d, "%s has an empty argument: a variable of the environment in {$NAME} may be unset", name)
		}
		*target = append(*target, args...)
		return nil
	}
}

// Duration reads a positive duration that is given once at most.
func Duration(target *caddy.Duration) Option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		if *target != 0 {
			return Errf(d, "%s is given twice", name)
		}
		var err error
		*target, err = ParseDuration(d)
		if err == nil && *target == 0 {
			return Errf(d, "%s must be more than 0", name)
		}
		return err
	}
}

// DurationOrNone is Duration for what 0 turns off.
func DurationOrNone(target *caddy.Duration) Option {
	given := false
	return func(d *caddyfile.Dispenser) error {
		if given {
			return Errf(d, "%s is given twice", d.Val())
		}
		given = true
		var err error
		*target, err = ParseDuration(d, OrNone)
		return err
	}
}

// OrNone is said of what is no duration where 0 turns the option off.
const OrNone = "; 0 turns it off"

// ParseDuration reads the one argument, a duration that may be 0. More ends what
// is said of one that is none.
func ParseDuration(d *caddyfile.Dispenser, more ...string) (caddy.Duration, error) {
	name := d.Val()
	var value string
	if !d.Args(&value) || d.NextArg() {
		return 0, ArgErr(d)
	}
	parsed, err := caddy.ParseDuration(value)
	if err != nil || parsed < 0 {
		return 0, Errf(d, "%s: %s is not a duration such as 30s, 15m or 12h%s", name, Number(value), strings.Join(more, ""))
	}
	return caddy.Duration(parsed), nil
}

// Guest reads a module that unmarshals itself from the segment that the
// dispenser is at, and returns its JSON with the module's name in it. Where it stands
// is remembered; see LoadGuests.
func Guest(d *caddyfile.Dispenser, namespace, inlineKey, name string) (json.RawMessage, error) {
	at := Here(d)
	if _, err := caddy.GetModule(namespace + "." + name); err != nil {
		kind, there := kindOf(namespace), guests(namespace)
		if meant(name, there) != "" && isPlain(name) { // what is like none may be a secret
			kind += " '" + name + "'"
		}
		return nil, Errf(d, "unknown %s: %sthis build has %s", kind, meant(name, there), strings.Join(there, ", "))
	}
	module, err := caddyfile.UnmarshalModule(d, namespace+"."+name)
	if err != nil {
		return nil, err
	}
	raw := caddyconfig.JSONModuleObject(module, inlineKey, name, nil)
	Remember(raw, at)
	return raw, nil
}

// kindOf is what one guest of the namespace is called.
func kindOf(namespace string) string {
	kinds := strings.TrimPrefix(namespace, "sidegate.")
	if stem, ok := strings.CutSuffix(kinds, "ies"); ok {
		return stem + "y"
	}
	return strings.TrimSuffix(kinds, "s")
}

// guests lists the modules of a namespace, other people's included.
func guests(namespace string) (names []string) {
	for _, m := range caddy.GetModules(namespace) {
		names = append(names, m.ID.Name())
	}
	return names
}
