package verifying_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/identity"
)

// presets are those of `headers` in a policy.
var presets = []string{"native", "remote-user", "oauth2-proxy", "authentik", "grafana", "jenkins", "x-remote-user", "kubernetes", "scope-orgid"}

// oddities are the characters of header names (RFC 9110 section 5.6.2) beside letters,
// digits and -, for which many apps take -.
const oddities = "!#$%&'*+.^_`|~"

// forgeable are the names of what nobody but a gateway or a proxy in front of the app has
// a say in.
func forgeable(t *testing.T, exact bool) []string {
	t.Helper()
	all, beginnings := identity.Foreign.Names()
	for _, preset := range presets {
		set, err := identity.NewSet(preset)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, set.Names()...)
	}
	all = append(all, "X-Forwarded-Access-Token", "X-Forwarded-Port", "X-Forwarded-Server", "X-Real-Ip", "Forwarded", "Impersonate-User")
	all = append(all, strings.Fields(`Remote-User-Group Remote-User-Email Remote-User-First-Name Remote-User-Groups Remote-Roles Remote-Filter
		X-Remote-Email X-Remote-Groups X-Forwarded-Login X-Forwarded-Name X-Forwarded-Fullname X-Forwarded-Uuid X-Forwarded-Uid X-Forwarded-Userid
		X-Forwarded-Username X-Forwarded-Role X-Forwarded-Roles X-Forwarded-Group X-Forwarded-Remote-User X-Forwarded-User-Email`)...)
	if !exact {
		for _, beginning := range append(beginnings, "x-auth-request-", "x-authentik-", "x-webauth-", "remote-user-", "x-remote-extra-", "impersonate-") {
			all = append(all, strings.TrimSuffix(beginning, "-")+"-other")
		}
	}
	for _, odd := range strings.Split(oddities, "") {
		all = append(all, strings.ReplaceAll("X-Session-Email", "-", odd), "X-Session"+odd+"Email", strings.ReplaceAll("Remote-User", "-", odd),
			strings.ReplaceAll("X-Rewrite-Url", "-", odd), strings.ReplaceAll("X-Method", "-", odd))
	}
	return all
}

// others: an app that stood behind another gateway reads the headers of that one, and
// some take the path from a header.
func (b *behind) others(t *testing.T, who *gatewaytest.Client, exact bool) {
	for names := range slices.Chunk(forgeable(t, exact), 40) {
		var header []string
		for _, name := range names {
			header = append(header, name, "/forged")
		}
		who.Get("/page", header...).Want(t, http.StatusOK)
		wantNothingForged(t, b.app.last(t))
	}
	who.Get("/page", "X-Account-Id", "globex").Want(t, http.StatusOK)
	if h := b.app.last(t).Header; h.Get("X-Session-Account-Id") != "globex" || h.Get("X-Account-Id") != "" {
		t.Errorf("the app was told %v", h)
	}
}

// cookies: what is not the app's, in every way in which an app may find it.
func (b *behind) cookies(t *testing.T, who *gatewaytest.Client) {
	cookie := who.Cookie
	for _, c := range []struct{ name, before, behind, want string }{
		{"alone", "", "", ""},
		{"first", "", "; theme=dark", "theme=dark"},
		{"behind a tab", "theme=dark;\t", "", "theme=dark"},
		{"without a blank", "theme=dark;", ";size=12", "theme=dark;size=12"},
		{"a tab behind the name", "", ";sidegate\t=forged; theme=dark", "theme=dark"},
		{"in another case", "", "; Sidegate=forged; SIDEGATE=forged; theme=dark", "theme=dark"},
		{"a sign-in under way", "", "; sidegate-attempt-keycloak=forged; theme=dark", "theme=dark"},
		{"one that begins like it", "sidegate2=a; ", "; xsidegate=b", "sidegate2=a; xsidegate=b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			who := who.In(t)
			who.Cookie = c.before + cookie + c.behind
			b.raw(t, who, "GET", "/page").Want(t, http.StatusOK)
			got, given := b.app.last(t).Header["Cookie"]
			if told := strings.ReplaceAll(strings.Join(got, " | "), "; ", ";"); told != strings.ReplaceAll(c.want, "; ", ";") || given && c.want == "" {
				t.Errorf("the app was told %q", got)
			}
		})
	}
}

// Of four proxies nothing can be started here: what tells of another path is deleted by
// them, or the gateway is told and refuses.
func TestTheFilesNameWhatTellsOfAnotherPath(t *testing.T) {
	names, _ := identity.AskedFor.Names()
	for _, file := range []string{"traefik.yaml", "envoy.yaml", "gateway-api.yaml"} {
		text := strings.ToLower(read(t, file))
		for _, name := range names {
			own := file == "traefik.yaml" && slices.Contains([]string{"x-forwarded-uri", "x-forwarded-method"}, name) // Traefik writes them
			if !own && !strings.Contains(text, name+"\n") && !strings.Contains(text, name+": ") {
				t.Errorf("%s does not name %s", file, name)
			}
		}
	}
}

// nginx deletes no beginnings of names: there is one name of each at least.
func TestTheNginxFileNamesSomeOfEveryFamily(t *testing.T) {
	text := strings.ToLower(read(t, "nginx-others.conf"))
	_, beginnings := identity.Foreign.Names()
	for _, beginning := range beginnings {
		if !strings.Contains(text, "proxy_set_header "+beginning) {
			t.Errorf("none that begins with %s", beginning)
		}
	}
}
