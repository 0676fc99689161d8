package caddymodule

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/appearance"
	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/foresee"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/withheld"
)

// defaultBasePath is where session_endpoints answers unless the configuration
// says otherwise.
const defaultBasePath = "/auth"

// SiteOptions say where browsers find the gateway, and where it may send them.
type SiteOptions struct {
	// BasePath is where session_endpoints answers. Default: /auth.
	BasePath string `json:"base_path,omitempty"`

	// PublicURL is the origin that browsers see (https://app.example.com),
	// for when TLS ends in front of this server and trusted_proxies is not set.
	PublicURL string `json:"public_url,omitempty"`

	// ReturnTo lists origins beside the site's own that a sign-in or sign-out
	// may lead back to.
	ReturnTo []string `json:"return_to,omitempty"`

	// CORS lists origins beside the site's own whose pages may act for people
	// here: open websockets with the session cookie, send to what lies under
	// base_path, and read what is answered there and why a request was refused.
	// Each is exact; there is no wildcard.
	CORS []string `json:"cors,omitempty"`

	// ClearSiteData is what browsers are told to forget of the site at a sign-out,
	// beside the session cookie: cache, storage, cookies. Default: nothing.
	ClearSiteData []string `json:"clear_site_data,omitempty"`

	// DocsOff turns GET /auth/docs off, the page that shows what there is below
	// base_path and tries it out. The document itself stays. Default: it is on.
	DocsOff bool `json:"docs_off,omitempty"`

	// AccountParam names a parameter of addresses that chooses the account of one
	// request, as the header X-Account-Id does: for websockets, event streams and pages,
	// which cannot send that. No app gets it. Default: none.
	AccountParam string `json:"account_param,omitempty"`

	// Why has GET /auth/why tell who asks what the gateway knows of them, and what it
	// would decide for a path, with the rules as they are written.
	Why bool `json:"why,omitempty"`

	public  origin.Origin    // PublicURL
	cors    []origin.Origin  // CORS
	address endpoint.Address // without the cookie, which has options of its own
}

func (o *SiteOptions) words() map[string]directive.Option {
	return map[string]directive.Option{
		"base_path":       directive.Checked(directive.Text(&o.BasePath), o.checkBasePath),
		"public_url":      directive.Checked(directive.Text(&o.PublicURL), o.readPublicURL),
		"return_to":       directive.Checked(directive.Texts(&o.ReturnTo), o.checkReturnTo),
		"cors":            directive.Checked(directive.Texts(&o.CORS), o.readCORS),
		"clear_site_data": directive.Checked(directive.Texts(&o.ClearSiteData), o.checkClearing),
		"docs":            directive.Off(&o.DocsOff),
		"account_param":   directive.Checked(directive.Text(&o.AccountParam), o.checkAccountParam),
		"why":             directive.Flag(&o.Why),
	}
}

func (o *SiteOptions) provision(_ caddy.Context, a *App) (err error) {
	if o.BasePath == "" {
		o.BasePath = defaultBasePath
	}
	for _, check := range []func() error{o.checkBasePath, o.readPublicURL, o.readCORS, o.checkClearing, o.checkAccountParam} {
		if err := check(); err != nil {
			return err
		}
	}
	o.PublicURL = o.public.String()
	o.warnOfPlain(a)
	check := &origin.Check{Public: o.public, Listed: o.cors}
	o.address = endpoint.Address{BasePath: o.BasePath, Sites: &origin.Sites{Public: o.public}, Check: check, AccountParam: o.AccountParam, Clearing: endpoint.NewClearing(o.ClearSiteData)}
	o.address.ReturnTo, err = endpoint.NewReturnTargets(o.BasePath, o.public, o.ReturnTo)
	return err
}

// AppearanceOptions are how the pages look and speak.
type AppearanceOptions struct {
	// Appearance is whose the pages are, and what is one's own about them.
	Appearance appearance.Config `json:"appearance,omitzero"`
}

func (o *AppearanceOptions) words() map[string]directive.Option {
	return map[string]directive.Option{"appearance": o.Appearance.Parse}
}

// provision needs the site's address, of which the look is a part.
func (o *AppearanceOptions) provision(_ caddy.Context, a *App) (err error) {
	told := &withheld.Lines{Pause: brokenEvery}
	a.address.Look, err = o.Appearance.Look(fileOf, func(err error) {
		if told.Tell(time.Now()) {
			a.logger.Error("a template failed by what no sample had; people get the page as it is without it", zap.Error(err), told.More())
		}
	})
	return err
}

