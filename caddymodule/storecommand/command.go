package storecommand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "sidegate-store",
		Usage: "backup <folder> | check [<folder>] | compact [--config <file>] [--adapter <name>] [--address <interface>] [--json]",
		Short: "Copies, checks and compacts the file of an embedded store",
		Long: `
Keeps the file of a store embedded in order, beside a running gateway by its admin
endpoint, or by itself where no gateway runs.

The file is worth nothing without the secret that sealed it: backup takes both, and
check says whether they fit.`,
		CobraFunc: build,
	})
}

// options are what the command is asked.
type options struct {
	config, adapter, address string
	json                     bool
	out                      io.Writer
}

func build(cmd *cobra.Command) {
	o := &options{out: os.Stdout}
	flags := cmd.PersistentFlags()
	flags.StringVarP(&o.config, "config", "c", "", "Configuration file")
	flags.StringVarP(&o.adapter, "adapter", "a", "", "Name of config adapter to apply")
	flags.StringVar(&o.address, "address", "", "Address of the admin endpoint of the running gateway")
	flags.BoolVar(&o.json, "json", false, "Print JSON")
	// What is no word of ours is an error, and not a page of help.
	cmd.RunE = caddycmd.WrapCommandFuncForCobra(func(fl caddycmd.Flags) (int, error) {
		if fl.NArg() > 0 {
			return caddy.ExitCodeFailedStartup, fmt.Errorf("there is no %q: it is backup <folder>, check [<folder>] or compact", fl.Arg(0))
		}
		return caddy.ExitCodeFailedStartup, errors.New("say what to do: backup <folder>, check [<folder>] or compact")
	})
	cmd.AddCommand(
		o.part("backup <folder>", "Copies the file and its secret into a new folder", o.backup),
		o.part("check [<folder>]", "Says whether the file is whole and its secret fits, of a backup or of what runs", o.check),
		o.part("compact", "Gives the disk back what the file does not use", o.compact),
	)
}

func (o *options) part(use, short string, do func(ctx context.Context, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short,
		RunE: caddycmd.WrapCommandFuncForCobra(func(fl caddycmd.Flags) (int, error) {
			err := quiet()
			if err == nil {
				err = do(context.Background(), fl.Args())
			}
			if err != nil {
				// By ourselves: Caddy's log, by which it would be told, is quiet.
				_, _ = fmt.Fprintln(os.Stderr, "error:", err)
				return caddy.ExitCodeFailedStartup, err
			}
			return caddy.ExitCodeSuccess, nil
		}),
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
	there, err := o.ask(ctx, "GET", "/sidegate/store/check", into(&report))
	if err == nil && !there {
		var k Kept
		if k, err = o.kept(ctx); err == nil {
			report, err = k.checkFile(ctx, k.File, k.Secrets)
		}
	}
	if err != nil {
		return err
	}
	return o.tell(report, "the file of the gateway")
}

// checkFile is a check of a file that nobody has open.
func (k Kept) checkFile(ctx context.Context, file string, secrets []string) (sessionstore.FileReport, error) {
	sealer, err := k.Sealer(secrets)
	if err != nil {
		return sessionstore.FileReport{}, err
	}
	report, err := embedded.CheckFile(ctx, file, sealer, time.Now())
	return report, held(err)
}

// held says what to do about a file that a gateway has, of which none has answered.
func held(err error) error {
	if errors.Is(err, embedded.ErrInUse) {
		return fmt.Errorf("%w; a gateway has the file, and it is not the one that was asked: name its admin endpoint by --address, or its configuration by --config", err)
	}
	return err
}

// tell prints a report, and is an error where something is wrong.
func (o *options) tell(report sessionstore.FileReport, what string) error {
	if o.json {
		if err := o.print(report); err != nil {
			return err
		}
	} else {
		_, _ = fmt.Fprintf(o.out, "%s: %d bytes, of which compacting gives back up to %d\nsessions: %d live, %d ended, %d of another secret, %d damaged, %d of a later version\n",
			what, report.Bytes, report.Unused, report.Live, report.Ended, report.OtherSecret, report.Damaged, report.Newer)
		for _, broken := range report.Broken {
			_, _ = fmt.Fprintln(o.out, "broken:", broken)
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

// Compacted is the size of the file in bytes.
type compacted struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

func (o *options) compact(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return errors.New("compact takes no folder: it is for the file of the gateway")
	}
	var sizes compacted
	there, err := o.ask(ctx, "POST", "/sidegate/store/compact", into(&sizes))
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
	k, err := o.kept(ctx)
	if err != nil {
		return sizes, err
	}
	db, err := k.open()
	if err != nil {
		return sizes, err
	}
	sizes.Before, sizes.After, err = db.Compact(ctx)
	return sizes, errors.Join(err, db.Close())
}

func (o *options) print(value any) error {
	return json.NewEncoder(o.out).Encode(value)
}
