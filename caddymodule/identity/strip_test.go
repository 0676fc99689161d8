package identity_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/identity"
)

// browserHeaders is what a browser behind another proxy sends: none of it is
// identity.
func browserHeaders() http.Header {
	return http.Header{
		"Accept": {"text/html,*/*"}, "Accept-Encoding": {"gzip, br"}, "Accept-Language": {"en"},
		"Cache-Control": {"no-cache"}, "Connection": {"keep-alive"},
		"Cookie":  {"theme=dark; __Host-Http-sidegate=c2VjcmV0c2VjcmV0c2VjcmV0; lang=en"},
		"Referer": {"https://app.example.com/"}, "Sec-Fetch-Mode": {"navigate"},
		"Upgrade-Insecure-Requests": {"1"}, "User-Agent": {"Mozilla/5.0"},
		"X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Host": {"app.example.com"},
		"X-Forwarded-Proto": {"https"}, "X-Request-Id": {"1"}, "X-Requested-With": {"fetch"},
	}
}

func TestStripLeavesWhatIsNotIdentity(t *testing.T) {
	h := browserHeaders()
	for _, n := range []string{"Remoteuser", "Remote", "X-Remote", "X-Sessions", "X-Session", "Session-Id", "Remote-Addr", "X-Remote-Ip",
		"X-Remote-Addr", "X-Forwarded-User-Agent", "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Ssl", "X-Forwarded-Scheme",
		"X-Forwarded-Users", "X-Forwarded-Names", "X-User", "X-Username", "X-Role", "Authorization", "Impersonated", "If-Match", "Range", ":protocol", ""} {
		h[n] = []string{"kept"}
	}
	want := maps.Clone(h)
	identity.NewStripper().Strip(h)
	for n := range want {
		if h[n] == nil {
			t.Errorf("%q was deleted", n)
		}
	}
}

func TestStripDeletesEveryIdentityName(t *testing.T) {
	all := slices.DeleteFunc(identity.Presets(), func(n string) bool { return n == identity.None })
	sent := slices.Collect(maps.Keys(injected(t, ada(), all...)))
	sent = append(sent, identity.Assertion, identity.Truncated, "X-Account-Id", "X-Session-Anything", "X-Authentik-Meta-App",
		"X-Remote-Extra-Scopes", "Impersonate-User", "Impersonate-Extra-Scopes", "X-Auth-Request-Access-Token",
		"X-Forwarded-Access-Token", "X-Webauth-Login", "X-Forwarded-User", "X-Forwarded-Groups",
		"Remote-User-Group", "Remote-Roles", "X-Remote-Email", "X-Forwarded-User-Email", "X-Forwarded-Login", "X-Forwarded-Name",
		"X-Forwarded-Roles", "X-Forwarded-Uuid", "X-Forwarded-Remote-User", "X-Forwarded-Fullname")
	for _, name := range sent {
		t.Run(name+" is deleted in every spelling", func(t *testing.T) {
			for _, spelling := range spellings(name) {
				h := http.Header{spelling: {"mallory"}, "Accept": {"*/*"}}
				identity.NewStripper().Strip(h)
				if len(h) != 1 || h.Get("Accept") == "" {
					t.Errorf("%q: %v is left", spelling, h)
				}
				if !identity.IsIdentity(spelling) {
					t.Errorf("IsIdentity(%q) is false", spelling)
				}
			}
		})
	}
}

func spellings(name string) []string {
	return []string{
		name, strings.ToLower(name), strings.ToUpper(name),
		strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", "."), strings.ReplaceAll(name, "-", "~"),
		strings.Replace(strings.ToUpper(name), "-", "_", 1), http.CanonicalHeaderKey(strings.ReplaceAll(name, "-", "_")),
	}
}

// None of these can come over the wire: net/http refuses them. A handler
// before ours might still make them of something else.
func TestStripDeletesNamesThatFoldByUnicodeRules(t *testing.T) {
	for _, tt := range []struct{ name, header string }{
		{"long s is upper-cased to S", "X-Se\u017fsion-User-Id"},
		{"sharp s is upper-cased to SS", "X-Se\u00dfion-User-Id"},
		{"a ligature is upper-cased to two letters", "Remote-U\ufb06er"},
		{"Kelvin is lower-cased to k", "X-Authenti\u212a-Uid"},
		{"dotless i is upper-cased to I", "\u0131mpersonate-User"},
		{"the first letter may be the odd one", "\u24cd-Session-Id"},
		{"a byte that is no UTF-8 at all", "X-Session\xff"},
		{"a space in front may be trimmed", " X-Session-Id"},
		{"a tab behind may be trimmed", "Remote-User\t"},
		{"a line break in front", "\nRemote-User"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{tt.header: {"mallory"}}
			identity.NewStripper().Strip(h)
			if len(h) != 0 {
				t.Errorf("%q is left", tt.header)
			}
		})
	}
}

