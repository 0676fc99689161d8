package identity_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"example.com/sidegate/caddymodule/identity"
)

func TestTheNamesOfOtherGatewaysAreKnownInEverySpelling(t *testing.T) {
	for name, want := range map[string]bool{
		"X-Goog-Iap-Jwt-Assertion": true, "x_goog_anything": true, "Client.Cert": true, "X-MS-CLIENT-PRINCIPAL-ID": true,
		"X-Original-URL": true, "X-Forwarded-Prefix": true, "X_Forwarded.Url": true,
		"X-Proxy-Roles": true, "X-Proxy-Ext-Spaces": true, "Kubeflow-Userid": true, "X-Proxy-Connection": false, "X-Sso": false,
		"X-Forwarded-For": false, "Forwarded": false, "Proxy": false, "X-Real-Ip": false, "X-Access-Token": false, "X-Auth-Token": false,
		"X-User-Id": false, "X-Goo": false, "": false, "X-Http-Method-Override": false,
	} {
		if got := identity.Foreign.Has(name); got != want {
			t.Errorf("Has(%q) = %v", name, got)
		}
	}
}

// Verify tells what tells of another path from who somebody is.
func TestWhatTellsOfAnotherPathIsKnownApart(t *testing.T) {
	for name, want := range map[string]bool{
		"X-Rewrite-Url": true, "x_envoy_original_path": true, "X-Forwarded-Url": true, "X-Forwarded-Uri": true,
		"X-Goog-Iap-Jwt-Assertion": false, "X-Forwarded-For": false, "X-Forwarded-Tls-Client-Cert": false, "X-Http-Method": false,
	} {
		if got := identity.AskedFor.Has(name); got != want {
			t.Errorf("Has(%q) = %v", name, got)
		}
	}
}

// The gateway's own names are deleted of everybody, these of some: none is both.
func TestNoNameOfOtherGatewaysIsOneOfOurs(t *testing.T) {
	for _, name := range []string{"X-Session-Email", "Remote-User", "X-Forwarded-User", "X-Authentik-Email", "X-Auth-Request-User",
		"X-Webauth-User", "X-Remote-User", "X-Scope-Orgid", "X-Account-Id", "Impersonate-User"} {
		if identity.Foreign.Has(name) {
			t.Errorf("%s is in the table", name)
		}
	}
}

func TestStripperWithATableKeepsWhatItIsToldTo(t *testing.T) {
	own := identity.NewStripper("Tenant-Id")
	s := own.With([]string{"X-Original-Url"}, identity.Foreign, identity.MethodOverrides)
	sent := func() http.Header {
		return http.Header{"X-Original-Url": {"kept"}, "x~original~url": {"x"}, "X-Original-Uri": {"x"}, "Tenant-Id": {"x"},
			"X-Http-Method": {"x"}, "X-Session-Id": {"x"}, "Accept": {"kept"}, "X-Goog-\u212a": {"x"}}
	}
	h := sent()
	s.Strip(h)
	if got := slices.Sorted(maps.Keys(h)); !slices.Equal(got, []string{"Accept", "X-Original-Url"}) {
		t.Errorf("%q is left", got)
	}
	h = sent()
	own.Strip(h)
	if h["X-Original-Uri"] == nil || h["X-Http-Method"] == nil {
		t.Errorf("what the table has became everybody's: %v", h)
	}
}

// What else runs on a server may have its identity headers from elsewhere.
func TestStripperOfNamesKnowsTheNativeOnesAndThose(t *testing.T) {
	s := identity.NewStripperOf("X-Webauth-User", "Remote-User", "X-Tenant")
	h := http.Header{"X-Session-Email": {"x"}, "x_session_id": {"x"}, "X-Webauth-Role": {"x"}, "Remote_User": {"x"}, "x.tenant": {"x"},
		"Remote-Groups": {"x"}, "Remote-Addr": {"kept"}, "X-Authentik-Email": {"kept"}, "X-Forwarded-User": {"kept"}, "X-Account-Id": {"kept"}}
	s.Strip(h)
	if got := slices.Sorted(maps.Keys(h)); !slices.Equal(got, []string{"Remote-Addr", "X-Account-Id", "X-Authentik-Email", "X-Forwarded-User"}) {
		t.Errorf("%q is left", got)
	}
}
