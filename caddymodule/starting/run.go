package starting

import (
	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
)

// Look has caddy run look first, in whatever binary root is of.
func Look(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if cmd.Name() != "run" || cmd.RunE == nil {
			continue
		}
		run := cmd.RunE
		look := caddycmd.WrapCommandFuncForCobra(func(flags caddycmd.Flags) (int, error) {
			if err := obstacle(flags); err != nil {
				return caddy.ExitCodeFailedStartup, err
			}
			return caddy.ExitCodeSuccess, nil
		})
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if err := look(cmd, args); err != nil {
				return err
			}
			return run(cmd, args)
		}
	}
}

// obstacle is what keeps a configuration from being started. One that cannot be read
// to its end is left to Caddy, which says why; and so is what is not in a file, or has
// its environment from one.
func obstacle(flags caddycmd.Flags) error {
	file := flags.String("config")
	if file == "-" || flags.Bool("resume") {
		return nil
	}
	if file != "" {
		if err := missing(file); err != nil {
			return err
		}
	}
	if files, err := flags.GetStringSlice("envfile"); err != nil || len(files) > 0 {
		return nil
	}
	var config []byte
	quietly(func() {
		config, _, _, _ = caddycmd.LoadConfig(file, flags.String("adapter")) // its error is told by Caddy
	})
	return taken(addresses(config))
}

// quietly keeps from the log what is said there: Caddy says it again.
func quietly(what func()) {
	_, log, _ := caddy.BufferedLog()
	defer func() {
		caddy.UnbufferDefaultLogger(zap.NewNop()) // drops what was said
		_, _, _ = caddy.BufferedLog()
		caddy.UnbufferDefaultLogger(log)
	}()
	what()
}
