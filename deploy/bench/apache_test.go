package main

import (
	"net/http"
	"path"
	"strings"
	"testing"
	"testing/fstest"
)

func TestApacheIsThere(t *testing.T) {
	module := apacheModules + "/" + openIDCModule
	for _, c := range []struct {
		name string
		root fstest.MapFS
		want bool
	}{
		{"with both packages", fstest.MapFS{apacheBinary: file(""), module: file("")}, true},
		{"not without the module", fstest.MapFS{apacheBinary: file("")}, false},
		{"not without the server", fstest.MapFS{module: file("")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := hasApache(c.root); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestPeersJoinWhenTheyAreThere(t *testing.T) {
	for _, c := range []struct {
		name   string
		config config
		want   string
	}{
		{"none by default", config{}, ""},
		{"oauth2-proxy when it is given", config{oauth2Proxy: "oauth2-proxy"}, "oauth2-proxy forward-auth"},
		{"Apache httpd when it is installed", config{apache: true}, "apache-proxy mod_auth_openidc mod_auth_openidc-static"},
		{"all of them", config{oauth2Proxy: "oauth2-proxy", apache: true}, "oauth2-proxy forward-auth apache-proxy mod_auth_openidc mod_auth_openidc-static"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var names []string
			for _, a := range (&rig{config: c.config}).peers() {
				names = append(names, a.name)
				if !a.peer {
					t.Errorf("%s sets the pace for our own arms", a.name)
				}
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

// directives are the lines of a configuration by their first word.
func directives(text string) map[string][]string {
	all := make(map[string][]string)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[name] = append(all[name], value)
	}
	return all
}

func TestTheConfigurationOfApache(t *testing.T) {
	h := newHTTPD("/rig/arms/a", "127.0.0.1:1", "127.0.0.1:2", 2, 100)
	h.processes = 3
	got := directives(h.text())
	for name, want := range map[string]string{
		"ServerRoot": "/rig/arms/a", "DefaultRuntimeDir": "/rig/arms/a", "PidFile": "/rig/arms/a/apache2.pid",
		"Listen": "127.0.0.1:1", "ProxyPass": "/ http://127.0.0.1:2/", "ServerName": appHost,
		// As many processes as ever will be, and none that ends.
		"StartServers": "3", "ServerLimit": "3", "ThreadsPerChild": "100", "ThreadLimit": "100",
		"MaxRequestWorkers": "300", "MaxSpareThreads": "300", "MaxConnectionsPerChild": "0",
		"KeepAlive": "On", "MaxKeepAliveRequests": "0",
	} {
		if len(got[name]) != 1 || got[name][0] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if got["CustomLog"] != nil || got["TransferLog"] != nil {
		t.Error("requests are logged, as those of no other arm are")
	}
	if strings.ContainsAny(h.text(), "{}") {
		t.Errorf("something is not filled in:\n%s", h.text())
	}
	if few := newHTTPD("", "", "", 2, 1); few.threads != minThreads || few.processes != 2 {
		t.Errorf("for one connection there are %d processes of %d threads", few.processes, few.threads)
	}
}

func TestModulesOfApache(t *testing.T) {
	one := httpd{modules: openIDCModules}.text()
	two := directives(httpd{}.text())["LoadModule"]
	if len(two) != len(baseModules) {
		t.Errorf("the proxy alone loads %q", two)
	}
	lines := directives(one)["LoadModule"]
	if len(lines) != len(baseModules)+len(openIDCModules) {
		t.Errorf("%d modules", len(lines))
	}
	for _, line := range lines {
		name, at, _ := strings.Cut(line, " ")
		if path.Dir(at) != "/"+apacheModules || path.Base(at) != "mod_"+strings.TrimSuffix(name, "_module")+".so" {
			t.Errorf("LoadModule %s", line)
		}
	}
	if !strings.Contains(one, "/"+openIDCModule+"\n") {
		t.Error("the module that is measured is not loaded")
	}
}

func TestTheConfigurationOfOpenIDC(t *testing.T) {
	h := newHTTPD("/rig/arms/a", "127.0.0.1:1", "127.0.0.1:2", 1, 8)
	h.modules, h.extra = openIDCModules, openIDC(byMetadata("http://127.0.0.1:3"), "127.0.0.1:4", "passphrase")
	text := h.text()
	got := directives(text)
	for name, want := range map[string]string{
		"OIDCProviderMetadataURL": "http://127.0.0.1:3/.well-known/openid-configuration",
		"OIDCRedirectURI":         "http://app.example.com/openid-callback",
		"OIDCCacheType":           "redis", "OIDCRedisCacheServer": "127.0.0.1:4", "OIDCSessionType": "server-cache",
		"OIDCCryptoPassphrase": "passphrase", "OIDCPKCEMethod": "S256", "OIDCClientID": claimsClient,
		"OIDCPassClaimsAs": "headers", "OIDCStripCookies": openIDCCookie,
		"<Location": "/>", "AuthType": "openid-connect", "Require": "valid-user",
	} {
		if len(got[name]) != 1 || got[name][0] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if strings.ContainsAny(text, "{}") {
		t.Errorf("something is not filled in:\n%s", text)
	}
	// The first that fits counts, so the callback must not be the app's.
	if p := got["ProxyPass"]; len(p) != 2 || p[0] != callbackPath+" !" {
		t.Errorf("ProxyPass %q", p)
	}
	if got["OIDCCacheEncrypt"] != nil {
		t.Error("the module does not seal as it does by default")
	}
}

func TestEndpointsInsteadOfMetadata(t *testing.T) {
	got := directives(openIDC(byEndpoints("http://127.0.0.1:3"), "127.0.0.1:4", "passphrase"))
	// The session names its issuer, which must be the very same.
	if issuer := got["OIDCProviderIssuer"]; len(issuer) != 1 || issuer[0] != "http://127.0.0.1:3" {
		t.Errorf("issuer %q", issuer)
	}
	if got["OIDCProviderMetadataURL"] != nil {
		t.Error("the metadata is asked for all the same")
	}
	for _, name := range []string{"AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint", "JwksUri"} {
		if at := got["OIDCProvider"+name]; len(at) != 1 || !strings.HasPrefix(at[0], "https://127.0.0.1:3/") {
			t.Errorf("%s %q", name, at)
		}
	}
}

func TestAModuleThatSkipsItsWorkIsFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(http.Header)
		fail   string
	}{
		{"claims of the right person are good", func(http.Header) {}, ""},
		{"no claims", func(h http.Header) { clear(h) }, "0 headers OIDC_CLAIM_"},
		{"somebody else", func(h http.Header) { h.Set("OIDC_CLAIM_email", "grace@example.com") }, "OIDC_CLAIM_email, and not the right one"},
		{"a claim twice", func(h http.Header) { h.Add("OIDC_CLAIM_uid", "1") }, "2 headers OIDC_CLAIM_uid"},
		{"the cookie passed on", func(h http.Header) { h.Set("Cookie", openIDCCookie+"=secret") }, "session's cookie"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := armAt(t, ordinary, func(w http.ResponseWriter, r *http.Request) {
				r.Header = http.Header{"Oidc_claim_email": {claimsEmail}, "Oidc_claim_uid": {"1001"}}
				c.change(r.Header)
				upstream().ServeHTTP(w, r)
			})
			expect(t, bringsClaims(run), c.fail)
		})
	}
}
