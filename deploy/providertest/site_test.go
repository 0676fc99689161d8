package providertest

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/crm"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
)

func TestMain(m *testing.M) {
	// Most tests wait for a pause or a time-out and need no processor meanwhile.
	_ = flag.Set("test.parallel", "8") // what the command line says comes later, and wins
	gatewaytest.Main(m)
}

// newGateway takes a port for a gateway, so that its address can be registered
// before it starts. It has what the test configures and nothing else.
func newGateway(t *testing.T, s gatewaytest.Site) *gatewaytest.Process {
	t.Helper()
	s.Bare = true
	return gatewaytest.NewProcess(t, s)
}

// startGateway runs a gateway until the test ends.
func startGateway(t *testing.T, s gatewaytest.Site) *gatewaytest.Process {
	t.Helper()
	g := newGateway(t, s)
	g.Start()
	return g
}

// validate says what `caddy validate` says of the site, and its exit code.
func validate(t *testing.T, g *gatewaytest.Process) (said string, code int) {
	t.Helper()
	return gatewaytest.RunCaddy(t, g.Dir, "validate", "--adapter", "caddyfile", "--config", g.ConfigFile())
}

// block is a line with a block of further ones.
func block(line string, lines ...string) string {
	return line + " {\n\t" + strings.Join(lines, "\n\t") + "\n}\n"
}

// signInOptions are lines of `login oidc` that most tests want: a refresh
// token comes with offline_access.
const signInOptions = "scopes openid email profile offline_access"

// oidcLogin signs in at the provider as that client.
func oidcLogin(t *testing.T, name string, p *provider.Provider, c provider.Client, more ...string) string {
	t.Helper()
	lines := []string{"issuer " + p.Issuer(), "client_id " + c.ID}
	if c.Secret != "" {
		lines = append(lines, fmt.Sprintf("client_secret %q", c.Secret))
	}
	if pem := p.CertificatePEM(); pem != nil {
		lines = append(lines, "ca "+writeFile(t, "ca.pem", pem))
	}
	return block("login oidc "+name, append(lines, more...)...)
}

// legacyLogin signs in by the app's own login.
func legacyLogin(name string, a *legacy.App, more ...string) string {
	return block("login app "+name+" "+a.URL()+"/api/login", more...)
}

// crmCredential opens the directory of the tests.
const crmCredential = "crm-credential"

// crmDirectory asks the directory by the person's address.
func crmDirectory(name string, d *crm.Directory, more ...string) string {
	lines := append([]string{fmt.Sprintf("header Authorization %q", "Bearer "+crmCredential)}, more...)
	return block("directory http "+name+" "+d.URL("{identity.email}"), lines...)
}

// mapping is a block of expressions by field, each in backquotes.
func mapping(pairs ...string) string {
	var lines []string
	for i := 0; i < len(pairs); i += 2 {
		lines = append(lines, pairs[i]+" `"+pairs[i+1]+"`")
	}
	return strings.TrimSuffix(block("map", lines...), "\n")
}

// register tells the provider where that login of these gateways is. The first
// of them hears of sessions that end.
func register(p *provider.Provider, c provider.Client, login string, gateways ...*gatewaytest.Process) {
	for _, g := range gateways {
		c.RedirectURIs = append(c.RedirectURIs, g.URL+"/auth/callback/"+login)
		c.PostLogoutRedirectURIs = append(c.PostLogoutRedirectURIs, g.URL+"/auth/logout")
	}
	c.BackChannelLogoutURI = gateways[0].URL + "/auth/backchannel-logout/" + login
	p.SetClient(c)
}

func writeFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startProvider, startLegacy and startCRM run the parts with their demo people
// until the test ends.
func startProvider(t *testing.T, c provider.Config) *provider.Provider {
	t.Helper()
	if c.People == nil {
		c.People = provider.DemoPeople()
	}
	p, err := provider.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// trusting is what a browser sends by that trusts the provider's certificate.
func trusting(t *testing.T, p *provider.Provider) *http.Transport {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(p.CertificatePEM()) {
		t.Fatal("the provider has no certificate")
	}
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
}

func startLegacy(t *testing.T) *legacy.App {
	t.Helper()
	a, err := legacy.Start(legacy.Config{Users: legacy.DemoUsers()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func startCRM(t *testing.T) *crm.Directory {
	t.Helper()
	d, err := crm.Start(crm.Config{Credential: crmCredential, Entries: crm.DemoEntries()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}
