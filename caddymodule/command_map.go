package caddymodule

import (
	"cmp"
	"encoding/json"
	"errors"
	flags "flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/ownfile"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
	"example.com/sidegate/caddymodule/refusal"
	_ "example.com/sidegate/caddymodule/upgrading" // refuses what replaces the binary
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "sidegate-map",
		Usage: "--login <name> --input <file> [--config <file>] [--adapter <name>] [--username <name>]",
		Short: "Shows what session a login's answer would become",
		Long: `
Maps a sample of what a login's source says, and of what the directories say,
to a session, as a sign-in would. It asks nobody and opens no store.

The sample is JSON: the claims of an OIDC login, or the object
{"status": 200, "body": {...}} of a login app. To give the claims of the access
token or the directories' answers too, name each part:
{"token": {...}, "access_token": {...}, "directory": {"crm": {...}}}.

The session goes to standard output; each expression with its result, what is
wrong with it, and the username and name that headers can tell, to standard
error.`,
		Flags: mapFlags(),
		Func:  runMap,
	})
}

func mapFlags() *flags.FlagSet {
	fs := flags.NewFlagSet("sidegate-map", flags.ExitOnError)
	fs.String("config", "Caddyfile", "Configuration file")
	fs.String("adapter", "", "Name of config adapter to apply")
	fs.String("login", "", "Name of the login (required)")
	fs.String("input", "", "JSON file with the sample, or - for standard input (required)")
	fs.String("username", "", "Name that was typed, for a login app")
	fs.String("email", "", "The same, where it is an email address")
	return fs
}

func runMap(fl caddycmd.Flags) (int, error) {
	if fl.NArg() > 0 {
		return caddy.ExitCodeFailedStartup, errors.New("sidegate-map takes flags alone: name the configuration by --config, the sample by --input")
	}
	err := dryRun{
		config:  fl.String("config"),
		adapter: fl.String("adapter"),
		login:   fl.String("login"),
		input:   fl.String("input"),
		typed:   cmp.Or(fl.String("username"), fl.String("email")),
	}.run(os.Stdin, os.Stdout, os.Stderr)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	return caddy.ExitCodeSuccess, nil
}

// dryRun maps a sample as a sign-in would.
type dryRun struct {
	config, adapter, login, input, typed string
}

// maxSample bounds the sample, in bytes.
const maxSample = 1 << 20

func (d dryRun) run(stdin io.Reader, stdout, stderr io.Writer) error {
	if d.login == "" || d.input == "" {
		return errors.New("name the login and the sample: caddy sidegate-map --login keycloak --input sample.json")
	}
	app, err := d.app()
	if err != nil {
		return err
	}
	mapOf, sources, err := app.mapOf(d.login)
	if err != nil {
		return err
	}
	facts, err := d.sample(stdin, sources)
	if err != nil {
		return err
	}
	person, err := personOf(facts, d.typed)
	if err != nil {
		return err
	}
	steps := stepWriter{stderr}
	if err := steps.trace(mapOf, person, facts, sources...); err != nil {
		return err
	}
	for _, dir := range app.DirectoriesRaw {
		if err := steps.traceDirectory(dir, person, facts); err != nil {
			return err
		}
	}
	if err := app.printSession(stdout, person); err != nil {
		return err
	}
	return steps.told(person)
}

