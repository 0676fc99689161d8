package caddymodule

import (
	"context"
	"errors"
	flags "flag"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/users"
	"example.com/sidegate/caddymodule/ownfile"
)

func init() {
	caddy.RegisterModule(UsersLogin{})
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "sidegate-import-users",
		Usage: "htpasswd|authelia <file> [--domain <domain>] [--first-id <n>]",
		Short: "Makes a users file of one of htpasswd or Authelia",
		Long: `
Prints a users file made of an htpasswd file, or of the users database of
Authelia's file backend. Hashes by bcrypt and argon2id are taken as they are:
people keep their passwords.

Whose hash is another is written with password: none: they cannot sign in, and
stay signed in by login adopt ... as users until their session ends.

What could not be taken goes to standard error, each with its line in that file
and what to do, and then the exit status is 1. The users file is whole all the
same: everybody else is in it.

To add people to a users file that there is, begin behind its largest id, and
put all but the first line at its end, indented as its list is:

    caddy sidegate-import-users htpasswd <file> --first-id 100 | tail -n +2 >> users.yaml

A gateway that finds a name, address or id twice in it names both lines, and
keeps the people it had.`,
		Flags: importFlags(),
		Func:  runImport,
	})
}

func importFlags() *flags.FlagSet {
	fs := flags.NewFlagSet("sidegate-import-users", flags.ExitOnError)
	fs.String("domain", "users.invalid", "Domain of the addresses that are made for people without one")
	fs.Int("first-id", 1, "The first one's id; the others count on")
	return fs
}

func runImport(fl caddycmd.Flags) (int, error) {
	if fl.NArg() != 2 {
		return caddy.ExitCodeFailedStartup, errors.New("say which kind of file it is, and where: caddy sidegate-import-users htpasswd <file>")
	}
	data, err := os.ReadFile(fl.Arg(1))
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	file, told, err := users.Import(fl.Arg(0), data, users.ImportOptions{Domain: fl.String("domain"), FirstID: int64(fl.Int("first-id"))})
	for _, text := range told {
		fmt.Fprintln(os.Stderr, text)
	}
	if err == nil {
		_, err = os.Stdout.Write(file)
	}
	if err == nil && len(told) > 0 {
		err = notAll(len(told))
	}
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	return caddy.ExitCodeSuccess, nil
}

func notAll(told int) error {
	if told == 1 {
		return errors.New("not all could be taken as they are: see the line above")
	}
	return fmt.Errorf("not all could be taken as they are: see the %d lines above", told)
}

// usersEvery is how often the users file is looked at for changes.
const usersEvery = time.Second

// UsersLogin signs in the people of a YAML file. The file is read again when
// it changes: new people can sign in, changed roles show, and who was removed,
// disabled, or given another password or address is signed out; everybody else
// stays signed in. A file with a mistake in it changes nothing, and the log names
// the line.
type UsersLogin struct {
	// File is the path of the users file. Required.
	File string `json:"file,omitempty"`

	// Label is what the login page calls the name that people type. Default: by what
	// the logins take.
	Label string `json:"label,omitempty"`

	EmailConfig

	*users.Method `json:"-"`

	file    *users.File
	known   *knownPeople
	release func() error
	logger  *zap.Logger
}

// knownPeople are the people of a users file as the gateway last acted on it.
// They outlive a reload: whoever is removed from the file and reloads the
// configuration at once means both.
type knownPeople struct{ atomic.Pointer[users.People] }

// Destruct forgets them with the last configuration that had the file.
func (*knownPeople) Destruct() error { return nil }

// CaddyModule returns the Caddy module information.
func (UsersLogin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "sidegate.logins.users",
		New: func() caddy.Module { return new(UsersLogin) },
	}
}

// Provision reads the file; one that is missing or has a mistake is an error.
func (u *UsersLogin) Provision(ctx caddy.Context) error {
	u.logger = ctx.Logger()
	if u.File == "" {
		return errors.New("login users: name the file, such as `login users users.yaml`")
	}
	named, err := fileOf(u.File)
	if err != nil {
		return fmt.Errorf("login users: %w", err)
	}
	if u.file, err = users.OpenFile(named.Path, roleCheck(ctx)); err != nil {
		return unopened(named, err)
	}
	u.Method = users.New("users", u.file, nil)
	u.warnOfMixture()
	if ownfile.IsOpenToAll(named.Path) {
		u.logger.Warn("anybody on this machine may write the users file, and so add people and change passwords",
			zap.String("file", named.String()), zap.String("remedy", "chmod o-w on it"))
	}
	u.known, u.release, err = pooled("sidegate.logins.users:"+named.Path, func() (*knownPeople, error) {
		return new(knownPeople), nil
	})
	return err
}

