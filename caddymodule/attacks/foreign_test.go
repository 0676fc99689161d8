package attacks_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// foreigners are headers that an app may believe of other gateways, and that
// change what is asked for.
var foreigners = strings.Fields(`
	X-Goog-Authenticated-User-Email X-Goog-Iap-Jwt-Assertion X-Appengine-User-Is-Admin X-Endpoint-Api-Userinfo
	Cf-Access-Authenticated-User-Email Cf-Access-Jwt-Assertion X-Amzn-Oidc-Data X-Amzn-Oidc-Identity X-Amzn-Mtls-Clientcert
	X-Ms-Client-Principal X-Ms-Client-Principal-Name X-Pomerium-Jwt-Assertion X-Pomerium-Claim-Email
	Tailscale-User-Login Tailscale-User-Name Oidc-Claim-Email Oidc-Access-Token X-Vouch-User X-Consumer-Username
	X-Authenticated-Userid X-Userinfo X-Token-User-Email X-Auth-Roles Sm-User Iv-User Shib-Session-Id
	Ssl-Client-Cert X-Ssl-Client-S-Dn X-Forwarded-Client-Cert X-Forwarded-Tls-Client-Cert-Info Client-Cert X-Arr-Clientcert
	X-Proxy-User X-Proxy-Roles X-Proxy-Ext-Spaces X-Proxy-Remote-User X-Sso-User Kubeflow-Userid Kubeflow-Groups X-Rstudio-Username Thanos-Tenant
	X-Original-Url X-Rewrite-Url X-Original-Uri X-Forwarded-Uri X-Forwarded-Prefix X-Forwarded-Path`)

func sendAll(names []string) (lines string) {
	for _, name := range names {
		for _, spelled := range spellings(name) {
			lines += spelled + ": forged\n"
		}
	}
	return lines
}

// Behind this gateway there is no other one, unless its operator says so.
func TestWhatOtherGatewaysSayIsDeletedOnRoutesWithOurHandlers(t *testing.T) {
	s, up, cookies := guard(t)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			for from := 0; from < len(foreigners); from += 12 { // Caddy takes 16 KiB of headers
				s.Exchange(t, k.request("GET", cookies, sendAll(foreigners[from:min(from+12, len(foreigners))]), ""))
				k.wantTrue(t, up.One(t))
			}
		})
	}
}

func TestWhatATrustedProxySaysOfThePersonAndThePathArrives(t *testing.T) {
	up := gatewaytest.NewWire(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Auth: "optional",
		Global: "servers {\ntrusted_proxies static 127.0.0.1/32\n}"})
	var lines string
	for _, name := range foreigners {
		lines += name + ": told\n"
	}
	s.Exchange(t, "GET /app HTTP/1.1\nHost: 127.0.0.1\nX-Session-Email: forged\nX-Remote-User: forged\n"+lines+"\n")
	a := up.One(t)
	for _, name := range foreigners {
		a.Want(t, name, "told")
	}
	if strings.Contains(a.Raw, forged) {
		t.Errorf("our own names are believed of nobody:\n%s", a.Raw)
	}
}

// An app that reads a preset's names may read others of their kind, which are the
// client's to say under no preset.
func TestWhatAppsReadBesideThePresetsNamesIsDeleted(t *testing.T) {
	s, up, cookies := guard(t)
	for app, names := range map[string]string{
		"NetBox and Peering Manager": "Remote-User-Group Remote-User-Email Remote-User-First-Name Remote-User-Last-Name",
		"Foreman":                    "Remote-User-Groups Remote-User-Firstname Remote-User-Lastname",
		"Dozzle":                     "Remote-Roles Remote-Filter",
		"Rundeck":                    "X-Forwarded-Uuid X-Forwarded-Roles X-Forwarded-User-Firstname X-Forwarded-User-Email",
		"SonarQube":                  "X-Forwarded-Login X-Forwarded-Name",
		"Redash":                     "X-Forwarded-Remote-User",
		"behind Kubernetes' names":   "X-Remote-Groups X-Remote-Email X-Remote-Name X-Remote-User-Groups",
		"OpenSearch":                 "X-Proxy-User X-Proxy-Roles X-Proxy-Ext-Spaces",
		"Nexus":                      "X-Sso-User X-Proxy-Remote-User",
		"Kubeflow":                   "Kubeflow-Userid Kubeflow-Groups",
		"RStudio and Thanos":         "X-Rstudio-Username Thanos-Tenant",
	} {
		for _, k := range kinds {
			t.Run(app+" on "+k.name, func(t *testing.T) {
				s.Exchange(t, k.request("GET", cookies, sendAll(strings.Fields(names))+"X-Remote-Ip: ordinary\nX-Forwarded-User-Agent: ordinary\n", ""))
				a := up.One(t)
				k.wantTrue(t, a)
				a.Want(t, "X-Remote-Ip", "ordinary")
				a.Want(t, "X-Forwarded-User-Agent", "ordinary")
			})
		}
	}
}

