package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// userAgent and the lines after it are what every arm is sent, so that the
// wire costs all of them alike.
const userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// appHost is the app's name, at whatever address it is served.
const appHost = "app.example.com"

const requestText = "GET %s HTTP/1.1\r\nHost: " + appHost + "\r\nUser-Agent: " + userAgent + "\r\n" +
	"Accept: */*\r\nAccept-Language: en\r\nAccept-Encoding: gzip\r\nReferer: http://" + appHost + "/\r\n" +
	"Sec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\n%s\r\n\r\n"

// Lines that carry the credential.
const (
	byCookie = "Cookie: sidegate=" + credentialMark
	byBearer = "Authorization: Bearer " + credentialMark
)

// arm is one thing to measure: a server, and what is asked of it.
type arm struct {
	name  string
	about string
	// routes are the lines of the site block; {upstream}, {socket}, {session}
	// (the JSON of GET /auth/session), {static} (nine lines) and {answered} (the
	// headers of that answer) are replaced.
	routes string
	// people are signed in at a gateway; nil for an arm that is none.
	people *population
	// options are further lines of the gateway's options, and global of Caddy's.
	options, global string
	env             []string
	// path and credential are what is asked; appPath and byCookie when empty.
	path       string
	credential string
	// check looks at one answer before anything is measured; nil is satisfied
	// with 200.
	check func(*running) error
	// launch starts a peer; nil starts Caddy.
	launch func(context.Context, *rig, *running) error
	// peer says that the arm is somebody else's, and sets no pace for ours.
	peer bool
	// binary is the Caddy of the arm; empty for that of the rig.
	binary string
}

// running is an arm whose processes are up.
type running struct {
	*arm
	rig   *rig
	procs []*process
	// address takes the requests; admin is Caddy's, empty for others.
	address string
	admin   string
	// header is the credential's line as a peer wants it; else from arm.
	header string
	// spread is how many of the people the requests come from, in turns.
	spread int
}

// start starts the arm and checks that it does what it is there for.
func (r *rig) start(ctx context.Context, a *arm) (*running, error) {
	run := &running{arm: a, rig: r, spread: 1}
	r.running = append(r.running, run)
	var err error
	if run.address, err = freeAddress(); err != nil {
		return nil, err
	}
	launch := a.launch
	if launch == nil {
		launch = launchCaddy
	}
	if err = launch(ctx, r, run); err != nil {
		return nil, fmt.Errorf("arm %s: %w", a.name, err)
	}
	check := a.check
	if check == nil {
		check = isAnswered
	}
	if err = check(run); err != nil {
		return nil, fmt.Errorf("arm %s does not do its work: %w", a.name, err)
	}
	return run, nil
}

func (run *running) stop() {
	for _, p := range run.procs {
		p.stop()
	}
}

// armDir makes the folder that is the arm's own.
func (r *rig) armDir(run *running) (string, error) {
	dir := filepath.Join(r.dir, "arms", run.name)
	return dir, os.MkdirAll(dir, 0o700) // #nosec G703 -- below a folder of our own
}

// launchCaddy starts Caddy with the arm's configuration and data of its own.
func launchCaddy(ctx context.Context, r *rig, run *running) (err error) {
	if run.admin, err = freeAddress(); err != nil {
		return err
	}
	dir, err := r.armDir(run)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(run.caddyfile()), 0o600); err != nil { // #nosec G703 -- below a folder of our own
		return err
	}
	env := append([]string{"XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir, secretVariable + "=" + r.keys.secret, as(roleCaddy)}, run.env...)
	p, err := start(ctx, r.cores.arms, "caddy of "+run.name, env, cmp.Or(run.binary, r.caddy), "run", "--config", file, "--adapter", "caddyfile")
	if err != nil {
		return err
	}
	run.procs = append(run.procs, p)
	return p.answers(ctx, run.address)
}

// secretVariable keeps the secret out of the command line and the Caddyfile.
const secretVariable = "SIDEGATE_BENCH_SECRET" // #nosec G101 -- its name, not the secret

func (run *running) caddyfile() string {
	_, port, _ := strings.Cut(run.address, ":")
	routes := strings.NewReplacer("{upstream}", run.rig.upstream, "{socket}", "unix/"+run.rig.socket,
		"{session}", run.rig.session, "{static}", run.rig.static, "{answered}", run.rig.answered).Replace(run.routes)
	return fmt.Sprintf(`{
	admin %s
	auto_https off
	persist_config off
	%s
	%s
}
http://:%s {
	bind 127.0.0.1
	%s
}
`, run.admin, run.global, run.gatewayOptions(), port, routes)
}

func (run *running) gatewayOptions() string {
	if run.people == nil {
		return ""
	}
	return fmt.Sprintf("sidegate {\nstore redis %s\nsecret {env.%s}\nlogin users %s\nlogin app "+madeBy+" http://127.0.0.1:1/ {\nsuccess `login.status == 200`\n}\ncookie {\ninsecure\n}\n%s\n}",
		redisURL(run.rig.redis.address, run.people.database), secretVariable, run.rig.usersFile, run.options)
}

// request is the arm's request for that path, with credentialMark in it.
func (run *running) request(path string) string {
	line := run.header
	if line == "" {
		line = run.credential
	}
	if line == "" {
		line = byCookie
	}
	return fmt.Sprintf(requestText, path, line)
}

// credentials are those of the people that the requests come from.
func (run *running) credentials() []string {
	people := run.people
	if people == nil {
		people = run.rig.people
	}
	all := people.cookies
	if run.credential == byBearer {
		all = people.bearers
	}
	return all[:min(run.spread, len(all))]
}

// target is the path that is measured.
func (run *running) target() string {
	if run.path == "" {
		return appPath
	}
	return run.path
}

// job is a load on the arm.
func (run *running) job() job {
	return job{
		Network: "tcp", Address: run.address, Request: run.request(run.target()),
		Credentials: run.credentials(), Connections: run.rig.connections, processors: run.rig.cores.rest,
	}
}

// seen is the header that the upstream gets of the arm's request.
func (run *running) seen() (http.Header, error) {
	var h http.Header
	return h, run.rig.ask(run, echoPath, &h)
}
