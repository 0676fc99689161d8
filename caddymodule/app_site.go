package caddymodule

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/caddyserver/caddy/v2"
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

	returnTo returnTargets
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
		if o.PublicURL, err = parseOrigin(o.PublicURL); err != nil {
			return fmt.Errorf("public_url: %w", err)
		}
	}
	o.returnTo, err = newReturnTargets(o.BasePath, o.PublicURL, o.ReturnTo)
	return err
}
