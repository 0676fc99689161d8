package caddymodule_test

import (
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
	case "token":
		block("token", "")
	case "store redis":
		site.Options = "secret " + strings.Repeat("qY7", 12) + "\n"
		block("store redis redis://127.0.0.1:1", "")
	case "login oidc":
		block("login oidc sso", "issuer https://sso.example.com\nclient_id a\nclient_secret b")
	case "login app":
		block("login app legacy http://127.0.0.1:1/login", "success `login.status == 200`")
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
