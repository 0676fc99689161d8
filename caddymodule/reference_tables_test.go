package caddymodule_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/identity"
)

// defaultValue is a default that begins with a value, which may have a meaning or
// other cases behind it.
var defaultValue = regexp.MustCompile("^`([^`]+)`(?:$|[;:,])")

// notValues are defaults that begin with the name of another option.
var notValues = []string{"token issuer"}

// withDefault is a configuration that has an option of the heading written out; ok
// says that there is one for it.
func withDefault(heading, line string) (site gatewaytest.Site, ok bool) {
	block := func(begin, more string) { site.Options += begin + " {\n" + more + "\n" + line + "\n}" }
	site.Hasty = true // writes no times of its own
	switch heading {
	case "sidegate options":
		site.Options = line
	case "cookie":
		site.Cookie = line
	case "token", "appearance":
		block(heading, "")
	case "store redis":
		site.Options = "secret " + strings.Repeat("qY7", 12) + "\n"
		block("store redis redis://127.0.0.1:1", "")
	case "login oidc":
		block("login oidc sso", "issuer https://sso.example.com\nclient_id a\nclient_secret b")
	case "login app":
		block("login app legacy http://127.0.0.1:1/login", "success `login.status == 200`")
	case "login adopt":
		block("login adopt old https://sso.example.com/auth", "cookie sid\nuntil 2099-12-31")
	case "directory http":
		block("directory http crm http://127.0.0.1:1/by?e={identity.email}", "")
	case "transport sidegate":
		site.Routes = "reverse_proxy 127.0.0.1:1 {\ntransport sidegate {\n" + line + "\n}\n}"
	case "format lazy":
		site.Global = "log other {\nformat lazy {\n" + line + "\n}\n}\n"
	case "session_auth":
		site.Routes = "session_endpoints\nsession_auth {\n" + line + "\n}\nrespond OK"
	default:
		return site, false
	}
	return site, true
}

