// Package upgrading keeps Caddy's own commands from putting another binary in the
// place of this one, and says how it is upgraded.
package upgrading

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"example.com/sidegate/caddymodule/starting"
)

// replacing are Caddy's commands that download a binary from caddyserver.com,
// which builds none with Sidegate, and put it in the place of the one that runs.
var replacing = []string{"upgrade", "add-package", "remove-package"}

// how is what an operator does instead.
const how = "build it anew, in a checkout of Sidegate: git pull && ./xcaddy.sh, with further plugins by --with <package>; " +
	"or xcaddy build --with example.com/sidegate/caddymodule --replace example.com/sidegate=<the checkout> --with <package>; " +
	"or take the next one of the package or image that it came in. Then put it in the place of this one and restart"

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "sidegate-upgrade",
		Short: "Says how this binary is upgraded",
		Long: `
Says how a binary with Sidegate is upgraded, and how it gets further plugins.
Caddy's own commands for that (upgrade, add-package, remove-package) would put
a binary without Sidegate in its place, and are refused.`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.Args = cobra.NoArgs
			cmd.RunE = func(cmd *cobra.Command, _ []string) error {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), how+".")
				return err
			}
			// Caddy takes no second command of a name, and hands out no first one.
			// This is called for whichever command is run, before it runs, when
			// all of them hang on the same root: in any binary with Sidegate.
			cobra.OnInitialize(func() {
				refuse(cmd.Root())
				starting.Look(cmd.Root())
			})
		},
	})
}

// refuse has the commands say what to do in place of what they do.
func refuse(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if !slices.Contains(replacing, cmd.Name()) {
			continue
		}
		why := errors.New("refused: caddy " + cmd.Name() + " puts a binary of caddyserver.com in the place of this one, " +
			"which has no Sidegate, so that no site would start; " + how)
		cmd.RunE = caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return caddy.ExitCodeFailedStartup, why })
	}
}
