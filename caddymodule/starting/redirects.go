package starting

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
)

// server is what a server of Caddy's says of where it is reached.
type server struct {
	Listen    []string
	AutoHTTPS struct {
		Disable          bool
		DisableRedirects bool `json:"disable_redirects"`
		Skip             []string
	} `json:"automatic_https"`
	Routes []struct {
		Match []struct{ Host []string }
	}
}

// redirected reports whether Caddy leads people of a host from http:// to this server
// by itself. One without hosts may have such a server as well; that is left to Caddy.
func (s *server) redirected() bool {
	if s.AutoHTTPS.Disable || s.AutoHTTPS.DisableRedirects {
		return false
	}
	for _, route := range s.Routes {
		for _, match := range route.Match {
			if slices.ContainsFunc(match.Host, func(host string) bool { return !slices.Contains(s.AutoHTTPS.Skip, host) }) {
				return true
			}
		}
	}
	return false
}

// redirects are the addresses of the servers that Caddy makes for that, of which the
// configuration says nothing: the http port, wherever a site's own port is. There are
// none where a server of the configuration has that port, for Caddy then uses it.
func redirects(config []byte) (addresses []string) {
	var c struct {
		Apps struct {
			HTTP struct {
				HTTPPort uint `json:"http_port"`
				Servers  map[string]server
			}
		}
	}
	if json.Unmarshal(config, &c) != nil {
		return nil
	}
	port := c.Apps.HTTP.HTTPPort
	if port == 0 {
		port = 80
	}
	for _, s := range c.Apps.HTTP.Servers {
		for _, listen := range s.Listen {
			at, err := caddy.ParseNetworkAddress(listen)
			switch {
			case err != nil || at.IsUnixNetwork() || at.Network != "tcp":
			case at.StartPort <= port && port <= at.EndPort:
				return nil
			case s.redirected():
				addresses = append(addresses, caddy.JoinNetworkAddress("tcp", at.Host, strconv.FormatUint(uint64(port), 10)))
			}
		}
	}
	slices.Sort(addresses)
	return slices.Compact(addresses)
}