func TestAHeaderThatAnOperatorKeepsPassesAndNoOther(t *testing.T) {
	up := gatewaytest.NewWire(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: `
		handle /alone/* {
			session_endpoints {
				keep_header Oidc-Claim-Email
			}
			reverse_proxy {upstream}
		}
		session_endpoints
		session_auth /kept/* {
			optional
			keep_header x-goog-authenticated-user-email X-Forwarded-Prefix
		}
		session_auth /not/* {
			optional
		}
		reverse_proxy {upstream}`})
	const lines = "X-Goog-Authenticated-User-Email: kept\nX-Goog-Authenticated-User-Id: forged\nx~goog~authenticated~user~email: forged\n" +
		"X-Forwarded-Prefix: kept\nX-Forwarded-Uri: forged\nOidc-Claim-Email: kept\n"
	for path, want := range map[string][3]string{
		"/kept/x":  {"kept", "kept", ""},
		"/not/x":   {"", "", ""},
		"/else/x":  {"", "", ""},
		"/alone/x": {"", "", "kept"},
	} {
		t.Run(path, func(t *testing.T) {
			s.Exchange(t, "GET "+path+" HTTP/1.1\nHost: 127.0.0.1\n"+lines+"\n")
			a := up.One(t)
			for i, name := range []string{"X-Goog-Authenticated-User-Email", "X-Forwarded-Prefix", "Oidc-Claim-Email"} {
				if got := strings.Join(a.Values(name), ","); got != want[i] {
					t.Errorf("%s arrived as %q, want %q", name, got, want[i])
				}
			}
			if strings.Contains(a.Raw, forged) {
				t.Errorf("another one arrived:\n%s", a.Raw)
			}
		})
	}
}

