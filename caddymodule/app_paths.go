package caddymodule

import (
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/caddymodule/pathguard"
)

// PathOptions say what becomes of paths that can be read in several ways.
type PathOptions struct {
	// AmbiguousPaths is "allow", or empty. On a server where the demand of a
	// session_auth hangs on a matcher of Caddy's that looks at the path, paths
	// whose readings differ in segments are refused; "allow" lets them pass.
	AmbiguousPaths string `json:"ambiguous_paths,omitempty"`
}

// ambiguousAllowed is the one value of ambiguous_paths, and optionAmbiguous what
// the log tells operators to write.
const (
	ambiguousAllowed = "allow"
	optionAmbiguous  = "ambiguous_paths " + ambiguousAllowed
)

func (o *PathOptions) words() map[string]directive.Option {
	return map[string]directive.Option{"ambiguous_paths": ambiguous(&o.AmbiguousPaths)}
}

func (o *PathOptions) provision(caddy.Context, *App) error { return checkAmbiguous(o.AmbiguousPaths) }

// guardPaths puts a guard before all routes of the server that is being
// provisioned, if it needs one. The first of our handlers there sees to it, for
// all of them: what is behind it can still be read as it was written.
func (a *App) guardPaths(ctx caddy.Context, server *caddyhttp.Server, first *everyroute.First) error {
	if a.AmbiguousPaths == ambiguousAllowed {
		return nil
	}
	found := pathguard.Look(server, hangsOnMatchers)
	switch {
	case found.Demand == "":
		return nil
	case found.Late:
		return fmt.Errorf("session_auth stands in named routes or error routes alone, where it hangs on %s, and paths that can be read "+
			"in several ways cannot be refused in time: put session_endpoints into the site itself, or say `%s`", found.Demand, optionAmbiguous)
	}
	a.logger.Info("paths that can be read in several ways are refused on this server: a demand depends on a matcher",
		zap.Strings("listen", server.Listen), zap.String("rule", found.Demand), zap.String("option", optionAmbiguous))
	return pathguard.Before(ctx, server, found, first, a.address.Look, func(path, why string) {
		if g, err := a.gateway(); err == nil {
			g.events.pathRefused(path, why, found.Demand)
		}
	})
}

// hangsOnMatchers reports whether a session_auth refuses anybody, so that it
// matters whether a matcher leads to it. One that cannot be read does.
func hangsOnMatchers(written json.RawMessage) bool {
	var s SessionAuth
	if json.Unmarshal(written, &s) != nil {
		return true
	}
	return s.RefusesSomebody() && s.AmbiguousPaths != ambiguousAllowed
}

func checkAmbiguous(value string) error {
	if value != "" && value != ambiguousAllowed {
		return fmt.Errorf("ambiguous_paths %q: write `%s`, or leave it out", value, optionAmbiguous)
	}
	return nil
}

// ambiguous reads `ambiguous_paths allow`.
func ambiguous(target *string) directive.Option {
	return directive.Choice(target, ambiguousAllowed)
}
