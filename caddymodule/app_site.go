package caddymodule

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/endpoint"
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

	address endpoint.Address // without the cookie, which has options of its own
}

func (o *SiteOptions) words() map[string]option {
	return map[string]option{
		"base_path":  text(&o.BasePath),
		"public_url": text(&o.PublicURL),
		"return_to":  texts(&o.ReturnTo),
	}
}

func (o *SiteOptions) provision(caddy.Context, *App) (err error) {
	if o.BasePath == "" {
		o.BasePath = defaultBasePath
	}
	if o.BasePath == "/" || !strings.HasPrefix(o.BasePath, "/") || path.Clean(o.BasePath) != o.BasePath ||
		url.PathEscape(o.BasePath[1:]) != strings.ReplaceAll(o.BasePath[1:], "/", "%2F") {
		return fmt.Errorf("base_path %q: give a plain path such as /auth, without a slash at its end", o.BasePath)
	}
	if o.PublicURL != "" {
		if o.PublicURL, err = endpoint.ParseOrigin(o.PublicURL); err != nil {
			return fmt.Errorf("public_url: %w", err)
		}
	}
	o.address = endpoint.Address{BasePath: o.BasePath, PublicURL: o.PublicURL}
	o.address.ReturnTo, err = endpoint.NewReturnTargets(o.BasePath, o.PublicURL, o.ReturnTo)
	return err
}
