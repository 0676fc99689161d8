package identity

import "slices"

// Table is names of headers that are no identity headers of ours, folded.
type Table struct {
	families []string // beginnings
	names    []string
	alone    *Stripper // knows nothing else
}

func newTable(t Table) *Table {
	t.alone = newStripper().With(nil, &t)
	return &t
}

// Foreign are headers that a client may send for an app to believe, though
// nobody but a proxy in front of it should: who somebody is, as other gateways
// and clouds put it, and what was asked for before a proxy rewrote it.
var Foreign = newTable(Table{
	families: []string{
		"x-goog-", "x-appengine-user-", // Google's IAP and App Engine
		"cf-access-", "cf-client-cert-", // Cloudflare
		"x-amzn-oidc-", "x-amzn-mtls-", // AWS' load balancers
		"x-ms-client-principal", "x-ms-token-", // Azure's App Service
		"x-pomerium-", "tailscale-", "x-vouch-", "teleport-jwt-",
		"oidc-", "mellon-", "shib-", // Apache's mod_auth_openidc, mod_auth_mellon and Shibboleth
		"x-consumer-", "x-authenticated-", "x-credential-", // Kong
		"x-token-subject", "x-token-user-", // caddy-security
		"sm-", "oam-", "iv-", // SiteMinder, Oracle, WebSEAL
		"x-proxy-ext-", // OpenSearch's attributes, beside its user and roles below
		// Client certificates: nginx, Traefik, Envoy, Azure, RFC 9440.
		"ssl-client-", "x-ssl-client-", "x-forwarded-tls-client-", "x-forwarded-client-cert", "x-client-cert", "client-cert",
	},
	names: append([]string{
		"x-endpoint-api-userinfo", "x-apigateway-api-userinfo", // Google's API gateways
		"x-userinfo", "x-id-token", // APISIX and Kong, after OpenID Connect
		"x-anonymous-consumer", "x-jwt-assertion", "cas-user", "l5d-client-id",
		// Gatekeeper for Keycloak.
		"x-auth-audience", "x-auth-email", "x-auth-expiresin", "x-auth-groups", "x-auth-roles", "x-auth-subject", "x-auth-user",
		"x-auth-userid", "x-auth-username",
		"x-proxy-user", "x-proxy-roles", "x-proxy-remote-user", "x-sso-user", // OpenSearch and Nexus, as their documentation has it
		"kubeflow-userid", "kubeflow-groups", "x-rstudio-username", "thanos-tenant",
		"x-arr-clientcert", "x-ssl-cert", "x-client-dn", "x-client-verify",
	}, askedFor...),
})

// AskedFor are those of Foreign that tell an app of another path, or method, than
// that of the request.
var AskedFor = newTable(Table{names: askedFor})

// askedFor is what was asked for before a proxy rewrote it: Symfony, IIS, nginx,
// Traefik, Envoy, Spring, WSGI.
var askedFor = []string{
	"x-original-url", "x-rewrite-url", "x-original-uri", "x-original-path", "x-original-method", "x-forwarded-uri", "x-forwarded-url",
	"x-forwarded-path", "x-forwarded-prefix", "x-forwarded-method", "x-replaced-path", "x-envoy-original-path", "x-script-name",
	"x-request-uri",
}

// MethodOverrides are headers by which a client has an app take another method
// than that of the request, which the gateway decides on.
var MethodOverrides = newTable(Table{names: []string{
	"x-http-method-override", "x-method-override", "x-http-method", "x-http-verb-override", "x-method",
}})

// Names are those of the table, folded, and beginnings those by which names begin that
// are of it whatever follows.
func (t *Table) Names() (names, beginnings []string) {
	return slices.Clone(t.names), slices.Clone(t.families)
}

// Has reports whether the header is one of the table, in any spelling.
func (t *Table) Has(name string) bool {
	return name != "" && t.alone.first[name[0]] && t.alone.knows(name)
}

// With returns a stripper that deletes those of the tables too, but for the
// kept names in their canonical spelling; another spelling goes.
func (s *Stripper) With(kept []string, tables ...*Table) *Stripper {
	more := *s
	for i, families := range s.families {
		more.families[i] = slices.Clone(families)
	}
	more.byLength = make([][]string, len(s.byLength))
	for i, names := range s.byLength {
		more.byLength[i] = slices.Clone(names)
	}
	more.kept = slices.Concat(s.kept, kept)
	for _, t := range tables {
		for _, f := range t.families {
			more.addFamily(f)
		}
		for _, n := range t.names {
			more.add(n)
		}
	}
	return &more
}
