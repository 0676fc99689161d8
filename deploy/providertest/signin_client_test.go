package providertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/deploy/providertest/provider"
)

// Four clients of one provider show it in four ways who they are, each in that
// way and in no other. PKCE goes with all of them (RFC 9700 section 2.1.1).
func TestEveryClientAuthentication(t *testing.T) {
	t.Parallel()
	key, file := clientKey(t)
	p := startProvider(t, provider.Config{Algorithm: "ES256"})
	clients := map[string]provider.Client{
		"basic": {ID: "shop basic&=", Secret: "sëcret: with +&% signs"},
		"post":  {ID: "shop-post", Secret: "sëcret: with +&% signs"},
		"key":   {ID: "shop-key", PublicKey: key.Public()},
		"none":  {ID: "shop-none"},
	}
	g := newGateway(t, gatewaytest.Site{Upstream: "127.0.0.1:1", Options: strings.Join([]string{
		`login oidc basic {`, `issuer ` + p.Issuer(), "client_id `" + clients["basic"].ID + "`", "client_secret `" + clients["basic"].Secret + "`", `}`,
		oidcLogin(t, "post", p, clients["post"], "client_auth client_secret_post"),
		oidcLogin(t, "key", p, clients["key"], "client_auth private_key_jwt", "client_key "+file+" shop-1"),
		oidcLogin(t, "none", p, clients["none"], "client_auth none"),
	}, "\n")})
	for name, client := range clients {
		register(p, client, name, g)
	}
	g.Start()
	w := newWitness(p)
	for name, shows := range map[string][3]bool{ // by header, secret in the form, assertion in the form
		"basic": {true, false, false}, "post": {false, true, false}, "key": {false, false, true}, "none": {},
	} {
		t.Run(name, func(t *testing.T) {
			signedIn(t, g, name, adaAddress)
			sent := w.last()
			got := [3]bool{sent.Header.Get("Authorization") != "", sent.PostForm.Has("client_secret"), sent.PostForm.Has("client_assertion")}
			if got != shows {
				t.Errorf("the client shows itself by header, secret, assertion: %v, want %v", got, shows)
			}
			if len(sent.PostForm.Get("code_verifier")) != 43 {
				t.Error("there is no code_verifier")
			}
		})
	}
}

func clientKey(t *testing.T) (key *ecdsa.PrivateKey, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, writeFile(t, "client.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// A client that the provider does not believe is a matter for the operator:
// the page says so to the person, and the log says what to look at.
func TestAClientThatIsNotBelievedIsTheOperatorsMatter(t *testing.T) {
	t.Parallel()
	s := openShop(t, provider.Config{})
	s.client.Secret = "the-secret-was-changed-there"
	register(s.provider, s.client, "keycloak", s.Process)
	v := provider.NewVisitor(adaAddress)
	wantFailure(t, mustVisit(t, v, s.URL+"/auth/login/keycloak"), http.StatusUnauthorized, web.Misconfigured)
	wantStranger(t, v, s.Process)
	gatewaytest.Await(t, "the log has a word of it", func() bool { return strings.Contains(s.Log.String(), "check client_id, client_secret") })
}

// Without ca a certificate that nobody vouches for is refused, and the log
// names the option.
func TestAProviderWhoseCertificateIsNotTrustedIsNotAsked(t *testing.T) {
	t.Parallel()
	p := startProvider(t, provider.Config{TLS: true, Algorithm: "ES256"})
	g := startGateway(t, gatewaytest.Site{Upstream: "127.0.0.1:1", Options: block("login oidc keycloak", "issuer "+p.Issuer(), "client_id shop")})
	wantFailure(t, mustOpen(t, provider.NewVisitor(""), g.URL+"/auth/login/keycloak"), http.StatusServiceUnavailable, web.ProviderAway)
	gatewaytest.Await(t, "the log has a word of it", func() bool { return strings.Contains(g.Log.String(), "with the ca option") })
	if n := p.At(provider.Discovery).Count(); n != 0 {
		t.Errorf("it was asked %d times", n)
	}
}