// Whoever writes a default down, to have it seen, has not made a mistake.
func TestEveryDefaultOfTheReferenceIsTakenWhereItIsWritten(t *testing.T) {
	written := 0
	for _, s := range referenceOf(readReference(t)) {
		for _, row := range s.tables["option"] {
			found := defaultValue.FindStringSubmatch(row[len(row)-1])
			for _, word := range bareAll(row[0]) {
				if found == nil || len(row) != 3 || slices.Contains(notValues, s.heading+" "+word) {
					continue
				}
				written++
				t.Run(s.heading+" "+word+" "+found[1], func(t *testing.T) {
					site, ok := withDefault(s.heading, word+" "+found[1])
					if !ok {
						t.Fatal("no configuration has options of this heading")
					}
					_, config := adapted(t, site)
					if err := validate(t, config); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	if written < 20 {
		t.Errorf("only %d defaults were found", written)
	}
}

// providers are those that people ask about.
var providers = []string{
	"Keycloak", "Entra ID", "Google", "Okta", "Auth0", "Cognito", "Apple", "GitLab", "authentik", "Zitadel", "Dex", "AD FS", "Nextcloud", "LinkedIn",
}

// toldProviders are the rows of their table, without what stands in brackets.
func toldProviders(r reference) (words []string) {
	for _, row := range r.rows("Providers", "provider") {
		name, _, _ := strings.Cut(row[0], " (")
		words = append(words, name)
	}
	return words
}

var (
	// span is code in a cell, which may have backquotes in it.
	span = regexp.MustCompile("``(.+?)``|`([^`]+)`")
	// blank is what a reader fills in.
	blank = regexp.MustCompile(`<[a-z ]+>`)
)

// Whoever copies the options of a provider has a configuration that is valid.
func TestTheOptionsOfProvidersAreTaken(t *testing.T) {
	for _, row := range referenceOf(readReference(t)).rows("Providers", "provider") {
		t.Run(row[0], func(t *testing.T) {
			options := []string{""}
			for _, code := range span.FindAllStringSubmatch(row[2], -1) {
				line := strings.Replace(code[1]+code[2], "map {", "map {\n", 1)
				if strings.HasPrefix(line, "map {") {
					line = strings.TrimSuffix(line, "}") + "\n}"
				}
				options = append(options, blank.ReplaceAllString(line, "acme"))
			}
			var logins strings.Builder
			for i, option := range options {
				fmt.Fprintf(&logins, "login oidc sso-%d {\nissuer %s\nclient_id a\nclient_secret b\n%s\n}\n",
					i, blank.ReplaceAllString(quoted(row[1])[0], "acme"), option)
			}
			_, config := adapted(t, gatewaytest.Site{Options: logins.String()})
			if err := validate(t, config); err != nil {
				t.Errorf("%v\n%s", err, logins.String())
			}
		})
	}
}

// identityHeaders are those of each preset, with how their values are written, as
// somebody shows of whom everything is known, and whose names are beyond ASCII.
func identityHeaders(t *testing.T) (words []string) {
	t.Helper()
	for _, preset := range identity.Presets() {
		set, err := identity.NewSet(preset)
		if err != nil {
			t.Fatal(err)
		}
		sent := sentBy(set)
		named, err := set.WithUser(identity.UserUsername)
		if err != nil {
			t.Fatal(err)
		}
		renamed := sentBy(named)
		for name, values := range sent {
			how := written(values)
			if other := written(renamed[name]); how == "ASCII" && other != how {
				how += ", but " + other + " of user_header username or email"
			}
			words = append(words, preset+" "+name+": "+how)
		}
	}
	return append(words, "native "+identity.Truncated+": ASCII, list by ,", "native "+identity.Assertion+": ASCII")
}

// sentBy is what an app gets of that person.
func sentBy(set *identity.Set) http.Header {
	list := []string{"Admin", "ä"} // Grafana knows the first
	sent := make(http.Header)
	set.Render(identity.Values{
		UserID: "1", Email: "ä@example.com", Username: "ä", Name: "ä", SessionID: "ä", Accounts: list, Roles: list, Permissions: list,
		HasAccount: true, AccountID: "ä", AccountName: "ä", AccountAdmin: true,
	}).Inject(sent)
	return sent
}

// written is how the reference calls it.
func written(values []string) string {
	all, how := strings.Join(values, ""), "ASCII"
	if strings.Contains(all, "ä") {
		how = "UTF-8"
	} else if strings.Contains(all, "%C3%A4") {
		how = "percent-encoded"
	}
	if len(values) > 1 {
		return how + ", a header for each"
	}
	if separator, ok := strings.CutPrefix(all, "Admin"); ok && separator != "" {
		return how + ", list by " + separator[:1]
	}
	return how
}

// toldPresets are the names in their table.
func toldPresets(r reference) (words []string) {
	for _, row := range r.rows("Identity headers", "preset") {
		words = append(words, quoted(row[0])...)
	}
	return words
}

// toldHeaders are the rows below the headings of presets, in the words of
// identityHeaders.
func toldHeaders(r reference) (words []string) {
	for _, preset := range toldPresets(r) {
		for _, row := range r.rows(preset, "header") {
			for _, name := range quoted(row[0]) {
				how := strings.NewReplacer("`", "", "<code>&#124;</code>", "|").Replace(row[2])
				words = append(words, preset+" "+http.CanonicalHeaderKey(name)+": "+how)
			}
		}
	}
	return words
}

// apps are those that people ask about; deploy/apps starts those that can be had.
var apps = []string{
	"Radicale", "Django", "TiddlyWiki", "Mercurial", "Fossil", "Grafana", "Gitea, Forgejo", "Jenkins", "NetBox", "Navidrome", "Paperless-ngx",
	"Miniflux", "Kubernetes", "Loki, Mimir, Tempo, Pyroscope", "any other",
}

// toldApps are the rows of their table, without what stands in brackets.
func toldApps(r reference) (words []string) {
	for _, row := range r.rows("apps", "app") {
		name, _, _ := strings.Cut(row[0], " (")
		words = append(words, name)
	}
	return words
}

// Whoever copies the lines of an app has a configuration that is valid.
func TestTheLinesOfAppsAreTaken(t *testing.T) {
	for _, row := range referenceOf(readReference(t)).rows("apps", "app") {
		t.Run(row[0], func(t *testing.T) {
			lines := strings.Join(quoted(row[1]), "\n")
			_, config := adapted(t, gatewaytest.Site{Auth: lines})
			if err := validate(t, config); err != nil || lines == "" {
				t.Errorf("%v\n%s", err, lines)
			}
		})
	}
}
