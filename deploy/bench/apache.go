package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Where Debian's apache2 and libapache2-mod-auth-openidc put things, below /.
const (
	apacheBinary  = "usr/sbin/apache2"
	apacheModules = "usr/lib/apache2/modules"
	openIDCModule = "mod_auth_openidc.so"
)

// apacheHint is printed where they are not installed.
const apacheHint = "mod_auth_openidc: not installed (apt-get install --no-install-recommends apache2 libapache2-mod-auth-openidc)"

// hasApache reports whether both packages are installed.
func hasApache(root fs.FS) bool {
	for _, file := range []string{apacheBinary, apacheModules + "/" + openIDCModule} {
		if _, err := fs.Stat(root, file); err != nil {
			return false
		}
	}
	return true
}

// apachePeers are Apache httpd alone, for orientation, and with its module.
func apachePeers() []*arm {
	return []*arm{
		{name: armApache, about: "Apache httpd: mod_proxy alone", peer: true, launch: launchApache, check: bringsNothing},
		{name: armOpenIDC, about: "Apache httpd: mod_auth_openidc, session in Redis", peer: true, launch: launchOpenIDC, check: bringsClaims},
		{name: armOpenIDCStatic, about: "the same with the provider's endpoints in the configuration", peer: true, launch: launchOpenIDCStatic, check: bringsClaims},
	}
}

// httpd is the configuration of an Apache httpd in front of the app.
type httpd struct {
	// dir is the server's own folder.
	dir string
	// address takes the requests, upstream is the app's.
	address, upstream string
	// processes are how many do the work, each with that many threads.
	processes, threads int
	// modules are further ones, by the names that LoadModule has for them.
	modules []string
	// extra are further lines, before the one that sends everything to the app.
	extra string
}

// baseModules are what a proxy needs.
var baseModules = []string{"mpm_event", "proxy", "proxy_http", "authz_core"}

// apachePatience is how long the server may take to end its processes.
const apachePatience = time.Minute

// minThreads is enough even for few connections, of which one process may
// happen to get all.
const minThreads = 64

// newHTTPD sizes a server for a number of connections: a process for each
// processor that it has, and threads for all of the connections in each of them.
func newHTTPD(dir, address, upstream string, processors, connections int) httpd {
	return httpd{dir: dir, address: address, upstream: upstream, processes: processors, threads: max(minThreads, connections)}
}

// The number of processes is fixed, for one that ended would take its CPU time
// out of /proc with it. Connections stay open like those of all other arms,
// nothing is logged but trouble, and the app sees the Host that was asked for.
// With nobody to change to, User and Group are ignored.
const httpdText = `ServerRoot {dir}
DefaultRuntimeDir {dir}
PidFile {dir}/apache2.pid
ServerName {host}
Listen {address}
User www-data
Group www-data
ErrorLog /dev/stderr
LogLevel error
{modules}StartServers {processes}
ServerLimit {processes}
ThreadLimit {threads}
ThreadsPerChild {threads}
MaxRequestWorkers {workers}
MinSpareThreads 1
MaxSpareThreads {workers}
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 300
ProxyPreserveHost On
{extra}ProxyPass / http://{upstream}/
`

// text is the configuration file.
func (h httpd) text() string {
	var modules strings.Builder
	for _, name := range append(baseModules[:len(baseModules):len(baseModules)], h.modules...) {
		fmt.Fprintf(&modules, "LoadModule %s_module /%s/mod_%s.so\n", name, apacheModules, name)
	}
	number := func(n int) string { return fmt.Sprint(n) }
	return strings.NewReplacer("{dir}", h.dir, "{host}", appHost, "{address}", h.address, "{upstream}", h.upstream,
		"{modules}", modules.String(), "{extra}", h.extra, "{processes}", number(h.processes),
		"{threads}", number(h.threads), "{workers}", number(h.processes*h.threads)).Replace(httpdText)
}

// launchApache starts Apache httpd as a proxy and nothing else.
func launchApache(ctx context.Context, r *rig, run *running) error {
	dir, err := r.armDir(run)
	if err != nil {
		return err
	}
	return startApache(ctx, run, newHTTPD(dir, run.address, r.upstream, r.cores.ofArm(), r.connections))
}

// startApache starts the server in the foreground, so that it stays ours.
func startApache(ctx context.Context, run *running, h httpd) error {
	file := filepath.Join(h.dir, "apache2.conf")
	if err := os.WriteFile(file, []byte(h.text()), 0o600); err != nil { // #nosec G703 -- below a folder of our own
		return err
	}
	p := &process{name: "apache2 of " + run.name, patience: apachePatience, processors: run.rig.cores.arms}
	if err := p.start(ctx, nil, "/"+apacheBinary, "-D", "FOREGROUND", "-f", file); err != nil {
		return err
	}
	run.procs = append(run.procs, p)
	return p.listens(ctx, "tcp", h.address)
}
