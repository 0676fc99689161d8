package caddymodule

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/profile/directory"
)

func init() {
	caddy.RegisterModule(new(HTTPDirectory))
}

// HTTPDirectory asks an HTTP API about each person who signs in.
type HTTPDirectory struct {
	// Name is what expressions know its answer by: directory.<name>. Required.
	Name string `json:"name,omitempty"`
	// URL is asked by GET; {identity.email}, {identity.id}, {identity.subject}
	// and {identity.name} in its path or query are the person's, encoded;
	// {env.*} and {file.*} are resolved. Required.
	URL string `json:"url,omitempty"`
	// Header are sent along. Placeholders {env.*} and {file.*} are resolved.
	Header []HeaderConfig `json:"header,omitempty"`
	// BasicAuth are a user and a password. Placeholders are resolved.
	BasicAuth *BasicAuthConfig `json:"basic_auth,omitempty"`
	// Timeout bounds the whole of asking, retries included. Default: 2s.
	Timeout caddy.Duration `json:"timeout,omitempty"`
	// Retries follow an attempt that failed. Default: 2.
	Retries *int `json:"retries,omitempty"`
	// Optional lets people sign in without it: when it does not know them, or
	// cannot be asked.
	Optional bool `json:"optional,omitempty"`
	// CA is a PEM file with the authorities that vouch for it. Default: those
	// of the system.
	CA string `json:"ca,omitempty"`

	MapConfig

	directory *directory.Directory
	asked     string // its place, resolved
	required  bool   // written out, which says no more than the default does
}

// BasicAuthConfig are credentials of RFC 7617.
type BasicAuthConfig struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

// CaddyModule returns the Caddy module information.
func (*HTTPDirectory) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "sidegate.directories.http",
		New: func() caddy.Module { return new(HTTPDirectory) },
	}
}

// Directory implements DirectoryModule.
func (h *HTTPDirectory) Directory() *directory.Directory { return h.directory }

// Provision checks the configuration. It touches no network.
func (h *HTTPDirectory) Provision(ctx caddy.Context) error {
	return h.makeReady(ctx.Logger())
}

func (h *HTTPDirectory) makeReady(logger *zap.Logger) error {
	if err := checkName("directory http", h.Name); err != nil {
		return err
	}
	config, err := h.config(logger)
	if err != nil {
		return fmt.Errorf("directory %s: %w", h.Name, err)
	}
	h.directory, err = directory.New(config)
	return err
}

func (h *HTTPDirectory) config(logger *zap.Logger) (c directory.Config, err error) {
	if h.URL == "" {
		return c, errors.New("give its address: directory http crm http://users.internal/by-email?e={identity.email}")
	}
	if h.Timeout < 0 {
		return c, errors.New("timeout must not be negative")
	}
	if err := tooShort("timeout", h.Timeout, leastTimeout); err != nil {
		return c, err
	}
	address, err := resolveReferences(h.URL)
	if err != nil {
		return c, fmt.Errorf("address: %w", err)
	}
	h.asked = placeOf(address)
	c = directory.Config{
		Name:     h.Name,
		URL:      address,
		Timeout:  time.Duration(h.Timeout),
		Optional: h.Optional,
		Now:      time.Now,
		Report: func(name string, err error) {
			logger.Warn("an optional directory gave no answer; the sign-in goes on without it",
				zap.String("directory", name), zap.Error(err))
		},
	}
	if h.Retries != nil {
		if c.Retries = *h.Retries; c.Retries == 0 {
			c.Retries = -1 // none
		}
	}
	if c.Headers, err = resolveHeaders(h.Header); err != nil {
		return c, err
	}
	if b := h.BasicAuth; b != nil {
		if c.BasicUser, err = resolve(b.User); err != nil {
			return c, fmt.Errorf("basic_auth: %w", err)
		}
		if c.BasicPassword, err = resolve(b.Password); err != nil {
			return c, fmt.Errorf("basic_auth: %w", err)
		}
	}
	if c.RootCAs, err = readAuthorities(h.CA); err != nil {
		return c, err
	}
	c.Mapping, err = h.compile(directoryVariables...)
	return c, err
}

// directoryVariables are those that a directory's expressions may speak of:
// what the login's source said is there too, of the login that was used.
var directoryVariables = []string{"token", "login", "directory"}

// Cleanup gives idle connections back.
func (h *HTTPDirectory) Cleanup() error {
	if h.directory != nil {
		h.directory.Close()
	}
	return nil
}

// UnmarshalCaddyfile reads the directory. Syntax:
//
//	directory http <name> <url> {
//		header <name> <value>
//		basic_auth <user> <password>
//		timeout <duration>
//		retries <count>
//		required|optional
//		ca <pem file>
//		map {
//			<field> <expression>
//		}
//		require <expression> [<message>]
//	}
//
// header and require may be repeated.
func (h *HTTPDirectory) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the source
	at := directive.Here(d)
	if !d.Args(&h.Name, &h.URL) {
		return directive.Err(d, "directory http needs a name and an address: directory http crm http://users.internal/by-email?e={identity.email}")
	}
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	err := directive.Block(d, "directory http", map[string]directive.Option{
		"header":     parseHeader(&h.Header),
		"basic_auth": h.parseBasicAuth,
		"timeout":    directive.Duration(&h.Timeout),
		"retries":    h.parseRetries,
		"required":   directive.Flag(&h.required),
		"optional":   directive.Flag(&h.Optional),
		"ca":         directive.File(&h.CA),
		"map":        h.parseMap(directoryVariables...),
		"require":    h.parseRequire(directoryVariables...),
	})
	if err == nil && h.required && h.Optional {
		err = directive.Err(d, "required and optional exclude one another: leave one of them out")
	}
	if err != nil {
		return err
	}
	return at.Wrap(h.checkWritten())
}

// checkWritten checks what stands in the block, but for what is told by
// placeholders and files.
func (h *HTTPDirectory) checkWritten() error {
	w := *h
	w.CA, w.BasicAuth = "", nil
	w.Header, w.URL = standInHeaders(h.Header), standInAddress(h.URL)
	return w.makeReady(zap.NewNop())
}

func (h *HTTPDirectory) parseBasicAuth(d *caddyfile.Dispenser) error {
	if h.BasicAuth != nil {
		return directive.Err(d, "basic_auth is given twice")
	}
	h.BasicAuth = new(BasicAuthConfig)
	if !d.Args(&h.BasicAuth.User, &h.BasicAuth.Password) || d.NextArg() {
		return directive.Err(d, "basic_auth needs a user and a password: basic_auth sidegate {env.CRM_PASSWORD}")
	}
	return nil
}

func (h *HTTPDirectory) parseRetries(d *caddyfile.Dispenser) error {
	var value string
	if h.Retries != nil {
		return directive.Err(d, "retries is given twice")
	}
	if !d.Args(&value) || d.NextArg() {
		return directive.ArgErr(d)
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > 10 {
		return directive.Errf(d, "retries: %s is not a number from 0 to 10", directive.Number(value))
	}
	h.Retries = &n
	return nil
}

// Interface guards
var (
	_ DirectoryModule       = (*HTTPDirectory)(nil)
	_ caddy.Provisioner     = (*HTTPDirectory)(nil)
	_ caddy.CleanerUpper    = (*HTTPDirectory)(nil)
	_ caddyfile.Unmarshaler = (*HTTPDirectory)(nil)
)
