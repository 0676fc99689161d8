package appearance

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/ownfile"
	"example.com/sidegate/caddymodule/web"
)

// Config is how the gateway's pages look, and what they say.
type Config struct {
	// Name is what people sign in to, as the pages say it. Default: nothing.
	Name string `json:"name,omitempty"`
	// Logo is a picture file, SVG, PNG, JPEG or WebP, of at most 64 KiB, that stands in
	// the place of the pages' own mark. Placeholders {env.*} and {file.*} are resolved.
	Logo string `json:"logo,omitempty"`
	// Accent is the colour of buttons and links, as rrggbb or rgb in hexadecimal digits, with # before it or without, in the light
	// scheme, and AccentDark that in the dark one. Default: a blue; in the dark the
	// Accent, made lighter as far as it must be.
	Accent     string `json:"accent,omitempty"`
	AccentDark string `json:"accent_dark,omitempty"`
	// Help says whom to ask: an address (https, http or mailto), or a text.
	Help string `json:"help,omitempty"`
	// Templates is a folder with pages, a style sheet and texts of one's own.
	// Placeholders {env.*} and {file.*} are resolved.
	Templates string `json:"templates,omitempty"`
}

// Parse reads the block of a Caddyfile. Syntax:
//
//	appearance {
//		name <text>
//		logo <file>
//		accent <colour> [<colour in the dark>]
//		help <url or text>
//		templates <folder>
//	}
func (c *Config) Parse(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	return directive.Block(d, "appearance", map[string]directive.Option{
		"name":      directive.Checked(directive.Text(&c.Name), c.checkName),
		"logo":      directive.File(&c.Logo),
		"accent":    directive.Checked(c.parseAccent, c.checkAccent),
		"help":      directive.Checked(directive.Text(&c.Help), c.checkHelp),
		"templates": directive.File(&c.Templates),
	})
}

func (c *Config) parseAccent(d *caddyfile.Dispenser) error {
	if c.Accent != "" {
		return directive.Err(d, "accent is given twice")
	}
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 {
		return directive.Err(d, "accent takes a colour, and perhaps another one for the dark: what begins with # is a comment in a Caddyfile, "+
			"so leave it away, as in `accent 1d5fbf`, or put it in quotes")
	}
	c.Accent = args[0]
	if len(args) == 2 {
		c.AccentDark = args[1]
	}
	return nil
}

// Look checks the options and makes the look of them. file is the file that an option
// names, and trouble is told of a template that fails later; nil: nobody is.
func (c *Config) Look(file func(option string) (ownfile.Named, error), trouble func(error)) (*web.Look, error) {
	look, err := c.look(file, trouble)
	if err != nil {
		return nil, fmt.Errorf("appearance %w", err)
	}
	return look, nil
}

func (c *Config) look(file func(option string) (ownfile.Named, error), trouble func(error)) (*web.Look, error) {
	if *c == (Config{}) {
		return nil, nil //nolint:nilnil // nil is the plain one
	}
	for _, check := range []func() error{c.checkName, c.checkAccent, c.checkHelp} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	a := web.Appearance{Name: c.Name, Help: c.Help, Trouble: trouble}
	if isAddress(c.Help) {
		a.Help, a.HelpURL = shownAddress(c.Help), c.Help
	}
	if c.Accent != "" {
		chosen, err := accentOf(c.Accent, c.AccentDark)
		if err != nil {
			return nil, err
		}
		a.Accent, a.Style = chosen.light.String(), chosen.css()
	}
	if c.Logo != "" {
		named, err := file(c.Logo)
		if err == nil {
			a.Logo, err = Picture(named)
		}
		if err != nil {
			return nil, fmt.Errorf("logo: %w", err)
		}
	}
	if c.Templates == "" {
		return web.NewLook(a)
	}
	named, err := file(c.Templates)
	if err == nil {
		err = readFolder(named, &a)
	}
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	return tried(a)
}

// tried is the look when every page of it was made once, and looked at.
func tried(a web.Appearance) (*web.Look, error) {
	look, err := web.NewLook(a)
	if err == nil {
		err = look.Try(markupOf(look).check)
	}
	if err != nil {
		return nil, fmt.Errorf("templates: %w", placed(a, err))
	}
	return look, nil
}

// How long the texts may be that stand on every page.
const (
	longestName = 80
	longestHelp = 300
)

func (c *Config) checkName() error { return checkText("name", c.Name, longestName) }

func (c *Config) checkAccent() error {
	if c.Accent == "" && c.AccentDark == "" {
		return nil
	}
	_, err := accentOf(c.Accent, c.AccentDark)
	return err
}

func (c *Config) checkHelp() error {
	if err := checkText("help", c.Help, longestHelp); err != nil {
		return err
	}
	scheme, rest, isURL := strings.Cut(c.Help, ":")
	switch {
	case isAddress(c.Help):
		return checkAddress(c.Help)
	case isURL && !strings.ContainsAny(c.Help, " \t") && (strings.HasPrefix(rest, "//") || isScript(scheme)):
		return errors.New("help: an address begins with https://, http:// or mailto:, and what is none is a text")
	}
	return nil
}

// isScript reports whether a browser would run what such an address holds.
func isScript(scheme string) bool {
	scheme = strings.ToLower(scheme)
	return scheme == "javascript" || scheme == "data" || scheme == "vbscript"
}

func isAddress(help string) bool {
	lower := strings.ToLower(help)
	return strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "mailto:")
}

func checkAddress(help string) error {
	u, err := url.Parse(help)
	switch {
	case err != nil || strings.ContainsAny(help, " \t\"'<>\\"):
		return errors.New("help: the address cannot be read: escape in it what is no part of an address, a blank as %20")
	case u.Scheme == "mailto":
		if _, err := mail.ParseAddress(u.Opaque); err != nil {
			return errors.New("help: behind mailto: there is one email address, such as mailto:help@example.com")
		}
	case u.Hostname() == "" || u.User != nil:
		return errors.New("help: an address has a host and no password, such as https://help.example.com/sign-in")
	}
	return nil
}

// shownAddress is what a link to help says of where it leads: whom a letter is to.
func shownAddress(help string) string {
	u, err := url.Parse(help)
	if err != nil || u.Scheme != "mailto" {
		return ""
	}
	return u.Opaque
}

func checkText(option, text string, longest int) error {
	switch {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%s: there is something in it that cannot be shown: give one line of plain text", option)
	case utf8.RuneCountInString(text) > longest:
		return fmt.Errorf("%s: it has %d characters, and may have %d", option, utf8.RuneCountInString(text), longest)
	case strings.TrimSpace(text) != text:
		return fmt.Errorf("%s begins or ends with a blank: take it away", option)
	}
	return nil
}
