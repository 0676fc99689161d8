package providertest

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/deploy/providertest/crm"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// site is what a gateway is configured with.
type site struct {
	// options are the logins, directories and further lines of the sidegate
	// block.
	options string
	// upstream is the app's origin.
	upstream string
	// auth are lines of the session_auth block.
	auth string
	// routes replace session_endpoints, session_auth and reverse_proxy.
	routes string
	// store is the line of the store. Default: one of the gateway's own.
	store string
	// global are further global options, such as debug.
	global string
	// cookie are the lines of the cookie block. Default: insecure.
	cookie string
}

// onRedis is the site with a store that several gateways share.
func (s site) onRedis(srv *redistest.Server) site {
	s.store = fmt.Sprintf("store redis %s\nsecret %q", srv.URL(), "the secret of the gateways under test")
	return s
}

func (s site) caddyfile(g *gateway) string {
	routes := cmp.Or(s.routes, fmt.Sprintf("session_endpoints\nsession_auth {\n%s\n}\nreverse_proxy %s", s.auth, s.upstream))
	return fmt.Sprintf(`{
	admin off
	auto_https off
	persist_config off
	storage file_system %q
	sidegate {
		%s
		cookie {
			%s
		}
		%s
	}
	%s
}
http://127.0.0.1:%s, http://localhost:%[6]s {
	bind 127.0.0.1
	%s
}
`, filepath.Join(g.dir, "storage"), cmp.Or(s.store, "store embedded "+filepath.Join(g.dir, "sessions.db")),
		cmp.Or(s.cookie, "insecure"), s.options, s.global, g.port, routes)
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
func register(p *provider.Provider, c provider.Client, login string, gateways ...*gateway) {
	for _, g := range gateways {
		c.RedirectURIs = append(c.RedirectURIs, g.origin+"/auth/callback/"+login)
		c.PostLogoutRedirectURIs = append(c.PostLogoutRedirectURIs, g.origin+"/auth/logout")
	}
	c.BackChannelLogoutURI = gateways[0].origin + "/auth/backchannel-logout/" + login
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
