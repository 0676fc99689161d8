package storecommand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"example.com/sidegate/caddymodule/terminal"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/sessionstore"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  name,
		Usage: "backup|check|compact",
		Short: "Copies, checks and compacts the file of an embedded store",
		Long: `
Keeps the file of a store embedded in order, beside a running gateway by its admin
endpoint, or by itself where no gateway runs.

    caddy sidegate-store backup /var/backups/sidegate-monday
    caddy sidegate-store check /var/backups/sidegate-monday
    caddy sidegate-store check
    caddy sidegate-store compact

The file is worth nothing without the secret that sealed it: backup takes both, and
check says whether they fit.

The configuration is that of --config, or the Caddyfile of the working folder. The
endpoint is that of --address, or that of the configuration, or Caddy's default,
localhost:2019; with --address off no gateway is asked.`,
		CobraFunc: build,
	})
}

// name is the command's.
const name = "sidegate-store"

// options are what the command is asked.
type options struct {
	config, adapter, address string
	json                     bool
	out, warns               io.Writer
	read                     *configuration // nil until it is
}

func build(cmd *cobra.Command) {
	o := new(options)
	flags := cmd.PersistentFlags()
	flags.StringVarP(&o.config, "config", "c", "", "Configuration file of the gateway")
	flags.StringVarP(&o.adapter, "adapter", "a", "", "Name of config adapter to apply (when --config is used)")
	flags.StringVar(&o.address, "address", "", "Address of the admin endpoint of the running gateway, or off")
	flags.BoolVar(&o.json, "json", false, "Print JSON")
	// What completes a flag is looked for when it is asked for: other adapters may be
	// registered after this.
	_ = cmd.RegisterFlagCompletionFunc("adapter", adapters)
	_ = cmd.RegisterFlagCompletionFunc("address", cobra.NoFileCompletions)
	// What is no word of ours is an error, and not a page of help.
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("there is no %q: it is backup <folder>, check [<folder>] or compact", args[0])
		}
		return errors.New("say what to do: backup <folder>, check [<folder>] or compact")
	}
	cmd.AddCommand(
		o.part("backup <folder>", "Copies the file and its secret into a new folder", folders, o.backup),
		o.part("check [<folder>]", "Says whether the file is whole and its secret fits, of a backup or of what runs", folders, o.check),
		o.part("compact", "Gives the disk back what the file does not use", cobra.NoFileCompletions, o.compact),
	)
}

func adapters(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, m := range caddy.GetModules("caddy.adapters") {
		names = append(names, m.ID.Name())
	}
	slices.Sort(names)
	return names, cobra.ShellCompDirectiveNoFileComp
}

func folders(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// part is a command below this one. What goes wrong is said once, on standard error,
// and not in the log's form: nobody reads this but the one who has typed it.
func (o *options) part(use, short string, completes cobra.CompletionFunc, do func(ctx context.Context, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, ValidArgsFunction: completes,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := quiet(); err != nil {
				return err
			}
			o.out, o.warns = cmd.OutOrStdout(), cmd.ErrOrStderr()
			// Whoever stops it leaves nothing behind.
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			err := do(ctx, args)
			if err != nil && ctx.Err() != nil {
				return errors.New("stopped before it was done: run the command again")
			}
			return terminal.Err(err)
		},
	}
}

// check is of a backup, or of what runs.
func (o *options) check(ctx context.Context, args []string) error {
	switch {
	case len(args) > 1:
		return errors.New("name one folder of a backup, or none for the file of the gateway")
	case len(args) == 1:
		return o.checkBackup(ctx, args[0])
	}
	var report sessionstore.FileReport
	there, err := o.ask(ctx, http.MethodGet, "/sidegate/store/check", into(&report, "bytes", "unused", "live", "ended", "otherSecret", "damaged", "newer"))
	if err == nil && !there {
		var k Kept
		if k, err = o.byOurselves(ctx); err == nil {
			report, err = k.check(ctx)
		}
	}
	if err != nil {
		return err
	}
	return o.tell(report, "the file of the gateway")
}

// tell prints a report, and is an error where something is wrong.
func (o *options) tell(report sessionstore.FileReport, what string) error {
	if o.json {
		if err := o.print(report); err != nil {
			return err
		}
	} else {
		gives := "little, if anything"
		if report.Unused > 0 {
			gives = fmt.Sprint("about ", report.Unused)
		}
		_, _ = fmt.Fprintf(o.out, "%s: %d bytes, of which compacting gives back %s\nsessions: %d live, %d ended, %d of another secret, %d damaged, %d of a later version\n",
			what, report.Bytes, gives, report.Live, report.Ended, report.OtherSecret, report.Damaged, report.Newer)
		for _, broken := range report.Broken {
			_, _ = fmt.Fprintln(o.out, "broken:", terminal.Printable(broken))
		}
	}
	return wrong(report)
}

// wrong is what is to be done about a report.
func wrong(r sessionstore.FileReport) error {
	switch {
	case r.Misfit():
		return errors.New("file and secret do not fit: the secret opens none of the sessions; give the gateway the secret that sealed them (`secret`), " +
			"or the file that was sealed with this one")
	case r.OtherSecret > 0:
		return errors.New("some sessions were sealed with a secret that is not given: name the former one after the present one (`secret <present> <former>`) until they have ended")
	case len(r.Broken) > 0, r.Damaged > 0:
		return errors.New("the file is damaged: stop the gateway, keep the file for who looks into it, and restore a backup")
	case r.Newer > 0:
		return errors.New("some sessions were written by a later version of Sidegate: run that version")
	}
	return nil
}

// compacted is the size of the file in bytes.
type compacted struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

func (o *options) compact(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return errors.New("compact takes no folder: it is for the file of the gateway")
	}
	var sizes compacted
	there, err := o.ask(ctx, http.MethodPost, "/sidegate/store/compact", into(&sizes, "before", "after"))
	if err == nil && !there {
		sizes, err = o.compactFile(ctx)
	}
	if err != nil {
		return err
	}
	if o.json {
		return o.print(sizes)
	}
	_, err = fmt.Fprintf(o.out, "compacted: %d bytes became %d\n", sizes.Before, sizes.After)
	return err
}

func (o *options) compactFile(ctx context.Context) (sizes compacted, err error) {
	k, err := o.byOurselves(ctx)
	if err != nil {
		return sizes, err
	}
	db, err := k.open()
	if err != nil {
		return sizes, err
	}
	sizes.Before, sizes.After, err = db.Compact(ctx)
	return sizes, errors.Join(beside(err), db.Close())
}

func (o *options) print(value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = o.out.Write(append(web.EscapeUnseen(text), '\n'))
	return err
}
