package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	armOAuth2Proxy   = "oauth2-proxy"
	armForwardAuth   = "forward-auth"
	armApache        = "apache-proxy"
	armOpenIDC       = "mod_auth_openidc"
	armOpenIDCStatic = "mod_auth_openidc-static"
)

// peerNames are the arms whose goals are printed even when they are not there,
// lest the table look complete.
var peerNames = []string{armOAuth2Proxy, armForwardAuth, armOpenIDC, armOpenIDCStatic}

// peers are other gateways that do the same job, where their binaries are given
// or installed.
func (r *rig) peers() []*arm {
	var list []*arm
	if r.oauth2Proxy != "" {
		list = append(list,
			&arm{name: armOAuth2Proxy, about: "oauth2-proxy, session in Redis", peer: true, launch: launchOAuth2Proxy, check: bringsEmail("X-Forwarded-User")},
			&arm{name: armForwardAuth, about: "Caddy: forward_auth to oauth2-proxy", peer: true, launch: launchForwardAuth, check: bringsEmail("X-Auth-Request-User")},
		)
	}
	if r.apache {
		list = append(list, apachePeers()...)
	}
	return list
}

// The person who signs in at peers; the hash is SHA-1 of the password, as
// htpasswd -s writes it, so that signing in takes no time.
const (
	peerName     = "person-1@example.com"
	peerPassword = "bench-rig"
	peerHtpasswd = peerName + ":{SHA}Jqpr+QA/pchKAXKdChX26h95h8M=\n"
)

// launchOAuth2Proxy starts it in front of the app.
func launchOAuth2Proxy(ctx context.Context, r *rig, run *running) error {
	return oauth2Proxy(ctx, r, run, run.address)
}

// launchForwardAuth starts a Caddy that asks an oauth2-proxy of its own about
// every request. The CPU of both counts.
func launchForwardAuth(ctx context.Context, r *rig, run *running) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	if err := oauth2Proxy(ctx, r, run, address); err != nil {
		return err
	}
	run.routes = "forward_auth " + address + " {\nuri /oauth2/auth\ncopy_headers X-Auth-Request-User X-Auth-Request-Email\n}\n" + plainProxy
	return launchCaddy(ctx, r, run)
}

// oauth2Proxy starts oauth2-proxy at that address and signs somebody in. Its
// provider is never asked: the password is checked by itself.
func oauth2Proxy(ctx context.Context, r *rig, run *running, address string) error {
	file := filepath.Join(r.dir, run.name+".htpasswd")
	if err := os.WriteFile(file, []byte(peerHtpasswd), 0o600); err != nil { // #nosec G703 -- below a folder of our own
		return err
	}
	p, err := start(ctx, r.cores.arms, "oauth2-proxy of "+run.name, nil, r.oauth2Proxy,
		"--http-address="+address, "--upstream=http://"+r.upstream+"/", "--provider=github",
		"--client-id=bench", "--client-secret=bench", "--cookie-secret="+r.keys.secret[:32],
		"--cookie-secure=false", "--email-domain=*", "--htpasswd-file="+file, "--set-xauthrequest",
		"--session-store-type=redis", "--redis-connection-url="+redisURL(r.redis.address, 0),
		// None of ours writes a line for each request either.
		"--request-logging=false", "--auth-logging=false", "--standard-logging=false")
	if err != nil {
		return err
	}
	run.procs = append(run.procs, p)
	if err := p.listens(ctx, "tcp", address); err != nil {
		return err
	}
	cookie, err := signInAtPeer(ctx, address)
	run.header = "Cookie: " + cookie
	return err
}

// signInAtPeer returns the session cookie, name=value.
func signInAtPeer(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	form := url.Values{"username": {peerName}, "password": {peerPassword}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/oauth2/sign_in", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// Not through a client, which would follow the redirect.
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	for _, c := range resp.Cookies() {
		if c.MaxAge >= 0 && c.Value != "" {
			return c.Name + "=" + c.Value, nil
		}
	}
	return "", fmt.Errorf("oauth2-proxy answers the sign-in with %s and no cookie", resp.Status)
}

// bringsEmail makes sure that a peer tells the upstream who it is.
func bringsEmail(header string) func(*running) error {
	return func(run *running) error {
		h, err := run.seen()
		if err == nil && !strings.HasPrefix(h.Get(header), "person-1") {
			err = errors.New("the upstream is not told who it is")
		}
		return err
	}
}
