package caddymodule

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/profile/directory"
)

// DirectoryOptions say who else is asked about a person, and how often.
type DirectoryOptions struct {
	// DirectoriesRaw are asked about each person who signs in, all at once;
	// what they say is put into the session in this order.
	DirectoriesRaw []json.RawMessage `json:"directories,omitempty" caddy:"namespace=sidegate.directories inline_key=source"`

	// RefreshEvery builds a session anew when it is used and that long has
	// passed: the directories are asked again, and, with a refresh token, the
	// provider. Default: 0, only POST /auth/refresh does.
	RefreshEvery caddy.Duration `json:"refresh_every,omitempty"`

	directories          []*directory.Directory
	tellNames, tellRoles bool  // usernames, roles
	asked                []any // the rules of each
	addresses            []askedAt
}

// askedAt is an address that somebody is asked at, for whom.
type askedAt struct {
	who, address string
	at           directive.Position
}

// DirectoryModule is a guest of sidegate.directories: it is asked about each
// person who signs in.
type DirectoryModule interface {
	caddy.Module
	// Directory is what is asked.
	Directory() *directory.Directory
}

func (o *DirectoryOptions) words() map[string]directive.Option {
	return map[string]directive.Option{
		"directory":     o.parseDirectory,
		"refresh_every": directive.Checked(directive.DurationOrNone(&o.RefreshEvery), o.checkRefreshEvery),
	}
}

func (o *DirectoryOptions) provision(ctx caddy.Context, a *App) error {
	if err := o.checkRefreshEvery(); err != nil {
		return err
	}
	mods, err := directive.LoadGuests(ctx, "sidegate.directories", "source", "directory", o.DirectoriesRaw)
	if err != nil {
		return err
	}
	var names []string
	for i, mod := range mods {
		d := mod.(DirectoryModule).Directory()
		names, o.directories = append(names, d.Name()), append(o.directories, d)
		if h, ok := mod.(*HTTPDirectory); ok {
			o.addresses = append(o.addresses, askedAt{"directory " + d.Name(), h.asked, directive.Recall(o.DirectoriesRaw[i])})
			if err := a.refuseTypedIdentity(h); err != nil {
				return err
			}
		}
		if m, ok := mod.(mapper); ok {
			o.tellNames, o.tellRoles = o.tellNames || m.fills("username"), o.tellRoles || m.fills("roles")
		}
		if r, ok := mod.(ruled); ok {
			o.asked = append(o.asked, r.rules())
		}
	}
	o.DirectoriesRaw = nil
	return checkDirectoryNames(names)
}

func (o *DirectoryOptions) parseDirectory(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return directive.Err(d, "directory needs a source, such as `directory http crm http://users.internal/by-email?e={identity.email}`")
	}
	at := directive.Here(d)
	raw, err := directive.Guest(d, "sidegate.directories", "source", d.Val())
	if err != nil {
		return err
	}
	o.DirectoriesRaw = append(o.DirectoriesRaw, raw)
	var names []string
	for _, written := range o.DirectoriesRaw {
		names = append(names, writtenName(written))
	}
	return at.Wrap(checkDirectoryNames(names))
}

func (o *DirectoryOptions) checkRefreshEvery() error {
	if every := time.Duration(o.RefreshEvery); every != 0 && every < lifecycle.MinRefreshEvery {
		return fmt.Errorf("refresh_every %s: %s at least, for each refresh asks every source", every, lifecycle.MinRefreshEvery)
	}
	return nil
}

func checkDirectoryNames(names []string) error {
	if name, twice := twiceNamed(names); twice {
		return fmt.Errorf("two directories are named %q: give each a name of its own", name)
	}
	return nil
}
