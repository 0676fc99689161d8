package caddymodule_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
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
