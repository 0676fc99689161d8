package caddymodule_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

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
