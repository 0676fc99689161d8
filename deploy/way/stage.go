package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"example.com/sidegate/deploy/way/recorder"
)

// stage is a gateway that is watched, with all that it needs, on loopback.
type stage struct {
	gateway, provider string // origins
	notes             *os.File
	unread            []byte // of a line that is not whole yet
	stops             []func()
}

// The people are those of the demo, and at the provider those that it has from
// the start: Ada is known at both.
const (
	email    = "ada@example.com"
	password = "sidegate-demo" // #nosec G101 -- of the demo
)

// A refresh token comes with offline_access. The client has no secret.
const caddyfile = `{
	admin off
	auto_https off
	persist_config off
	storage file_system %q
	sidegate {
		store embedded %q
		login users %q
		login oidc demo {
			issuer %s
			client_id demo-public
			scopes openid email profile offline_access
		}
		cookie {
			insecure
		}
	}
}
%s {
	bind 127.0.0.1
	session_endpoints
	session_auth
	reverse_proxy %s
}
`

// newStage builds and starts everything. The gateway is of that checkout, the
// provider of ours.
func newStage(ctx context.Context, ours, watched checkout, scratch string) (s *stage, err error) {
	s = new(stage)
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "app\n") }))
	s.stops = append(s.stops, app.Close)
	at, err := freeAddress(ctx)
	if err != nil {
		return s, err
	}
	s.gateway = "http://" + at
	if err := s.startProvider(ctx, ours, scratch); err != nil {
		return s, err
	}
	return s, s.startGateway(ctx, watched, scratch, app.Listener.Addr())
}

// startProvider builds and starts the OpenID provider of the tests, which is a
// module of its own.
func (s *stage) startProvider(ctx context.Context, ours checkout, scratch string) error {
	binary := filepath.Join(scratch, "provider")
	folder := filepath.Join(ours.dir, "deploy", "providertest")
	if _, err := goSays(ctx, folder, "build", "-buildvcs=false", "-o", binary, "./cmd/provider"); err != nil {
		return err
	}
	at, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	s.provider = "http://" + at
	p, err := start(ctx, "the provider", at, nil, binary, "-address", at,
		"-redirect", s.gateway+"/auth/callback/demo", "-logout", s.gateway+"/auth/backchannel-logout/demo")
	if err == nil {
		s.stops = append(s.stops, p.stop)
	}
	return err
}

func (s *stage) startGateway(ctx context.Context, watched checkout, scratch string, app net.Addr) error {
	binary, config, notes := filepath.Join(scratch, "caddy"), filepath.Join(scratch, "Caddyfile"), filepath.Join(scratch, "notes")
	if err := watched.buildWatched(ctx, scratch, binary); err != nil {
		return err
	}
	text := fmt.Sprintf(caddyfile, filepath.Join(scratch, "storage"), filepath.Join(scratch, "sessions.db"),
		filepath.Join(watched.dir, "deploy", "demo", "users.yaml"), s.provider, s.gateway, app)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	env := []string{recorder.Variable + "=" + notes, "HOME=" + scratch, "XDG_DATA_HOME=" + scratch, "XDG_CONFIG_HOME=" + scratch}
	p, err := start(ctx, "the gateway", strings.TrimPrefix(s.gateway, "http://"), env,
		binary, "run", "--adapter", "caddyfile", "--config", config)
	if err != nil {
		return err
	}
	s.stops = append(s.stops, p.stop)
	s.notes, err = os.Open(notes)
	return err
}

// close ends everything that was started.
func (s *stage) close() {
	for _, stop := range s.stops {
		stop()
	}
	if s.notes != nil {
		_ = s.notes.Close() // it was only read
	}
}

// watch follows what the gateway does while somebody visits it.
func (s *stage) watch(ctx context.Context, visit func(context.Context) error) (*trace, error) {
	if err := s.readInto(newTrace()); err != nil { // what was before, start-up too, is nobody's way
		return nil, err
	}
	if err := visit(ctx); err != nil {
		return nil, err
	}
	t := newTrace()
	return t, until(ctx, "the gateway is done", func() (bool, error) {
		err := s.readInto(t)
		return t.done(), err
	})
}

// readInto reads the lines that are new.
func (s *stage) readInto(t *trace) error {
	more, err := io.ReadAll(s.notes)
	if err != nil {
		return err
	}
	s.unread = append(s.unread, more...)
	for {
		line, rest, whole := bytes.Cut(s.unread, []byte("\n"))
		if !whole {
			return nil
		}
		s.unread = rest
		if err := t.read(string(line)); err != nil {
			return err
		}
	}
}