// brokenEvery is how often the log tells of a template that fails: anybody may ask for
// its page, again and again.
const brokenEvery = time.Minute

func (o *SiteOptions) checkBasePath() error {
	if o.BasePath == "/" || !strings.HasPrefix(o.BasePath, "/") || path.Clean(o.BasePath) != o.BasePath ||
		url.PathEscape(o.BasePath[1:]) != strings.ReplaceAll(o.BasePath[1:], "/", "%2F") {
		return fmt.Errorf("base_path %q: give a plain path such as /auth, without a slash at its end", o.BasePath)
	}
	return nil
}

func (o *SiteOptions) readPublicURL() (err error) {
	if o.PublicURL == "" {
		return nil
	}
	if o.public, err = origin.Parse(o.PublicURL); err != nil {
		return fmt.Errorf("public_url: %w", err)
	}
	return nil
}

func (o *SiteOptions) readCORS() (err error) {
	o.cors, err = parseOrigins("cors", o.CORS)
	return err
}

// warnOfPlain tells of pages over plain http that may act for people and read their
// sessions, where those are kept by a Secure cookie: who stands between a browser and
// such a page has written it.
func (o *SiteOptions) warnOfPlain(a *App) {
	var open []string
	for _, page := range o.cors {
		if page.Scheme == "http" && !page.Local() {
			open = append(open, page.String())
		}
	}
	if len(open) > 0 && !a.Cookie.Insecure {
		a.logger.Warn("cors names origins of plain http: whoever stands between a browser and such a page writes it, and would read sessions and act for people",
			zap.Strings("origins", open), zap.String("remedy", "serve those pages over TLS and name them with https://, or take them out"))
	}
}

// accountParam is what a parameter may be called: nothing that is escaped in addresses.
var accountParam = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,63}$`)

// takenParams are parameters that mean something else at our endpoints, or at apps.
var takenParams = []string{"return_to", "path", "method", "host", "redirect", "code", "state", "iss", "error", "cut", "came", "here", "_method", "email", "username", "password"}

func (o *SiteOptions) checkAccountParam() error {
	switch {
	case o.AccountParam == "" || accountParam.MatchString(o.AccountParam) && !slices.Contains(takenParams, strings.ToLower(o.AccountParam)):
		return nil
	case !accountParam.MatchString(o.AccountParam):
		return fmt.Errorf("account_param %q: a name begins with a letter and has letters, digits, - , . and _", o.AccountParam)
	}
	return fmt.Errorf("account_param %s: that parameter means something else already: choose a name that no app uses, such as account_id", o.AccountParam)
}

func (o *SiteOptions) checkReturnTo() error {
	_, err := endpoint.NewReturnTargets(defaultBasePath, o.public, o.ReturnTo)
	return err
}

func (o *SiteOptions) checkClearing() error {
	for i, what := range o.ClearSiteData {
		if !slices.Contains(endpoint.Clearable, what) {
			return directive.OneOf("clear_site_data", what, endpoint.Clearable...)
		}
		if slices.Contains(o.ClearSiteData[:i], what) {
			return fmt.Errorf("clear_site_data: %s is named twice", what)
		}
	}
	return nil
}

// parseOrigins reads those of an option.
func parseOrigins(option string, listed []string) ([]origin.Origin, error) {
	origins := make([]origin.Origin, len(listed))
	for i, raw := range listed {
		var err error
		if origins[i], err = origin.Parse(raw); err != nil {
			return nil, fmt.Errorf("%s %d: %w", option, i+1, err)
		}
	}
	return origins, nil
}

// why is what GET /auth/why is given; nil where there is none.
func (a *App) why() *endpoint.Why {
	if !a.Why {
		return nil
	}
	given := &endpoint.Why{Foresee: foresee.Look}
	for _, d := range a.directories {
		given.Directories = append(given.Directories, d.Name())
	}
	return given
}

// warnOfWideTrust tells of a server to which clients are proxies: each of them chooses
// its own address, and has as many attempts at passwords as it makes up addresses.
func (a *App) warnOfWideTrust(ctx context.Context, server *caddyhttp.Server) {
	if networks := caller.WidelyTrusted(ctx, server); len(networks) > 0 {
		a.logger.Warn("trusted_proxies cover a whole private network: whoever has an address in it, as in an office or a VPN, chooses the address "+
			"that it is known by, and so guesses passwords without end", zap.Strings("networks", networks), zap.Strings("listen", server.Listen),
			zap.String("remedy", "name the proxies alone, by their addresses or by a network in which no clients are: `trusted_proxies static <address>` in the block `servers`"))
	}
}