// unopened tells why there are no people, and how the file is made where it is not
// there.
func unopened(named ownfile.Named, err error) error {
	told := fmt.Errorf("login users: %w", directive.LookedIn(named.Err(err)))
	if !errors.Is(err, fs.ErrNotExist) || named.IsHidden() {
		return told
	}
	if ownfile.IsGivenFromOutside(named.Path) {
		return fmt.Errorf("%w; %s", told, users.Content)
	}
	return fmt.Errorf("%w: make it with: %s", told, users.CommandFor(named.Path))
}

// Cleanup gives back what Provision took.
func (u *UsersLogin) Cleanup() error {
	if u.release == nil {
		return nil
	}
	return u.release()
}

// warnOfMixture: the time that a sign-in takes tells one kind of hash from
// another, and so tells who is in the file.
func (u *UsersLogin) warnOfMixture() {
	if mixed := u.file.People().MixedHashes(); len(mixed) > 1 {
		u.logger.Warn("the users file mixes password hashes of different cost: the time of a sign-in tells "+
			"who has which; hash all passwords alike", zap.String("hashes", strings.Join(mixed, ", ")))
	}
}

// watch acts on changes of the file until the context is done, and first on
// what has changed since the configuration before. Who is marked as disabled
// then may have been signed in by an earlier process, so they are signed out.
func (u *UsersLogin) watch(ctx context.Context, sessions *lifecycle.Sessions) {
	people := u.file.People()
	for entry := range people.All() {
		if entry.Disabled {
			sessions.EndPerson(u.Name(), entry.Person().ID, nil)
		}
	}
	if before := u.known.Swap(people); before != nil {
		u.act(sessions, before, users.Diff(before, people))
	}
	u.file.Watch(ctx, usersEvery, func(change users.Change, err error) {
		if err != nil {
			u.logger.Error("the users file has a mistake; the people it had before stay", zap.Error(err))
			return
		}
		if change.Mended {
			u.logger.Info("the users file is good again, and what it says is in use", zap.Int("people", u.file.People().Len()))
		}
		before := u.known.Swap(u.file.People())
		u.warnOfMixture()
		u.act(sessions, before, change)
	})
}

// act ends and rebuilds the sessions of the people who changed since before.
func (u *UsersLogin) act(sessions *lifecycle.Sessions, before *users.People, change users.Change) {
	if !change.Any() {
		return
	}
	u.logger.Info("the users file has changed", zap.Int("people", u.file.People().Len()),
		zap.Int("added", len(change.Added)), zap.Int("removed", len(change.Removed)), zap.Int("disabled", len(change.Disabled)),
		zap.Int("new_password", len(change.NewPassword)), zap.Int("changed", len(change.Changed)))
	for _, id := range change.Disabled {
		sessions.EndPerson(u.Name(), id, nil)
	}
	for _, id := range slices.Concat(change.Removed, change.NewPassword) {
		if was, known := before.ByID(id); known {
			sessions.EndPerson(u.Name(), id, was.Person())
		}
	}
	for _, id := range change.Changed {
		sessions.RebuildPerson(u.Name(), id)
	}
}

// UnmarshalCaddyfile reads the login. Syntax:
//
//	login users <file> {
//		label <text>
//		email_domains <domain>...
//	}
func (u *UsersLogin) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the method's name
	if !d.Args(&u.File) {
		return directive.Err(d, "login users needs its file: login users users.yaml")
	}
	var err error
	if u.File, err = directive.FileName(d, u.File); err != nil {
		return err
	}
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	return directive.Block(d, "login users", map[string]directive.Option{"label": directive.Text(&u.Label), "email_domains": directive.Texts(&u.EmailDomains)})
}

// Interface guards
var (
	_ LoginModule           = (*UsersLogin)(nil)
	_ watcher               = (*UsersLogin)(nil)
	_ caddy.Provisioner     = (*UsersLogin)(nil)
	_ caddy.CleanerUpper    = (*UsersLogin)(nil)
	_ caddyfile.Unmarshaler = (*UsersLogin)(nil)

	_ login.PasswordMethod = (*UsersLogin)(nil)
	_ login.Rebuilder      = (*UsersLogin)(nil)
	_ login.Recaller       = (*UsersLogin)(nil)
	_ login.Voucher        = (*UsersLogin)(nil)
	_ login.Named          = (*UsersLogin)(nil)
)
