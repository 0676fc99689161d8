package endpoint_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// The provider refuses the redirect_uri, and says so to the person alone.
func TestAProviderThatIsGivenPlainHTTPThoughPeopleComeOverTLSIsTold(t *testing.T) {
	idp := gatewaytest.NewIDP(t)
	const message = "a provider is given a redirect_uri of plain http"
	t.Run("once", func(t *testing.T) {
		s := gatewaytest.StartProcess(t, gatewaytest.Site{Bare: true, Options: idp.Login("sso", "")})
		for range 3 {
			s.Browser(t).Open("/auth/login/sso", "X-Forwarded-Proto", "https").Want(t, http.StatusSeeOther)
		}
		s.AwaitLog(`"level":"warn"`, message, `"login":"sso"`, `"redirect_uri":"`+s.URL+`/auth/callback/sso"`, "trusted_proxies", "public_url")
		if n := strings.Count(s.Log.String(), message); n != 1 {
			t.Errorf("it is told %d times", n)
		}
	})
	t.Run("not where the address is configured, or the proxy trusted", func(t *testing.T) {
		for name, site := range map[string]gatewaytest.Site{
			"public_url":      {Bare: true, Options: "public_url https://app.example.com\n" + idp.Login("sso", "")},
			"trusted_proxies": {Bare: true, Options: idp.Login("sso", ""), Global: "servers {\ntrusted_proxies static 127.0.0.1/32\n}"},
		} {
			s := gatewaytest.StartProcess(t, site)
			s.Browser(t).Open("/auth/login/sso", "X-Forwarded-Proto", "https").Want(t, http.StatusSeeOther)
			if strings.Contains(s.Log.String(), message) {
				t.Errorf("with %s it is told", name)
			}
		}
	})
}