func TestStripDeletesTheOperatorsOwnNames(t *testing.T) {
	long := "X-" + strings.Repeat("Tenant-", 40) + "Id"
	s := identity.NewStripper("Tenant.Id", "", long, "-Odd")
	h := http.Header{"tenant_id": {"x"}, "TENANT-ID": {"x"}, strings.ToLower(long): {"x"}, "_odd": {"x"},
		"Tenant": {"kept"}, "Tenant-Ids": {"kept"}}
	s.Strip(h)
	if got := slices.Sorted(maps.Keys(h)); !slices.Equal(got, []string{"Tenant", "Tenant-Ids"}) {
		t.Errorf("%q is left", got)
	}
	if identity.IsIdentity("Tenant-Id") {
		t.Error("one operator's name became everybody's")
	}
}

// TestAnOrdinaryNameOfAnOperatorsOwnIsDeleted: what tells of the client's machine stays,
// but not where the gateway tells who somebody is in it.
func TestAnOrdinaryNameOfAnOperatorsOwnIsDeleted(t *testing.T) {
	for name, s := range map[string]*identity.Stripper{
		"on its routes":   identity.NewStripper("x_remote_addr"),
		"on the others":   identity.NewStripperOf("x_remote_addr"),
		"beside a table":  identity.NewStripper("x_remote_addr").With(nil, identity.Foreign),
		"with the server": identity.NewStripperOf("X-Remote-User", "X-Remote-Addr"),
	} {
		h := http.Header{"X-Remote-Addr": {"x"}, "x_remote_ip": {"x"}, "X-Remote-Ip": {"kept"}}
		s.Strip(h)
		if got := slices.Sorted(maps.Keys(h)); !slices.Equal(got, []string{"X-Remote-Ip"}) {
			t.Errorf("%s %q is left", name, got)
		}
	}
}

func TestStripDeletesAllValues(t *testing.T) {
	h := http.Header{"X-Session-Roles": {"admin", "root"}, "x-session-roles": {"admin"}, "X-Session-Email": nil}
	identity.NewStripper().Strip(h)
	if len(h) != 0 {
		t.Errorf("%v is left", h)
	}
}

func TestFolded(t *testing.T) {
	for in, want := range map[string]string{
		"X-Session-Id": "x-session-id", "X_SESSION.ID": "x-session-id", "Remote User": "remote-user",
		"": "", "a1~!": "a1--", "\u212a": "---",
	} {
		if got := identity.Folded(in); got != want {
			t.Errorf("Folded(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzStrip knows the names by heart and folds them as CGI does.
func FuzzStrip(f *testing.F) {
	f.Add("X_Session_Id", "accept")
	f.Add("x.remote.EXTRA.scopes", "Remote-User")
	f.Add("X-Se\u017fsion-Id", "X-Forwarded-For")
	f.Add("IMPERSONATE_", "X-ACCOUNT_ID")
	exact := strings.Fields(`X_ACCOUNT_ID X_FORWARDED_LOGIN X_FORWARDED_ROLES X_SCOPE_ORGID
		X_FORWARDED_USER X_FORWARDED_EMAIL X_FORWARDED_GROUPS X_FORWARDED_PREFERRED_USERNAME X_FORWARDED_ACCESS_TOKEN
		X_FORWARDED_MAIL X_FORWARDED_DISPLAYNAME
		X_WEBAUTH_USER X_WEBAUTH_EMAIL X_WEBAUTH_NAME X_WEBAUTH_GROUPS X_WEBAUTH_ROLE`)
	begin := []string{"X_SESSION_", "X_AUTH_REQUEST_", "X_AUTHENTIK_", "REMOTE_USER", "REMOTE_GROUP", "X_REMOTE_USER", "X_REMOTE_GROUP", "X_REMOTE_EXTRA_", "IMPERSONATE_"}
	s := identity.NewStripper()
	f.Fuzz(func(t *testing.T, a, b string) {
		h := http.Header{a: {"1"}, b: {"2"}, strings.ToLower(a): {"3"}, http.CanonicalHeaderKey(b): {"4"}, "Accept": {"5"}}
		s.Strip(h)
		for name := range h {
			v := cgiVariable(name)
			if slices.Contains(exact, v) || slices.ContainsFunc(begin, func(p string) bool { return strings.HasPrefix(v, p) }) {
				t.Fatalf("%q is left and becomes %s", name, v)
			}
		}
		if h.Get("Accept") == "" {
			t.Fatal("Accept was deleted")
		}
	})
}

func cgiVariable(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(strings.TrimSpace(name)))
}
