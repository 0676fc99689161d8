package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Who signs in at mod_auth_openidc, and by which client: those that the
// provider of deploy/providertest has from the start. The client has no secret.
const (
	claimsEmail  = "ada@example.com"
	claimsClient = "demo-public"
)

const (
	// openIDCCookie is the module's own name for it.
	openIDCCookie = "mod_auth_openidc_session"
	// openIDCPage is what somebody who signs in asks for, by the name that all
	// requests have: the module's sessions are good for no other. And
	// openIDCCallback is where the provider sends them back to.
	openIDCPage     = "http://" + appHost + appPath
	openIDCCallback = "http://" + appHost + callbackPath
	callbackPath    = "/openid-callback"
)

// openIDCModules are what the module needs besides itself.
var openIDCModules = []string{"authn_core", "authz_user", "auth_openidc"}

// Of the claims there are left about as many as the gateway sends headers:
// without that list there are 22, which cost the peer more. The session lasts
// longer than any run. Sealing of what is in Redis is on, as by default.
const openIDCText = `{provider}OIDCProviderTokenEndpointAuth none
OIDCClientID {client}
OIDCPKCEMethod S256
OIDCScope "openid email profile"
OIDCRedirectURI {redirect}
OIDCCryptoPassphrase {passphrase}
OIDCSessionType server-cache
OIDCSessionInactivityTimeout 7200
OIDCCacheType redis
OIDCRedisCacheServer {redis}
OIDCPassClaimsAs headers
OIDCWhiteListedClaims sub email email_verified name uid groups realm_access organization
OIDCStripCookies {cookie}
OIDCCookieSameSite On
<Location />
AuthType openid-connect
Require valid-user
</Location>
ProxyPass {callback} !
`

// byMetadata says who the provider is as the module's documentation does. Its
// metadata is kept in Redis and asked for with the session, on each request.
func byMetadata(issuer string) string {
	return "OIDCProviderMetadataURL " + issuer + "/.well-known/openid-configuration\n"
}

// byEndpoints spares the module that second look-up by writing down what is in
// the metadata. There it insists on https, which the provider has none of: with
// these lines nobody can sign in, and requests with a session are served.
func byEndpoints(issuer string) string {
	at := strings.Replace(issuer, "http://", "https://", 1)
	return "OIDCProviderIssuer " + issuer + "\nOIDCProviderAuthorizationEndpoint " + at + "/authorize\nOIDCProviderTokenEndpoint " + at +
		"/oauth/token\nOIDCProviderUserInfoEndpoint " + at + "/userinfo\nOIDCProviderJwksUri " + at + "/keys\n"
}

// openIDC are the lines that protect everything behind a server.
func openIDC(provider, redis, passphrase string) string {
	return strings.NewReplacer("{provider}", provider, "{client}", claimsClient, "{redirect}", openIDCCallback, "{callback}", callbackPath,
		"{passphrase}", passphrase, "{redis}", redis, "{cookie}", openIDCCookie).Replace(openIDCText)
}

// launchOpenIDC starts Apache httpd with the module and signs Ada in.
func launchOpenIDC(ctx context.Context, r *rig, run *running) error {
	_, err := signedInHTTPD(ctx, r, run)
	return err
}

// launchOpenIDCStatic does so, and starts the server once more without the
// provider's metadata. The session is in Redis and stays good.
func launchOpenIDCStatic(ctx context.Context, r *rig, run *running) error {
	issuer, err := signedInHTTPD(ctx, r, run)
	if err != nil {
		return err
	}
	run.stop()
	run.procs = nil
	return startOpenIDC(ctx, r, run, byEndpoints(issuer))
}

// signedInHTTPD leaves a server with a session. The provider is there for the
// sign-in alone: a request with a session asks nothing of it, and would fail
// if it did.
func signedInHTTPD(ctx context.Context, r *rig, run *running) (issuer string, err error) {
	dir, err := r.armDir(run)
	if err != nil {
		return "", err
	}
	provider, issuer, err := r.startProvider(ctx, dir, openIDCCallback)
	if err != nil {
		return "", err
	}
	defer provider.stop()
	if err := startOpenIDC(ctx, r, run, byMetadata(issuer)); err != nil {
		return "", err
	}
	return issuer, signInAtModule(ctx, run)
}

// startOpenIDC starts the server with those lines for the provider.
func startOpenIDC(ctx context.Context, r *rig, run *running, provider string) error {
	dir, err := r.armDir(run)
	if err != nil {
		return err
	}
	h := newHTTPD(dir, run.address, r.upstream, r.cores.ofArm(), r.connections)
	h.modules, h.extra = openIDCModules, openIDC(provider, r.redis.address, r.keys.secret)
	return startApache(ctx, run, h)
}

// signInAtModule has the arm's requests come from Ada.
func signInAtModule(ctx context.Context, run *running) error {
	b := newBrowser(run.address)
	defer b.close()
	if err := b.signIn(ctx, openIDCPage, claimsEmail); err != nil {
		return err
	}
	cookie, err := b.cookie(openIDCPage, openIDCCookie)
	run.header = "Cookie: " + cookie
	return err
}

// startProvider builds and starts the OpenID provider of the tests, which is
// a module of its own.
func (r *rig) startProvider(ctx context.Context, dir, redirect string) (p *process, issuer string, err error) {
	binary := filepath.Join(dir, "provider")
	if err = buildProvider(ctx, binary); err != nil {
		return nil, "", err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	p, err = start(ctx, r.cores.rest, "the OpenID provider", nil, binary, "-address", address, "-redirect", redirect)
	if err != nil {
		return nil, "", err
	}
	if err = p.listens(ctx, "tcp", address); err != nil {
		p.stop()
		return nil, "", err
	}
	return p, "http://" + address, nil
}

func buildProvider(ctx context.Context, to string) error {
	top, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "example.com/sidegate").Output()
	if err != nil {
		return fmt.Errorf("finding the provider's folder (run the rig from inside the repository): %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", to, "./cmd/provider") //nolint:gosec // our own folder
	cmd.Dir = filepath.Join(strings.TrimSpace(string(top)), "deploy", "providertest")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the OpenID provider: %w\n%s", err, said)
	}
	return nil
}

// bringsClaims makes sure that the module tells the upstream who it is, and
// keeps the cookie to itself as the gateway does.
func bringsClaims(run *running) error {
	h, err := run.seen()
	if err != nil {
		return err
	}
	for name, want := range map[string]string{"OIDC_CLAIM_email": claimsEmail, "OIDC_CLAIM_uid": "1001"} {
		if values := h.Values(name); len(values) != 1 || values[0] != want {
			return fmt.Errorf("the upstream gets %d headers %s, and not the right one", len(values), name)
		}
	}
	if h.Get("Cookie") != "" {
		return errors.New("the upstream is given the session's cookie")
	}
	return nil
}
