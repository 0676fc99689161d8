package starting

import (
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/ownfile"
)

// Look has caddy run look first, in whatever binary root is of.
func Look(root *cobra.Command) {
	commands := make(map[string]*cobra.Command)
	for _, cmd := range root.Commands() {
		commands[cmd.Name()] = cmd
	}
	if cmd := commands["run"]; cmd != nil && cmd.RunE != nil {
		lookFirst(cmd, commands["environ"])
	}
}

func lookFirst(cmd, environ *cobra.Command) {
	run := cmd.RunE
	look := caddycmd.WrapCommandFuncForCobra(func(flags caddycmd.Flags) (int, error) {
		err := obstacle(flags, environ)
		if err == nil {
			return caddy.ExitCodeSuccess, nil
		}
		if flags.Bool("environ") && environ != nil {
			_ = environ.RunE(environ, nil) // as caddy run does before it fails
		}
		return caddy.ExitCodeFailedStartup, err
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := look(cmd, args); err != nil {
			return err
		}
		return run(cmd, args)
	}
}

// obstacle is what keeps a configuration from being started. Mistakes in it are left to
// Caddy, which tells them; and so is what can be read but once.
func obstacle(flags caddycmd.Flags, environ *cobra.Command) error {
	file, adapter := flags.String("config"), flags.String("adapter")
	if flags.Bool("resume") {
		if _, err := os.Stat(caddy.ConfigAutosavePath); err == nil {
			file, adapter = caddy.ConfigAutosavePath, ""
		}
	}
	if file == "-" || isStream(file) {
		return nil
	}
	if !withFiles(flags, environ) {
		return nil
	}
	var config []byte
	var err error
	quietly(func() { config, _, _, err = caddycmd.LoadConfig(file, adapter) })
	if err != nil {
		if known, err := ownfile.Unread(file, nil, err); known {
			return err
		}
		return nil
	}
	if err = taken(config); err != nil {
		return err
	}
	return unnamed(config)
}

// withFiles sets the variables of --envfile, as caddy run does: by Caddy's own command
// that prints them, for nothing else hands that out. What is set already stays, so that
// caddy run changes nothing after it. It reports whether that went well.
func withFiles(flags caddycmd.Flags, environ *cobra.Command) (well bool) {
	files, err := flags.GetStringSlice("envfile")
	if err != nil || len(files) == 0 {
		return err == nil
	}
	if environ == nil {
		return false
	}
	for _, file := range files {
		if isStream(file) || environ.Flags().Set("envfile", file) != nil {
			return false
		}
	}
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return false
	}
	defer func() { _ = nowhere.Close() }()
	out := os.Stdout
	os.Stdout = nowhere // the values are secrets
	defer func() { os.Stdout = out }()
	quietly(func() { err = environ.RunE(environ, nil) })
	return err == nil
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
