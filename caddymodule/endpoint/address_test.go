package endpoint_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

var links = regexp.MustCompile(`<a [^>]*href="([^"]*)"`)

// waysOf is where a page leads.
func waysOf(a gatewaytest.Answer) (ways []string) {
	for _, found := range links.FindAllStringSubmatch(a.Body, -1) {
		ways = append(ways, found[1])
	}
	return ways
}

// Whoever is refused reads what they can do next.
func TestEveryRefusalOfAPageLeadsOn(t *testing.T) {
	const admins = `		path /billing/* {
			account_admin
		}
		path /admin/* {
			role owner
		}
		path /both/* {
			role owner
			account_admin
		}`
	s := gatewaytest.Start(t, gatewaytest.Site{Auth: admins})
	ada, grace := browserAs(t, s, gatewaytest.Ada, firefox), browserAs(t, s, gatewaytest.Grace, firefox)
	ada.Submit("/auth/account", url.Values{"accountId": {"globex"}}).Want(t, http.StatusSeeOther)
	navigates := []string{"Content-Type", gatewaytest.AsForm, "Accept", "text/html", "Sec-Fetch-Mode", "navigate"}
	for _, c := range []struct {
		name   string
		answer gatewaytest.Answer
		status int
		ways   []string
	}{
		{"who administers another of their accounts", ada.Open("/billing/x"), 403,
			[]string{"/auth/account?return_to=%2Fbilling%2Fx", "/auth/logout?return_to=%2Fbilling%2Fx", "/"}},
		{"who has no other account", grace.Open("/billing/x"), 403, []string{"/auth/logout?return_to=%2Fbilling%2Fx", "/"}},
		{"who lacks a role, whichever the account", ada.Open("/admin/x"), 403, []string{"/auth/logout?return_to=%2Fadmin%2Fx", "/"}},
		{"who lacks both", ada.Open("/both/x"), 403, []string{"/auth/logout?return_to=%2Fboth%2Fx", "/"}},
		{"who asks for an account of somebody else", ada.Open("/app", "X-Account-Id", "initech"), 403,
			[]string{"/auth/account?return_to=%2Fapp", "/auth/logout?return_to=%2Fapp", "/"}},
		{"who chooses an account of somebody else", ada.Submit("/auth/account", url.Values{"accountId": {"initech"}}), 403,
			[]string{"/auth/account", "/auth/account?return_to=%2Fauth%2Faccount", "/auth/logout?return_to=%2Fauth%2Faccount", "/"}},
		{"an address that leads nowhere", ada.Open("/auth/nothing"), 404, []string{"/"}},
		{"a form that there is not", ada.Submit("/auth/nothing", nil), 404, []string{"/auth/login", "/"}},
		{"a device that there is not", ada.Submit("/auth/sessions/x", nil), 404, []string{"/auth/sessions", "/"}},
		{"a form of another site", ada.Do(http.MethodPost, "/auth/sessions", "", append(slices.Clone(navigates), "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")...), 403,
			[]string{"/auth/sessions", "/"}},
		{"a form that is too large", ada.Do(http.MethodPost, "/auth/account", "accountId="+strings.Repeat("a", 70000), navigates...), 413, []string{"/auth/account"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.answer.Want(t, c.status)
			if ways := waysOf(c.answer); !slices.Equal(ways, c.ways) {
				t.Errorf("the ways are %q; want %q\n%s", ways, c.ways, c.answer.Body)
			}
			if !strings.Contains(c.answer.Body, "ask whoever looks after this service") && c.status == 403 && strings.HasPrefix(c.name, "who ") {
				t.Errorf("nobody is said to ask:\n%s", c.answer.Body)
			}
		})
	}
}

// Asking again does nothing twice: what was posted is never offered to be sent again
// by a link.
func TestWhileTheStoreIsAwayPagesOfferToAskAgain(t *testing.T) {
	r := redistest.Start(t, redistest.AppendOnly())
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "store redis " + r.URL() + "\nsecret a-secret-that-is-long-enough-for-tests"})
	b := browserAs(t, s, gatewaytest.Ada, firefox)
	r.Kill()
	for _, c := range []struct {
		name   string
		answer gatewaytest.Answer
		ways   []string
	}{
		{"a page of the app", b.Open("/app?a=%22"), []string{""}},
		{"the page of devices", b.Open("/auth/sessions"), []string{""}},
		{"the page of accounts", b.Open("/auth/account"), []string{""}},
		{"a press on the page of devices", b.Submit("/auth/sessions", nil), []string{"/auth/sessions"}},
		{"a press on the page of accounts", b.Submit("/auth/account", url.Values{"accountId": {"acme"}}), []string{"/auth/account"}},
		{"a sign-out", b.Submit("/auth/logout", nil), []string{"/auth/logout"}},
		{"a form of the app", b.Submit("/app", nil), []string{"/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.answer.Want(t, http.StatusServiceUnavailable)
			if ways := waysOf(c.answer); !slices.Equal(ways, c.ways) {
				t.Errorf("the ways are %q; want %q\n%s", ways, c.ways, c.answer.Body)
			}
		})
	}
}
