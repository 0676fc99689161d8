package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// rig is everything that runs while arms are measured.
type rig struct {
	config
	out   io.Writer
	dir   string // everything that is written down, gone afterwards
	proc  fs.FS
	keys  *keys
	caddy string

	redis     *redisServer
	app       *process
	upstream  string // address of the app
	socket    string // and its unix socket
	usersFile string
	running   []*running

	// people are one ordinary person. Every arm is sent their credential, even
	// those that do not look at it.
	people *population
	// session is what GET /auth/session answers them, and static the nine
	// headers that the app gets, as lines of a Caddyfile.
	session string
	static  string
	// answered are the further headers of that answer, as lines too.
	answered string
}

// usersFile is somebody to be signed in as; the rig makes its sessions itself.
const usersFile = "users:\n  - { id: 1, email: person-1@example.com, disabled: false," +
	" password: \"$argon2id$v=19$m=64,t=1,p=1$c2lkZWdhdGUtdGVzdC1zYWx0$oTLkXkLUVwxfonMQa7fFoDmldh0ucNpBPQbDhn//lUc\" }\n"

// newRig starts what all arms share.
func newRig(ctx context.Context, c config, out io.Writer) (*rig, error) {
	r := &rig{config: c, out: out, proc: os.DirFS("/proc"), caddy: c.caddy}
	if err := r.set(ctx); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *rig) set(ctx context.Context) (err error) {
	if r.dir, err = os.MkdirTemp("", "sidegate-bench-"); err != nil {
		return err
	}
	r.usersFile = filepath.Join(r.dir, "users.yaml")
	if err = os.WriteFile(r.usersFile, []byte(usersFile), 0o600); err != nil {
		return err
	}
	if r.caddy == "" {
		r.caddy = filepath.Join(r.dir, "caddy")
		r.say("building caddy ...")
		if err = buildCaddy(ctx, r.caddy); err != nil {
			return err
		}
	}
	if r.keys, err = newKeys(); err != nil {
		return err
	}
	if r.redis, err = startRedis(ctx, r.cores.rest, r.dir); err != nil {
		return err
	}
	if r.app, r.upstream, r.socket, err = startUpstream(ctx, r.cores.rest, r.dir); err != nil {
		return err
	}
	r.people = &population{count: 1, person: ordinary}
	if err = r.keys.signIn(ctx, r.redis.address, r.people); err != nil {
		return err
	}
	return r.learn(ctx)
}

// learn asks a gateway what the arms without one have to imitate.
func (r *rig) learn(ctx context.Context) error {
	run, err := r.start(ctx, &arm{name: "reference", routes: gate + plainProxy, people: r.people, check: bringsIdentity})
	if err != nil {
		return err
	}
	defer r.stopArms()
	answered, body, err := run.answer(sessionPath)
	if err != nil {
		return err
	}
	h, err := run.seen()
	if err != nil {
		return err
	}
	r.session, r.static, r.answered = string(body), staticLines(h), answerLines(answered)
	return isSession(body)
}

// startAll starts arms, those whose names -only asks for.
func (r *rig) startAll(ctx context.Context, list []*arm) ([]*running, error) {
	var started []*running
	for _, a := range list {
		if !r.only.MatchString(strings.TrimSuffix(a.name, beside)) {
			continue
		}
		run, err := r.start(ctx, a)
		if err != nil {
			return nil, err
		}
		started = append(started, run)
	}
	return started, nil
}

// stopArms stops every arm that was started.
func (r *rig) stopArms() {
	for _, run := range r.running {
		run.stop()
	}
	r.running = nil
}

// close stops everything and removes what was written down.
func (r *rig) close() error {
	r.stopArms()
	if r.app != nil {
		r.app.stop()
	}
	if r.redis != nil {
		_ = r.redis.client.Close()
		r.redis.stop()
	}
	if r.dir == "" {
		return nil
	}
	return os.RemoveAll(r.dir) // #nosec G703 -- what MkdirTemp made
}

func (r *rig) say(format string, args ...any) { _, _ = fmt.Fprintf(r.out, format+"\n", args...) }
