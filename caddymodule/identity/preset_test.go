package identity_test

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/identity"
)

func ada() identity.Values {
	return identity.Values{
		UserID: "7", Email: "ada@example.com", Name: "Ada Lovelace",
		HasAccount: true, AccountID: "acme", AccountName: "Acme Ltd", AccountAdmin: true,
		Accounts: []string{"acme", "globex"}, Roles: []string{"admin", "editor"},
		Permissions: []string{"users:write", "reports:run"}, SessionID: "abcdefghijklmnop",
	}
}

func newSet(t testing.TB, presets ...string) *identity.Set {
	t.Helper()
	s, err := identity.NewSet(presets...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// injected is what a request without headers has after Inject.
func injected(t testing.TB, v identity.Values, presets ...string) http.Header {
	t.Helper()
	h := http.Header{}
	newSet(t, presets...).Render(v).Inject(h)
	return h
}

func TestPresets(t *testing.T) {
	one := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
	native := one("X-Session-User-Id", "7", "X-Session-Email", "ada@example.com",
		"X-Session-Account-Id", "acme", "X-Session-Account-Name", "Acme Ltd", "X-Session-Account-Admin", "true",
		"X-Session-Accounts", "acme,globex", "X-Session-Roles", "admin,editor",
		"X-Session-Permissions", "users:write,reports:run", "X-Session-Id", "abcdefghijklmnop")
	for _, tt := range []struct {
		name    string
		presets []string
		want    http.Header
	}{
		{"none named means native", nil, native},
		{"native", []string{"native"}, native},
		{"none sends nothing", []string{"none"}, http.Header{}},
		{"remote-user sends what Authelia sends", []string{"remote-user"}, one(
			"Remote-User", "ada@example.com", "Remote-Email", "ada@example.com",
			"Remote-Name", "Ada Lovelace", "Remote-Groups", "admin,editor")},
		{"oauth2-proxy sends both families of names", []string{"oauth2-proxy"}, one(
			"X-Forwarded-User", "7", "X-Forwarded-Email", "ada@example.com",
			"X-Forwarded-Preferred-Username", "ada@example.com", "X-Forwarded-Groups", "admin,editor",
			"X-Auth-Request-User", "7", "X-Auth-Request-Email", "ada@example.com",
			"X-Auth-Request-Preferred-Username", "ada@example.com", "X-Auth-Request-Groups", "admin,editor")},
		{"authentik separates by pipes", []string{"authentik"}, one(
			"X-Authentik-Username", "ada@example.com", "X-Authentik-Email", "ada@example.com",
			"X-Authentik-Name", "Ada Lovelace", "X-Authentik-Uid", "7", "X-Authentik-Groups", "admin|editor",
			"X-Authentik-Entitlements", "users:write|reports:run")},
		{"grafana sends the highest organisation role", []string{"grafana"}, one(
			"X-Webauth-User", "ada@example.com", "X-Webauth-Email", "ada@example.com",
			"X-Webauth-Name", "Ada Lovelace", "X-Webauth-Groups", "admin,editor", "X-Webauth-Role", "Admin")},
		{"jenkins separates by pipes", []string{"jenkins"}, one(
			"X-Forwarded-User", "ada@example.com", "X-Forwarded-Mail", "ada@example.com",
			"X-Forwarded-Displayname", "Ada Lovelace", "X-Forwarded-Groups", "admin|editor")},
		{"x-remote-user sends who it is, and nothing else", []string{"x-remote-user"}, one("X-Remote-User", "ada@example.com")},
		{"kubernetes repeats the group header", []string{"kubernetes"}, one(
			"X-Remote-User", "ada@example.com", "X-Remote-Uid", "7",
			"X-Remote-Group", "admin", "X-Remote-Group", "editor")},
		{"scope-orgid sends the account", []string{"scope-orgid"}, one("X-Scope-OrgID", "acme")},
		{"presets combine", []string{"scope-orgid", "kubernetes"}, one(
			"X-Scope-OrgID", "acme", "X-Remote-User", "ada@example.com", "X-Remote-Uid", "7",
			"X-Remote-Group", "admin", "X-Remote-Group", "editor")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := injected(t, ada(), tt.presets...); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v\nwant %v", got, tt.want)
			}
		})
	}
}

