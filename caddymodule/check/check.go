package check

import (
	"errors"
	flags "flag"
	"fmt"
	"io"
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "sidegate-check",
		Usage: "[--config <file>] [--adapter <name>] [--strict]",
		Short: "Says what is wrong with a configuration, and what may not be meant",
		Long: `
Adapts and validates a configuration, as caddy validate does, and prints what is
wrong, every warning of Sidegate's on a line of its own, whatever the log of the
configuration leaves out, and a summary.

The exit status is 0 for a valid configuration, 1 for another, and 3 with
--strict for a valid one that there are warnings about.`,
		Flags: checkFlags(),
		Func: func(fl caddycmd.Flags) (int, error) {
			return check(fl.String("config"), fl.String("adapter"), fl.Bool("strict"), os.Stdout)
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
		_, _ = fmt.Fprintf(out, "error: %s\nsidegate: %v\n", Said(err), errInvalid)
		return caddy.ExitCodeFailedStartup, errInvalid
	}
	_, _ = fmt.Fprintf(out, "sidegate: the configuration is valid, %s\n", counted(len(warnings)))
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
	if err != nil {
		return err
	}
	var cfg *caddy.Config
	if err := caddy.StrictUnmarshalJSON(caddy.RemoveMetaFields(read), &cfg); err != nil {
		return fmt.Errorf("decoding config: %w", err)
	}
	if cfg == nil {
		return errors.New("the configuration is empty")
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