// app reads the configuration and provisions nothing: neither secrets nor a
// network are needed for a dry run.
func (d dryRun) app() (*App, error) {
	config, _, _, err := caddycmd.LoadConfig(d.config, d.adapter)
	if _, err = ownfile.Unread(d.config, config, err); err != nil {
		return nil, err
	}
	var whole struct {
		Apps struct {
			Sidegate *App `json:"sidegate"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(config, &whole); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if whole.Apps.Sidegate == nil {
		return nil, fmt.Errorf("%s has no sidegate options", d.config)
	}
	return whole.Apps.Sidegate, nil
}

// mapOf finds a login's mapping, and the variables that its source speaks in.
func (a *App) mapOf(name string) (m MapConfig, sources []string, err error) {
	var names []string
	for _, raw := range a.LoginsRaw {
		var of struct {
			Method string `json:"method"`
			Name   string `json:"name"`
			MapConfig
		}
		if err := json.Unmarshal(raw, &of); err != nil {
			return m, nil, err
		}
		sources := map[string][]string{"oidc": oidcVariables, "app": {"login"}, "adopt": {"login"}}[of.Method]
		if sources == nil {
			continue
		}
		if of.Name == name {
			return of.MapConfig, sources, nil
		}
		names = append(names, of.Name)
	}
	return m, nil, fmt.Errorf("there is no login oidc, app or adopt of the name %q: there are %s", name, strings.Join(names, ", "))
}

// sample reads what the sources are supposed to say: all parts by name, or the
// first of them alone.
func (d dryRun) sample(stdin io.Reader, sources []string) (profile.Facts, error) {
	in := stdin
	if d.input != "-" {
		file, err := os.Open(d.input)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSample+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSample {
		return nil, fmt.Errorf("%s is larger than %d bytes", d.input, maxSample)
	}
	fact, err := profile.DecodeFact(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.input, err)
	}
	said, ok := fact.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s holds no JSON object", d.input)
	}
	for _, part := range slices.Concat(sources, directoryVariables) {
		if _, ok := said[part].(map[string]any); ok {
			return said, nil
		}
	}
	return profile.Facts{sources[0]: said}, nil
}

// personOf is who the mapping begins with, as at a sign-in.
func personOf(facts profile.Facts, typed string) (*profile.Person, error) {
	token, _ := facts["token"].(map[string]any)
	claim := func(name string) string { text, _ := token[name].(string); return text }
	p := &profile.Person{
		Email: claim("email"), Name: claim("name"), Subject: claim("sub"), Issuer: claim("iss"), SourceSession: claim("sid"),
		Kept: &profile.Kept{Facts: facts},
	}
	if typed == "" {
		return p, nil
	}
	name, err := login.ReadName(typed)
	if err != nil {
		return nil, fmt.Errorf("--username: %w", err)
	}
	p.Email, p.Subject = "", name
	if login.IsAddress(name) {
		p.Email = name
	} else {
		p.Username = name
	}
	if said, ok := facts["login"].(map[string]any); ok {
		said["username"] = name
	}
	return p, nil
}

// stepWriter prints expressions with their results.
type stepWriter struct{ io.Writer }

func (w stepWriter) trace(m MapConfig, person *profile.Person, facts profile.Facts, variables ...string) error {
	compiled, err := m.compile(variables...)
	if err != nil {
		return err
	}
	steps, err := compiled.Trace(person, facts)
	for _, s := range steps {
		expr := strings.Join(strings.Fields(s.Expr), " ")
		if _, err := fmt.Fprintf(w, "%s  %s\n    = %s\n", s.Field, expr, resultOfStep(s)); err != nil {
			return err
		}
	}
	if refused, ok := errors.AsType[*profile.Refused](err); ok {
		return fmt.Errorf("the person is refused: %w; they read: %s", err, refusal.Rule.Saying(refused.Message).Message)
	}
	return err
}

func (w stepWriter) traceDirectory(raw json.RawMessage, person *profile.Person, facts profile.Facts) error {
	var dir struct {
		Name string `json:"name"`
		MapConfig
	}
	if err := json.Unmarshal(raw, &dir); err != nil {
		return err
	}
	answers, _ := facts["directory"].(map[string]any)
	if _, ok := answers[dir.Name]; !ok {
		_, err := fmt.Fprintf(w, "\ndirectory %s is left out: the sample does not say what it answers\n", dir.Name)
		return err
	}
	if _, err := fmt.Fprintf(w, "\ndirectory %s\n", dir.Name); err != nil {
		return err
	}
	return w.trace(dir.MapConfig, person, facts, directoryVariables...)
}

func resultOfStep(s mapping.Step) string {
	if s.Err != nil {
		return "error: " + s.Err.Error()
	}
	if s.Result == nil {
		return "left as it was"
	}
	var text strings.Builder
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	if err := out.Encode(s.Result); err != nil {
		return fmt.Sprint(s.Result)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// told prints what headers can tell beside the session.
func (w stepWriter) told(person *profile.Person) error {
	for _, f := range [][2]string{{"username", person.Username}, {"name", person.Name}} {
		if f[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s, for headers\n    = %s\n", f[0], resultOfStep(mapping.Step{Result: f[1]})); err != nil {
			return err
		}
	}
	return nil
}

// printSession prints the session that would be made. A number that the store
// would hand out is shown as the first one.
func (a *App) printSession(stdout io.Writer, person *profile.Person) error {
	if err := a.RoleOptions.provision(caddy.Context{}, a); err != nil {
		return err
	}
	if person.ID == 0 {
		person.ID = lifecycle.FirstNumber + 1
	}
	user, err := a.roles.Build(*person)
	if err != nil {
		return err
	}
	out := json.NewEncoder(stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(user)
}