func TestNewSet(t *testing.T) {
	t.Run("an unknown preset is refused with the list of known ones", func(t *testing.T) {
		_, err := identity.NewSet("native", "authelia")
		if err == nil {
			t.Fatal("accepted")
		}
		for _, known := range identity.Presets() {
			if !strings.Contains(err.Error(), known) {
				t.Errorf("%q does not name %s", err, known)
			}
		}
	})
	t.Run("none is refused beside others, before and after them", func(t *testing.T) {
		for _, names := range [][]string{{"none", "native"}, {"native", "none"}, {"none", "none"}} {
			if _, err := identity.NewSet(names...); err == nil {
				t.Errorf("%v accepted", names)
			}
		}
	})
	t.Run("of two presets with the same header the first named decides", func(t *testing.T) {
		if got := injected(t, ada(), "oauth2-proxy", "jenkins").Get("X-Forwarded-Groups"); got != "admin,editor" {
			t.Errorf("oauth2-proxy first: %q", got)
		}
		if got := injected(t, ada(), "jenkins", "oauth2-proxy").Get("X-Forwarded-Groups"); got != "admin|editor" {
			t.Errorf("jenkins first: %q", got)
		}
	})
	t.Run("every header of every preset is assigned once and in canonical form", func(t *testing.T) {
		all := slices.DeleteFunc(identity.Presets(), func(n string) bool { return n == identity.None })
		for name, values := range injected(t, ada(), all...) {
			if name != http.CanonicalHeaderKey(name) {
				t.Errorf("%s is not canonical", name)
			}
			if len(values) != 1 && name != "X-Remote-Group" {
				t.Errorf("%s has %d values", name, len(values))
			}
		}
	})
}

