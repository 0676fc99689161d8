package gatewaytest

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore/redis/redistest"
)

// Site is what a gateway is configured with; the zero value will do.
type Site struct {
	// Options are further lines of the sidegate block.
	Options string
	// Bare leaves out what tests begin with: the login of the users file, and
	// two roles.
	Bare bool
	// Routes are the lines of the site block, where {upstream} stands for
	// Upstream. Default: session_endpoints, session_auth, reverse_proxy.
	Routes string
	// Auth are lines of the session_auth block of the default Routes.
	Auth string
	// Upstream is the host and port, or the origin, of the app. Default: a
	// recorder of its own.
	Upstream string
	// Localhost has the gateway answer under that name too.
	Localhost bool
	// Name is a further name that the gateway answers under.
	Name string
	// Global are further global options.
	Global string
	// Dir is the data directory. Default: a new one.
	Dir string
	// Cookie are the lines of the cookie block. Default: insecure.
	Cookie string
	// Hasty leaves a gateway the time-outs at its store that it has outside of
	// tests: for those of a store in trouble. Without, a store that is merely
	// late, as on a busy machine, is waited for.
	Hasty bool
	// Admin is the address of the admin endpoint. Default: off, and a port of
	// its own for a process.
	Admin string
}

// begin are the lines of the sidegate block that tests begin with.
const begin = `login users %s
		role admin {
			includes editor
			permissions users:write
		}
		role editor {
			permissions orders:read orders:write
		}`

// proxy goes to the upstream, and waits for a connection as long as a test on a
// busy machine does.
var proxy = fmt.Sprintf("reverse_proxy {upstream} {\ntransport http {\ndial_timeout %v\n}\n}", Patience)

// Caddyfile writes the whole configuration of a gateway that was prepared.
func (c Site) Caddyfile(s *Server) string {
	auth := "session_auth"
	if c.Auth != "" {
		auth += " {\n" + c.Auth + "\n}"
	}
	routes := cmp.Or(c.Routes, "session_endpoints\n"+auth+"\n"+proxy)
	options := c.Options
	if !c.Hasty {
		options = patient(options)
	}
	if !c.Bare {
		options = fmt.Sprintf(begin, s.Users) + "\n" + options
	}
	hosts := fmt.Sprintf("http://127.0.0.1:%d", s.Port)
	if c.Localhost {
		hosts += fmt.Sprintf(", http://localhost:%d", s.Port)
	}
	if c.Name != "" {
		hosts += fmt.Sprintf(", http://%s:%d", c.Name, s.Port)
	}
	return fmt.Sprintf(`{
	admin %s
	auto_https off
	persist_config off
	storage file_system %q
	%s
	sidegate {
		cookie {
			%s
		}
		%s
	}
}
%s {
	bind 127.0.0.1
	%s
}
`, cmp.Or(c.Admin, "off"), filepath.Join(s.Dir, "storage"), c.Global, cmp.Or(c.Cookie, "insecure"), options,
		hosts, strings.ReplaceAll(routes, "{upstream}", c.Upstream))
}

// patient gives a store redis more time than it has outside of tests, unless the
// options say how much.
func patient(options string) string {
	if strings.Contains(options, "dial_timeout") {
		return options
	}
	lines := strings.Split(options, "\n")
	for i, line := range lines {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "store" || words[1] != "redis" {
			continue
		}
		inside := fmt.Sprintf("{\ntimeout %[1]v\ndial_timeout %[1]v\nread_timeout %[1]v\nwrite_timeout %[1]v\n", Patience)
		if words[len(words)-1] == "{" {
			lines[i] = strings.TrimSuffix(line, "{") + inside
		} else {
			lines[i] = line + " " + inside + "}"
		}
	}
	return strings.Join(lines, "\n")
}

// Prepare fills in the defaults, writes the users file where there is none yet,
// and takes a port.
func (c *Site) Prepare(t testing.TB) *Server {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	if c.Upstream == "" {
		c.Upstream = NewRecorder(t).Address()
	}
	if !strings.Contains(c.Options, "store ") {
		c.Options += "\nstore embedded " + filepath.Join(c.Dir, "sessions.db")
	}
	port := FreePort(t)
	s := &Server{URL: fmt.Sprintf("http://127.0.0.1:%d", port), Port: port, Users: filepath.Join(c.Dir, "users.yaml"), Dir: c.Dir}
	if _, err := os.Stat(s.Users); err != nil {
		WriteFile(t, s.Users, UsersFile)
	}
	return s
}

// Secrets of gateways under test.
const (
	FormerSecret  = "the former secret of the gateways under test"
	PresentSecret = "the present secret of the gateways under test"
)

// OnRedis is the site with a store that several gateways share, and their
// secrets, the present one first.
func (c Site) OnRedis(srv *redistest.Server, secrets ...string) Site {
	c.Options += "\nstore redis " + srv.URL() + "\n"
	for _, secret := range secrets {
		c.Options += fmt.Sprintf("secret %q\n", secret)
	}
	return c
}

// Stores are sites with each of the stores.
func Stores(t testing.TB) map[string]Site {
	return map[string]Site{
		"embedded": {},
		"memory":   {Options: "store memory"},
		"redis":    Site{}.OnRedis(redistest.Start(t), PresentSecret),
	}
}

// RoundRoutes are the default Routes with a header that an [Echo] shows.
func RoundRoutes(n int) string {
	return fmt.Sprintf("session_endpoints\nsession_auth {\nheader X-Round %d\n}\n%s", n, proxy)
}
