package storecommand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"example.com/sidegate/caddymodule/ownfile"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
)

// Kept is what a configuration says of where sessions are kept.
type Kept struct {
	// File is that of an embedded store.
	File string
	// Secrets are those in force, the present one first; none where one was to be made
	// and is not there.
	Secrets []string
	// Made says that it was made by a gateway, and lies in Caddy's storage.
	Made bool
	// Written is how the configuration names the secrets: placeholders, and nothing of
	// a secret itself.
	Written string

	nobodyAsked bool // whether a gateway has it
}

// Keeper is the app.
type Keeper interface {
	// Kept opens no store and makes no secret.
	Kept(ctx context.Context) (Kept, error)
}

// configuration is what is read of one.
type configuration struct {
	Admin struct {
		Disabled bool   `json:"disabled"`
		Listen   string `json:"listen"`
	} `json:"admin"`
	Storage json.RawMessage            `json:"storage"`
	Apps    map[string]json.RawMessage `json:"apps"`
}

// configuration reads that of --config, or the Caddyfile of the working folder, once:
// it may come from standard input. Without either it is empty.
func (o *options) configuration() (*configuration, error) {
	if o.read != nil {
		return o.read, nil
	}
	c := new(configuration)
	text, _, _, err := caddycmd.LoadConfig(o.config, o.adapter)
	if err == nil && len(text) == 0 && o.config == "" {
		o.read = c
		return c, nil
	}
	known, err := ownfile.Unread(o.config, text, err)
	if known {
		return nil, err
	}
	if err == nil {
		err = json.Unmarshal(text, c)
	}
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w; mend it, or name the one that the gateway runs by --config", err)
	}
	o.read = c
	return c, nil
}

// kept reads the configuration, and provisions the app of it alone.
func (o *options) kept(ctx context.Context) (k Kept, err error) {
	c, err := o.configuration()
	if err != nil {
		return k, err
	}
	if c.Apps["sidegate"] == nil {
		return k, errors.New("there is no configuration with sidegate options, which say where the file and its secret are: name that of the gateway by --config")
	}
	provisioned, err := caddy.ProvisionContext(&caddy.Config{
		Admin: &caddy.AdminConfig{Disabled: true}, StorageRaw: c.Storage, AppsRaw: caddy.ModuleMap{"sidegate": c.Apps["sidegate"]},
		Logging: toNobody(),
	})
	if err != nil {
		return k, fmt.Errorf("the configuration does not hold: %w; run this as the gateway is run, with its variables and as its user", err)
	}
	app, err := provisioned.AppIfConfigured("sidegate")
	if err != nil {
		return k, err
	}
	keeper, ok := app.(Keeper)
	if !ok {
		return k, errors.New("this build has another app of the name sidegate: build it anew with one version of Sidegate")
	}
	k, err = keeper.Kept(ctx)
	k.nobodyAsked = o.asksNobody()
	return k, err
}

// byOurselves is kept for the file of a gateway that does not run.
func (o *options) byOurselves(ctx context.Context) (k Kept, err error) {
	k, err = o.kept(ctx)
	switch {
	case err != nil && o.asksNobody():
		return k, fmt.Errorf("the file itself cannot be opened, and no gateway was asked, as its admin endpoint is off: %w", err)
	case err != nil:
		return k, fmt.Errorf("no gateway answers (--address names its admin endpoint), and the file itself cannot be opened: %w", err)
	}
	return k, nil
}

// quiet has nothing that Caddy logs go to the terminal.
func quiet() error {
	caddy.BufferedLog() // else Caddy tells where the log has gone
	return caddy.Validate(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}, Logging: toNobody()})
}

func toNobody() *caddy.Logging {
	return &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{WriterRaw: json.RawMessage(`{"output":"discard"}`)}}}}
}

// open opens the file, which must be there: none is made.
func (k Kept) open() (*embedded.DB, error) {
	if _, err := os.Stat(k.File); err != nil {
		return nil, noFile(err)
	}
	db, err := embedded.Open(k.File)
	return db, k.unopened(err)
}

// check is a check of the file, which nobody has open.
func (k Kept) check(ctx context.Context) (sessionstore.FileReport, error) {
	_, err := os.Stat(k.File)
	if err != nil {
		err = noFile(err)
	} else {
		err = k.hasSecret()
	}
	if err != nil {
		return sessionstore.FileReport{}, err
	}
	return checkFile(ctx, k.File, k.Secrets, k.unopened)
}

// hasSecret is an error where no secret is known.
func (k Kept) hasSecret() error {
	if len(k.Secrets) > 0 {
		return nil
	}
	return errors.New("the secret that the gateway has made at its first start is not in Caddy's storage: run this as the user of the gateway, with its HOME; " +
		"if it is lost, restore that of a backup before the gateway starts, which would make another one")
}

func noFile(err error) error {
	return fmt.Errorf("there is no file of sessions: %w; name the configuration of the gateway by --config, and run this as its user, with its HOME", err)
}

// unopened says what to do about a file that cannot be opened, such as one that a
// gateway has, of which none has answered.
func (k Kept) unopened(err error) error {
	switch {
	case errors.Is(err, embedded.ErrInUse) && k.nobodyAsked:
		return fmt.Errorf("another process has %s open, a gateway most likely, and no gateway was asked, as its admin endpoint is off: name that by --address, "+
			"or its configuration by --config; where it has none, stop it first", k.File)
	case errors.Is(err, embedded.ErrInUse):
		return fmt.Errorf("another process has %s open, a gateway most likely, and it is not the one that was asked: name its admin endpoint by --address, "+
			"or its configuration by --config; where its admin endpoint is off, stop it first", k.File)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; run this as the user of the gateway", err)
	}
	if failed, ok := errors.AsType[*fs.PathError](err); ok && failed.Op == "write" {
		return fmt.Errorf("%w; see that there is room on the disk", err)
	}
	return err
}

// beside says what to do when something cannot be written beside the file.
func beside(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; the file is as it was: see that there is room beside it for another one, and that who runs this may write there", err)
}

// checkFile is a check of a file with secrets.
func checkFile(ctx context.Context, file string, secrets []string, unopened func(error) error) (report sessionstore.FileReport, err error) {
	ring, err := token.NewRing(token.Config{Secrets: secrets})
	if err != nil {
		return report, err
	}
	sealer, err := sessionstore.NewSealer(ring.SealingKeys()...)
	if err != nil {
		return report, err
	}
	report, err = embedded.CheckFile(ctx, file, sealer, time.Now())
	return report, unopened(err)
}