func TestNoPresetTellsWhatIsNotThere(t *testing.T) {
	for _, name := range identity.Presets() {
		t.Run(name+" sends nothing for empty values", func(t *testing.T) {
			empty := identity.Values{AccountID: "acme", AccountName: "Acme", AccountAdmin: true}
			if got := injected(t, empty, name); len(got) != 0 {
				t.Errorf("got %v without HasAccount", got)
			}
		})
	}
	t.Run("an account that is not administered says so", func(t *testing.T) {
		got := injected(t, identity.Values{HasAccount: true, AccountID: "acme"})
		want := http.Header{"X-Session-Account-Id": {"acme"}, "X-Session-Account-Admin": {"false"}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestPresetValues(t *testing.T) {
	for _, tt := range []struct {
		name, preset, header string
		change               func(*identity.Values)
		want                 string
	}{
		{"apps that do not decode read letters beyond ASCII", "remote-user", "Remote-Name",
			func(v *identity.Values) { v.Name = "Zoë, 北" }, "Zoë, 北"},
		{"line breaks and NUL never reach a header", "remote-user", "Remote-Name",
			func(v *identity.Values) { v.Name = "a\r\nb\x00\u0085\u2028\u202e" }, "a%0D%0Ab%00%C2%85%E2%80%A8%E2%80%AE"},
		{"percent is encoded, so that nothing looks encoded that is not", "remote-user", "Remote-User",
			func(v *identity.Values) { v.Email = "a%00@example.com" }, "a%2500@example.com"},
		{"a space at the edge is encoded", "oauth2-proxy", "X-Forwarded-Groups",
			func(v *identity.Values) { v.Roles = []string{" admin", "site admins"} }, "%20admin,site admins"},
		{"a role cannot smuggle in another by a comma", "remote-user", "Remote-Groups",
			func(v *identity.Values) { v.Roles = []string{"guest,admin"} }, "guest%2Cadmin"},
		{"a role cannot smuggle in another by a pipe", "authentik", "X-Authentik-Groups",
			func(v *identity.Values) { v.Roles = []string{"guest|admin"} }, "guest%7Cadmin"},
		{"not even where the app splits at the wrong separator", "jenkins", "X-Forwarded-Groups",
			func(v *identity.Values) { v.Roles = []string{"guest,admin", "x;admin"} }, "guest%2Cadmin|x%3Badmin"},
		{"grafana splits at spaces and reads quotes and JSON", "grafana", "X-Webauth-Groups",
			func(v *identity.Values) { v.Roles = []string{"guest admin", `["admin"]`} }, "guest%20admin,%5B%22admin%22%5D"},
		{"a role named GrafanaAdmin makes no server admin", "grafana", "X-Webauth-Role",
			func(v *identity.Values) { v.Roles = []string{"GrafanaAdmin", "viewer"} }, "Viewer"},
		{"without a role of grafana's there is no role header", "grafana", "X-Webauth-Role",
			func(v *identity.Values) { v.Roles = []string{"staff"} }, ""},
		{"an account id cannot become two tenants", "scope-orgid", "X-Scope-Orgid",
			func(v *identity.Values) { v.AccountID = "acme|globex" }, "acme%7Cglobex"},
		{"kubernetes groups that are reserved are not sent", "kubernetes", "X-Remote-Group",
			func(v *identity.Values) { v.Roles = []string{"system:masters", "", "CN=dev,OU=x"} }, "CN=dev,OU=x"},
		{"a kubernetes user that is reserved is not sent", "kubernetes", "X-Remote-User",
			func(v *identity.Values) { v.Email = "system:admin" }, ""},
		{"nor by x-remote-user, which may be named before kubernetes", "x-remote-user", "X-Remote-User",
			func(v *identity.Values) { v.Email = "system:admin" }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := ada()
			tt.change(&v)
			h := injected(t, v, tt.preset)
			if got := strings.Join(h[tt.header], " / "); got != tt.want {
				t.Errorf("%s: %q, want %q (of %v)", tt.header, got, tt.want, slices.Sorted(maps.Keys(h)))
			}
		})
	}
}

func TestWhatTheUserIs(t *testing.T) {
	named := ada()
	named.Username = "Ada\r\n, L"
	system := ada()
	system.Username = "system:masters"
	all := []string{"remote-user", "oauth2-proxy", "authentik", "grafana", "kubernetes"}
	users := []string{"Remote-User", "X-Forwarded-User", "X-Auth-Request-User", "X-Authentik-Username", "X-Webauth-User", "X-Remote-User"}
	for _, c := range []struct {
		name, user string
		values     identity.Values
		want       string
	}{
		{"the number", identity.UserID, named, "7"},
		{"the address", identity.UserEmail, named, "ada@example.com"},
		{"the user name, which breaks no header", identity.UserUsername, named, "Ada%0D%0A, L"},
		{"none, where there is no user name: an address may be another's user name", identity.UserUsername, ada(), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := newSet(t, all...).WithUser(c.user)
			if err != nil {
				t.Fatal(err)
			}
			sent := http.Header{}
			set.Render(c.values).Inject(sent)
			for _, name := range users {
				if got := sent.Get(name); got != c.want || c.want == "" && sent.Values(name) != nil {
					t.Errorf("%s is %q, want %q", name, got, c.want)
				}
			}
			if sent.Get("Remote-Email") != "ada@example.com" || sent.Get("X-Authentik-Uid") != "7" {
				t.Errorf("other headers are changed: %v", sent)
			}
			if !slices.Equal(set.Names(), newSet(t, all...).Names()) {
				t.Error("other names are taken from clients")
			}
		})
	}
	t.Run("a user name that is a part of Kubernetes is none", func(t *testing.T) {
		set, _ := newSet(t, "kubernetes").WithUser(identity.UserUsername)
		sent := http.Header{}
		set.Render(system).Inject(sent)
		if got := sent.Values("X-Remote-User"); got != nil {
			t.Errorf("sent %q", got)
		}
	})
	t.Run("jenkins has the one of its own", func(t *testing.T) {
		set, _ := newSet(t, "jenkins").WithUser(identity.UserID)
		sent := http.Header{}
		set.Render(ada()).Inject(sent)
		if sent.Get("X-Forwarded-User") != "7" || sent.Get("X-Forwarded-Mail") != "ada@example.com" {
			t.Errorf("sent %v", sent)
		}
	})
	t.Run("what else it could be is told", func(t *testing.T) {
		if _, err := newSet(t, "grafana").WithUser("name"); err == nil || !strings.Contains(err.Error(), "use id, email or username") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the native headers have none", func(t *testing.T) {
		if newSet(t).HasUser() || !newSet(t, "native", "grafana").HasUser() {
			t.Error("taken for what it is not")
		}
	})
}
