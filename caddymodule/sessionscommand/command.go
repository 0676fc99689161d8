package sessionscommand

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"example.com/sidegate/caddymodule/terminal"
)

// name is the command's.
const name = "sidegate-sessions"

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  name,
		Usage: "list|show|revoke|count",
		Short: "Lists the sessions of a gateway that runs, and ends them",
		Long: `
Asks the gateway that runs, at Caddy's admin endpoint, which sessions there are,
and ends them. Whoever may use that endpoint may use this command.

    caddy sidegate-sessions list --email ada@example.com
    caddy sidegate-sessions revoke 4kXf0aYcR2mTzQ1b
    caddy sidegate-sessions revoke --user 42
    caddy sidegate-sessions count

The endpoint is that of --address, or that of the configuration that --config
names, or Caddy's default, localhost:2019.`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.Args = noCommand
			cmd.SetFlagErrorFunc(wrongFlag)
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, sub := range []*cobra.Command{listCommand(), showCommand(), revokeCommand(), countCommand()} {
				common(sub)
				cmd.AddCommand(sub)
			}
		},
	})
}

// noCommand names those that there are.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return errors.New("there is no command " + terminal.Printable(args[0]) + ": say list, show, revoke or count (see caddy " + name + " --help)")
}

// wrongFlag says what there is in place of a flag that cannot be read. One before which
// there is no command of ours is none of any.
func wrongFlag(cmd *cobra.Command, err error) error {
	if cmd.Name() == name {
		if args := cmd.Flags().Args(); len(args) > 0 {
			return noCommand(cmd, args)
		}
		return errors.New(terminal.Printable(err.Error()) + ": say first what to do, list, show, revoke or count (see caddy " + name + " --help)")
	}
	return errors.New(terminal.Printable(err.Error()) + ": " + cmd.Name() + " takes " + flagsOf(cmd) + hyphened(cmd.Name()) + " (see caddy " + name + " " + cmd.Name() + " --help)")
}

// hyphened says how to write one in 64 of the ids, where a command takes any.
func hyphened(command string) string {
	if command != "show" && command != "revoke" {
		return ""
	}
	return ", and an id that begins with - behind --, as in " + command + " -- -2gTq9Pp1HPB3ALt"
}

func flagsOf(cmd *cobra.Command) string {
	var names []string
	for _, flag := range []string{"user", "email", "login", "all", "yes", "json", "address", "config", "adapter"} {
		if cmd.Flags().Lookup(flag) != nil {
			names = append(names, "--"+flag)
		}
	}
	return strings.Join(names, ", ")
}

// common gives a command what all of them have.
func common(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringP("config", "c", "", "Configuration file to use to parse the admin address, if --address is not used")
	flags.StringP("adapter", "a", "", "Name of config adapter to apply (when --config is used)")
	flags.StringP("address", "", "", "The address to use to reach the admin API endpoint, if not the default")
	flags.BoolP("json", "", false, "Print JSON")
	cmd.SilenceUsage = true
	cmd.DisableFlagsInUseLine = true
	// What completes a flag is looked for when it is asked for: other adapters may be
	// registered after this.
	_ = cmd.RegisterFlagCompletionFunc("adapter", adapters)
	_ = cmd.RegisterFlagCompletionFunc("address", cobra.NoFileCompletions)
}

func adapters(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, m := range caddy.GetModules("caddy.adapters") {
		names = append(names, m.ID.Name())
	}
	slices.Sort(names)
	return names, cobra.ShellCompDirectiveNoFileComp
}

// whose are the flags that say whose sessions are meant, and how the API calls each.
func whose(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringP("user", "", "", "Of the person with that number")
	flags.StringP("email", "", "", "Of the person with that address")
	flags.StringP("login", "", "", "That began through that login")
	flags.BoolP("all", "", false, "Of everybody")
	cmd.MarkFlagsMutuallyExclusive(whoseFlags...) // for what completes them
	args := cmd.Args
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		if err := oneOf(cmd); err != nil || args == nil {
			return err
		}
		return args(cmd, given)
	}
	for _, flag := range []string{"user", "email", "login"} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
	}
}

// whoseFlags are those of whose.
var whoseFlags = []string{"user", "email", "login", "all"}

// oneOf refuses two of them, before Cobra does in words of its own.
func oneOf(cmd *cobra.Command) error {
	given := ""
	for _, flag := range whoseFlags {
		switch {
		case !cmd.Flags().Changed(flag):
		case given != "":
			return errors.New("--" + given + " and --" + flag + " are both given: say whose sessions by one of --user, --email, --login and --all")
		default:
			given = flag
		}
	}
	return nil
}

func listCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list --user <id>|--email <address>|--login <name>|--all [--json] [--address <interface>] [--config <path> [--adapter <name>]]",
		Short: "Lists sessions, the newest first",
		Long: `
Lists sessions, the newest first. With --json it is one document, however many
there are: {"sessions": [...]}.

--email, --login and --all have the gateway look at all sessions of its store.`,
		Args:              noArgs("list takes no arguments: say whose by --user, --email, --login or --all"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              asked(list),
	}
	whose(cmd)
	return cmd
}

func showCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "show <id> [--user <id>] [--json] [--address <interface>] [--config <path> [--adapter <name>]]",
		Short:             "Shows one session",
		Long:              "\nShows one session, by the id that apps have as X-Session-Id and the log as session.\nOne that begins with - stands behind --, as in show -- -2gTq9Pp1HPB3ALt.\n--user says whose it is, where that is known: the gateway need not look for it then.",
		Args:              oneID("show"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              asked(show),
	}
	cmd.Flags().StringP("user", "", "", "Of the person with that number")
	_ = cmd.RegisterFlagCompletionFunc("user", cobra.NoFileCompletions)
	return cmd
}

func revokeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke <id>|--user <id>|--email <address>|--login <name>|--all [--yes] [--json] [--address <interface>] [--config <path> [--adapter <name>]]",
		Short: "Ends sessions at once",
		Long: `
Ends one session, by its id, or all those of a person, of a login or of everybody:
whoever has one has to sign in again. What they have open ends with it. An id that
begins with - stands behind --, as in revoke -- -2gTq9Pp1HPB3ALt.

--all asks for a confirmation on the terminal, unless there is --yes.`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              asked(revoke),
	}
	whose(cmd)
	cmd.Flags().BoolP("yes", "y", false, "End everybody's sessions without asking")
	return cmd
}

func countCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "count [--json] [--address <interface>] [--config <path> [--adapter <name>]]",
		Short:             "Counts the sessions",
		Long:              "\nCounts the live sessions of the store. The gateway does so every few seconds at most.",
		Args:              noArgs("count takes no arguments"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              asked(count),
	}
}

func noArgs(why string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return errors.New(why)
		}
		return nil
	}
}

func oneID(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return errors.New("say which session by its id: caddy " + name + " " + command + " <id>" + hyphened(command) + "; list has the ids")
		}
		return nil
	}
}

// run is a command with what it was given.
type run struct {
	fl         caddycmd.Flags
	args       []string
	in         io.Reader
	isTerminal bool // what answers there is a person
	out, ask   io.Writer
	api        *api
}

// asked runs a command. What goes wrong is said once, on standard error, and not in
// the log's form: nobody reads this but the one who has typed it.
func asked(do func(*run) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		r := &run{
			fl: caddycmd.Flags{FlagSet: cmd.Flags()}, args: args, in: cmd.InOrStdin(), isTerminal: term.IsTerminal(int(os.Stdin.Fd())),
			out: cmd.OutOrStdout(), ask: cmd.ErrOrStderr(),
		}
		caddy.BufferedLog() // else Caddy tells the person that it reads the file that they have named
		address, err := caddycmd.DetermineAdminAPIAddress(r.fl.String("address"), nil, r.fl.String("config"), r.fl.String("adapter"))
		if err != nil {
			return terminal.Err(errors.New("the address of the admin endpoint cannot be read off the configuration: " + err.Error() + "; mend it, or name the endpoint by --address"))
		}
		if address, err = caddy.NewReplacer().ReplaceOrErr(address, true, true); err != nil {
			return terminal.Err(errors.New("the address of the admin endpoint has a placeholder that stands for nothing here: " + err.Error() + "; name the endpoint by --address"))
		}
		if address == "off" {
			return errors.New("the admin endpoint is off in that configuration: say where it is by admin in its global options, and reload")
		}
		if err := terminal.CheckAddress(address); err != nil {
			return err
		}
		r.api = &api{address}
		return terminal.Err(do(r))
	}
}

// filter is what the flags say whose sessions are meant: a parameter of the API.
func (r *run) filter() (name, value string) {
	for _, flag := range []string{"user", "email", "login"} {
		if r.fl.Changed(flag) {
			return flag, r.fl.String(flag)
		}
	}
	if r.fl.Bool("all") {
		return "all", "true"
	}
	return "", ""
}

// confirmed asks, and takes yes for an answer.
func (r *run) confirmed(question string) (bool, error) {
	if _, err := io.WriteString(r.ask, question+" [y/N] "); err != nil {
		return false, err
	}
	var answer strings.Builder
	for one := make([]byte, 1); answer.Len() < 16; {
		if n, err := r.in.Read(one); n == 0 || one[0] == '\n' || err != nil {
			break
		}
		answer.WriteByte(one[0])
	}
	said := strings.ToLower(strings.TrimSpace(answer.String()))
	return said == "y" || said == "yes", nil
}