// WordPress' editor sends an override with every write: it passes where no rule
// looks at the method, and nowhere else.
func TestAMethodOverridePassesWhereNoRuleLooksAtTheMethod(t *testing.T) {
	const rest = "\nsession_endpoints /auth/*\nreverse_proxy {upstream}"
	for name, tt := range map[string]struct {
		routes string
		passes bool
	}{
		"no matcher":                        {"session_auth {\noptional\n}" + rest, true},
		"a matcher on the path":             {"session_auth /x* {\noptional\n}\nsession_auth /admin/*" + rest, true},
		"a matcher on the method elsewhere": {"@post method POST\nheader @post X-Post yes\nsession_auth {\noptional\n}" + rest, true},
		"on session_auth":                   {"@write method POST PUT\nsession_auth @write {\noptional\n}\nsession_auth /x* {\noptional\n}" + rest, false},
		"on session_auth, turned round":     {"@write not method GET HEAD\nsession_auth @write\nsession_auth {\noptional\n}" + rest, false},
		"as an expression":                  {"@write `{method} != \"GET\"`\nsession_auth @write\nsession_auth {\noptional\n}" + rest, false},
		"as a variable":                     {"@write vars {http.request.method} DELETE\nsession_auth @write\nsession_auth {\noptional\n}" + rest, false},
		"through a map":                     {"map {http.request.method} {needs} {\nDELETE yes\ndefault no\n}\n@write vars {needs} yes\nsession_auth @write {\nrole admin\n}\nsession_auth {\noptional\n}" + rest, false},
		"through a variable that is set":    {"vars mm {method}\n@write vars mm DELETE\nsession_auth @write {\nrole admin\n}\nsession_auth {\noptional\n}" + rest, false},
		"through a header that is set":      {"request_header X-M {method}\n@write header X-M DELETE\nsession_auth @write {\nrole admin\n}\nsession_auth {\noptional\n}" + rest, false},
		"around it":                         {"@write method DELETE\nhandle @write {\nsession_auth\n}\nhandle {\nsession_auth {\noptional\n}" + rest + "\n}", false},
		"on a handle beside it":             {"@read method HEAD\nhandle @read {\nreverse_proxy {upstream}\n}\nhandle {\nsession_auth {\noptional\n}" + rest + "\n}", false},
		"on a way to the app beside it":     {"route {\n@get method GET\nreverse_proxy @get {upstream}\nsession_auth\nreverse_proxy {upstream}\n}\nsession_endpoints", false},
		"on what answers in its place":      {"session_auth {\noptional\n}\n@w {\nnot method GET HEAD\nnot session role admin\n}\nrespond @w 403" + rest, false},
		"in a rule by path":                 {"session_auth {\noptional\npath /admin/* {\nrole admin\nmethod DELETE\n}\n}" + rest, false},
		"in a rule by path for all methods": {"session_auth {\noptional\npath /admin/* {\nrole admin\n}\n}" + rest, true},
		"behind a guard of paths":           {"@write method DELETE\nhandle /a* {\nsession_auth @write\n}\nhandle {\nsession_auth {\noptional\n}" + rest + "\n}", false},
		"inside of a handle":                {"handle /x* {\n@write method DELETE\nsession_auth @write\nsession_auth {\noptional\n}\nreverse_proxy {upstream}\n}" + rest, false},
	} {
		t.Run(name, func(t *testing.T) {
			up := gatewaytest.NewWire(t)
			s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: tt.routes})
			s.Exchange(t, "GET /x HTTP/1.1\nHost: 127.0.0.1\nX-HTTP-Method-Override: DELETE\nX-HTTP-Method: DELETE\nX-Method-Override: DELETE\nx~method~override: DELETE\n"+
				"X-HTTP-Verb-Override: DELETE\nX-Method: DELETE\n\n")
			a := up.One(t)
			for _, header := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "x~method~override", "X-HTTP-Verb-Override", "X-Method"} {
				if got := len(a.Values(header)) > 0; got != tt.passes {
					t.Errorf("%s arrived: %v, want %v", header, got, tt.passes)
				}
			}
		})
	}
}

// An answer to TRACE repeats the request, with what the gateway put into it.
func TestTraceIsRefused(t *testing.T) {
	s, up, cookies := guard(t)
	for _, k := range kinds {
		for _, method := range []string{"TRACE", "TRACK"} {
			t.Run(method+" on "+k.name, func(t *testing.T) {
				a := s.Exchange(t, k.request(method, cookies, "", "")).Want(t, http.StatusMethodNotAllowed)
				if allow := a.Header.Get("Allow"); !strings.Contains(allow, "GET") || strings.Contains(allow, method) {
					t.Errorf("Allow is %q", allow)
				}
				up.None(t)
			})
		}
	}
}

// What is said of the client's address, and CVE-2016-5385's Proxy, are Caddy's
// to decide on.
func TestProxyForwardedAndRealIPAreWhatCaddySends(t *testing.T) {
	up := gatewaytest.NewWire(t)
	s := gatewaytest.StartEdited(t, gatewaytest.Site{Upstream: up.Address(), Auth: "optional"}, func(caddyfile string, port int) string {
		return caddyfile + fmt.Sprintf(":%d {\nbind 127.0.0.1\nreverse_proxy %s\n}\n", port+1, up.Address())
	})
	plain := &gatewaytest.Server{URL: fmt.Sprintf("http://127.0.0.1:%d", s.Port+1)}
	const request = "GET /app HTTP/1.1\nHost: 127.0.0.1\nProxy: http://a.example\nForwarded: for=192.0.2.1;host=a.example\nX-Real-IP: 192.0.2.1\n" +
		"X-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: https\nX-Forwarded-Host: a.example\n\n"
	s.Exchange(t, request)
	ours := up.One(t)
	plain.Exchange(t, request)
	caddys := up.One(t)
	for _, name := range []string{"Proxy", "Forwarded", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"} {
		ours.Want(t, name, caddys.Values(name)...)
	}
}
