package check

import (
	"errors"
	flags "flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"example.com/sidegate/caddymodule/ownfile"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "sidegate-check",
		Usage: "[<file>] [--config <file>] [--adapter <name>] [--strict]",
		Short: "Says what is wrong with a configuration, and what may not be meant",
		Long: `
Adapts and validates a configuration, as caddy validate does, and prints what is
wrong, every warning of Sidegate's on a line of its own, whatever the log of the
configuration leaves out, and a summary that names the file. The file is given by
itself or by --config.

The exit status is 0 for a valid configuration, 1 for another, and 3 with
--strict for a valid one that there are warnings about.`,
		Flags: checkFlags(),
		Func: func(fl caddycmd.Flags) (int, error) {
			config, err := fileOf(fl)
			if err != nil {
				_, _ = fmt.Fprintln(os.Stdout, "error:", err)
				return caddy.ExitCodeFailedStartup, errors.Join(err, collect()) // which has Caddy not say it again
			}
			return check(config, fl.String("adapter"), fl.Bool("strict"), os.Stdout)
		},
	})
}

func checkFlags() *flags.FlagSet {
	fs := flags.NewFlagSet("sidegate-check", flags.ExitOnError)
	fs.String("config", "Caddyfile", "Configuration file")
	fs.String("adapter", "", "Name of config adapter to apply")
	fs.Bool("strict", false, "Have warnings fail the check")
	return fs
}

// fileOf is the file to check: the one argument, or that of --config.
func fileOf(fl caddycmd.Flags) (string, error) {
	switch {
	case fl.NArg() == 0:
		return fl.String("config"), nil
	case fl.NArg() > 1:
		return "", errors.New("name one file: caddy sidegate-check prod.Caddyfile")
	case fl.Changed("config"):
		return "", errors.New("the file is named twice: leave --config or the argument out")
	}
	return fl.Arg(0), nil
}

// exitWarned is the status of --strict where there are warnings. 2 is what Go
// ends with where it panics.
const exitWarned = 3

// What Caddy would log, to what we have collected, beside what is printed.
var (
	errInvalid = errors.New("the configuration is not valid")
	errWarned  = errors.New("there are warnings")
)

func check(config, adapter string, strict bool, out io.Writer) (int, error) {
	err := validate(config, adapter)
	warnings := collected.warnings()
	for _, warning := range warnings {
		_, _ = fmt.Fprintln(out, "warning:", warning)
	}
	if err != nil {
		for said := range strings.SplitSeq(Said(err), "\n") {
			_, _ = fmt.Fprintln(out, "error:", said)
		}
		_, _ = fmt.Fprintf(out, "sidegate: %v (%s)\n", errInvalid, config)
		return caddy.ExitCodeFailedStartup, errInvalid
	}
	_, _ = fmt.Fprintf(out, "sidegate: the configuration is valid, %s (%s)\n", counted(len(warnings)), config)
	if strict && len(warnings) > 0 {
		return exitWarned, errWarned
	}
	return caddy.ExitCodeSuccess, nil
}

func counted(n int) string {
	switch n {
	case 0:
		return "no warnings"
	case 1:
		return "1 warning"
	}
	return fmt.Sprint(n, " warnings")
}

// validate is what `caddy validate` does, but that all that is logged is
// collected here. The configuration's own log is looked at by itself.
func validate(config, adapter string) error {
	if err := collect(); err != nil { // what is told while it is read, too
		return err
	}
	read, _, _, err := caddycmd.LoadConfig(config, adapter)
	if _, err = ownfile.Unread(config, read, err); err != nil {
		return err
	}
	var cfg *caddy.Config
	if err := caddy.StrictUnmarshalJSON(caddy.RemoveMetaFields(read), &cfg); err != nil {
		return fmt.Errorf("decoding config: %w", err)
	}
	if cfg == nil {
		return ownfile.ErrEmpty
	}
	logging := cfg.Logging
	cfg.Logging = toWriter()
	if err := caddy.Validate(cfg); err != nil || logging == nil {
		return err
	}
	return caddy.Validate(logOnly(logging)) // it writes elsewhere, so it comes last
}

// collect has all that is logged from now on come here.
func collect() error {
	caddy.BufferedLog() // else Caddy tells where the log has gone
	return caddy.Validate(logOnly(toWriter()))
}

func logOnly(logging *caddy.Logging) *caddy.Config {
	return &caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}, Logging: logging}
}
