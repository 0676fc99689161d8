package caddymodule

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func init() {
	// Those placed before one directive keep this order: health, endpoints, auth.
	httpcaddyfile.RegisterDirectiveOrder("session_health", httpcaddyfile.Before, "basic_auth")
	httpcaddyfile.RegisterDirectiveOrder("session_endpoints", httpcaddyfile.Before, "basic_auth")
	httpcaddyfile.RegisterDirectiveOrder("session_auth", httpcaddyfile.Before, "basic_auth")
}

// option reads one subdirective, whose name the dispenser is at.
type option func(d *caddyfile.Dispenser) error

// parseBlock reads the block behind a directive. An unknown subdirective is
// an error in the words that Caddy's own directives use.
func parseBlock(d *caddyfile.Dispenser, directive string, options map[string]option) error {
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		parse, known := options[d.Val()]
		if !known {
			return d.Errf("unrecognized %s subdirective '%s'", directive, d.Val())
		}
		if err := parse(d); err != nil {
			return err
		}
	}
	return nil
}

// noMore refuses arguments and a block.
func noMore(d *caddyfile.Dispenser, directive string) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	return parseBlock(d, directive, nil)
}

// text reads the one argument of an option that is given once at most.
func text(target *string) option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		if *target != "" {
			return d.Errf("%s is given twice", name)
		}
		if !d.Args(target) || d.NextArg() {
			return d.ArgErr()
		}
		if *target == "" {
			return d.Errf("%s is empty", name)
		}
		return nil
	}
}

// optionalText reads one argument or none. An empty one is an error, for it is
// a variable that was not set rather than a wish for the default.
func optionalText(d *caddyfile.Dispenser, target *string) error {
	name := d.Val()
	if !d.NextArg() {
		return nil
	}
	if *target = d.Val(); *target == "" {
		return d.Errf("%s has an empty argument", name)
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return nil
}

// flag reads a bare word.
func flag(target *bool) option {
	return func(d *caddyfile.Dispenser) error {
		if *target {
			return d.Errf("%s is given twice", d.Val())
		}
		*target = true
		if d.NextArg() {
			return d.ArgErr()
		}
		return nil
	}
}

// off reads the word off, for what is on otherwise.
func off(target *bool) option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		if *target {
			return d.Errf("%s is given twice", name)
		}
		if !d.NextArg() || d.Val() != "off" || d.NextArg() {
			return d.Errf("%s takes the word off: it is on without", name)
		}
		*target = true
		return nil
	}
}

// texts reads one or more arguments; repeated options add up.
func texts(target *[]string) option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		args := d.RemainingArgs()
		if len(args) == 0 {
			return d.ArgErr()
		}
		if slices.Contains(args, "") {
			return d.Errf("%s has an empty argument", name)
		}
		*target = append(*target, args...)
		return nil
	}
}

// duration reads a positive duration that is given once at most.
func duration(target *caddy.Duration) option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		if *target != 0 {
			return d.Errf("%s is given twice", name)
		}
		var err error
		*target, err = parseDuration(d)
		if err == nil && *target == 0 {
			return d.Errf("%s must be more than 0", name)
		}
		return err
	}
}

// parseDuration reads the one argument, a duration that may be 0.
func parseDuration(d *caddyfile.Dispenser) (caddy.Duration, error) {
	name := d.Val()
	var value string
	if !d.Args(&value) || d.NextArg() {
		return 0, d.ArgErr()
	}
	parsed, err := caddy.ParseDuration(value)
	if err != nil || parsed < 0 {
		return 0, d.Errf("%s: '%s' is not a duration such as 30s, 15m or 12h", name, value)
	}
	return caddy.Duration(parsed), nil
}

// guest reads a module that unmarshals itself from the segment that the
// dispenser is at, and returns its JSON with the module's name in it.
func guest(d *caddyfile.Dispenser, namespace, inlineKey, name string) (json.RawMessage, error) {
	if _, err := caddy.GetModule(namespace + "." + name); err != nil {
		return nil, d.Errf("unknown %s '%s': this build has %s", kindOf(namespace), name, guests(namespace))
	}
	module, err := caddyfile.UnmarshalModule(d, namespace+"."+name)
	if err != nil {
		return nil, err
	}
	return caddyconfig.JSONModuleObject(module, inlineKey, name, nil), nil
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
func guests(namespace string) string {
	var names []string
	for _, m := range caddy.GetModules(namespace) {
		names = append(names, m.ID.Name())
	}
	return strings.Join(names, ", ")
}
