package explain

import (
	"errors"
	flags "flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"example.com/sidegate/caddymodule/check"
)

func init() {
	o := new(options)
	caddycmd.RegisterCommand(caddycmd.Command{
		Name: "sidegate-explain",
		Usage: "<method> <address> [--as <name> | --input <file>] [--account <id>] [--header '<Name>: <value>']... [--from <ip>]\n" +
			"\t[--config <file>] [--adapter <name>] [--json]",
		Short: "Says what becomes of a request, and which rule decides",
		Long: `
Loads a configuration without starting it, sends one request through it, and
prints which handlers it comes to, which rule lets it pass or refuses it, with
file and line, the answer, and the headers that the app gets.

The address is a path where there is one site, else a whole one:

    caddy sidegate-explain GET /orders/7 --as ada@example.com
    caddy sidegate-explain GET https://app.example.com/orders/7 --input session.json

It is of a person of a users file (--as), of whoever has a session that is given
as GET /auth/session answers it (--input), or else of nobody. The session may
have username, name and attributes beside that, for headers. A page that a
browser opens has --header 'Accept: text/html'.

What a policy answers another proxy is explained by the question of that proxy:
it comes from one of trusted_proxies, and has the method and the address of the
request that it asks about.

    caddy sidegate-explain GET https://app.example.com/auth/verify/reports --as ada@example.com --from 127.0.0.1 --header 'X-Original-Method: GET' --header 'X-Original-URL: https://app.example.com/reports/7'

It opens no store, asks no network and writes no file. What it leaves out for
that, such as directories, it says; the app's answer is taken for 200.

The exit status is 0 for a request that passes, 3 for one that is refused or
fails, and 1 where the question or the configuration is wrong.`,
		Flags: o.flags(),
		Func: func(fl caddycmd.Flags) (int, error) {
			o.args = fl.Args()
			return o.run(os.Stdin, os.Stdout, os.Stderr)
		},
	})
}

// options are what the command is asked.
type options struct {
	args                                []string
	config, adapter, as, input, account string
	from                                string
	headers                             texts
	json                                bool
}

// texts is a flag that may be repeated.
type texts []string

// String is what the flag is by default.
func (t *texts) String() string { return strings.Join(*t, ", ") }

// Set adds one.
func (t *texts) Set(text string) error {
	*t = append(*t, text)
	return nil
}

func (o *options) flags() *flags.FlagSet {
	fs := flags.NewFlagSet("sidegate-explain", flags.ExitOnError)
	fs.StringVar(&o.config, "config", "Caddyfile", "Configuration file")
	fs.StringVar(&o.adapter, "adapter", "", "Name of config adapter to apply")
	fs.StringVar(&o.as, "as", "", "Sign-in name of a person of a users file")
	fs.StringVar(&o.input, "input", "", "JSON file with a session as GET /auth/session answers it, or - for standard input")
	fs.StringVar(&o.account, "account", "", "Account that the person acts for")
	fs.Var(&o.headers, "header", "Header of the request, 'Name: value'; may be repeated")
	fs.StringVar(&o.from, "from", "192.0.2.1", "IP address that the request comes from")
	fs.BoolVar(&o.json, "json", false, "Print JSON")
	return fs
}

// exitRefused is the status for a request that is refused. 2 is what Go ends with
// where it panics.
const exitRefused = 3

var errRefused = errors.New("the request is refused")

func (o *options) run(stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	report, err := o.explain(stdin)
	if err == nil {
		err = report.write(stdout, o.json)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "error:", check.Said(err))
		return caddy.ExitCodeFailedStartup, err
	}
	if !report.Passes {
		return exitRefused, errRefused
	}
	return caddy.ExitCodeSuccess, nil
}

func (o *options) explain(stdin io.Reader) (*Report, error) {
	register()
	if err := quiet(); err != nil {
		return nil, err
	}
	q, err := o.question(stdin)
	if err != nil {
		return nil, err
	}
	l, err := load(o.config, o.adapter)
	if err != nil {
		return nil, err
	}
	return l.ask(q)
}

// question reads what is asked.
func (o *options) question(stdin io.Reader) (*question, error) {
	if len(o.args) != 2 {
		return nil, errors.New("say the method and the address of the request: caddy sidegate-explain GET /orders/7 --as ada@example.com")
	}
	if o.as != "" && o.input != "" {
		return nil, errors.New("--as and --input are two people: say one of them")
	}
	if o.account != "" && o.as == "" && o.input == "" {
		return nil, errors.New("--account is for a person: say who by --as or --input")
	}
	q := &question{method: o.args[0], address: o.args[1], as: o.as, account: o.account}
	var err error
	if q.from, err = readFrom(o.from); err != nil {
		return nil, err
	}
	if q.headers, err = readHeaders(o.headers); err != nil {
		return nil, err
	}
	if o.input != "" {
		q.session, err = readSession(o.input, stdin)
	}
	return q, err
}
