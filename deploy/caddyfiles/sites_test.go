package caddyfiles_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestThreeAppsWithThreeRules(t *testing.T) {
	p := gatewaytest.NewProcess(t, gatewaytest.Site{})
	wiki, orders, office := gatewaytest.NewRecorder(t), gatewaytest.NewRecorder(t), gatewaytest.NewRecorder(t)
	start(t, p, "three-apps.Caddyfile", at(p, "127.0.0.1:8001", wiki.Address(), "127.0.0.1:8002", orders.Address(), "127.0.0.1:8003", office.Address()))
	tab := func(email string) host {
		h := host{p.Browser(t), fmt.Sprintf("localhost:%d", p.Port)}
		if email != "" {
			h.signIn(t, email)
		}
		return h
	}
	ada, grace, nobody := tab(gatewaytest.Ada), tab(gatewaytest.Grace), tab("")
	t.Run("the top leads to the wiki, and there to the login page", func(t *testing.T) {
		nobody.led(t, "/", "/wiki/")
		nobody.led(t, "/wiki/", "/auth/login?return_to=%2Fwiki%2F")
	})
	for _, c := range []struct {
		name, method, path string
		who                host
		status             int
		app                *gatewaytest.Recorder
	}{
		{"the wiki is for whoever is signed in", "GET", "/wiki/", grace, 200, wiki},
		{"so is reading orders for a viewer", "GET", "/orders/7", grace, 200, orders},
		{"a viewer may not change them", "POST", "/orders/7", grace, 403, nil},
		{"nor look into the office", "GET", "/office/", grace, 403, nil},
		{"an admin may change orders", "POST", "/orders/7", ada, 200, orders},
		{"and look into the office", "GET", "/office/", ada, 200, office},
		{"nobody gets anything", "POST", "/orders/7", nobody, 401, nil},
		{"what some apps take for the office is nobody's", "GET", "/wiki/..%2foffice/", grace, 400, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			counts := func() []int { return []int{wiki.Count(), orders.Count(), office.Count()} }
			before := counts()
			c.who.open(t, c.method, c.path, "").Want(t, c.status)
			if c.app == nil && !slices.Equal(before, counts()) {
				t.Error("an app got it")
			}
			if c.app != nil && c.app.Last().URL.Path != c.path {
				t.Errorf("the app got %s", c.app.Last().URL.Path)
			}
		})
	}
}

func TestSeveralSitesWithOneSignIn(t *testing.T) {
	p := gatewaytest.NewProcess(t, gatewaytest.Site{})
	start(t, p, "several-sites.Caddyfile", at(p))
	wiki := host{p.Browser(t), fmt.Sprintf("wiki.acme.localhost:%d", p.Port)}
	orders := host{wiki.Browser, fmt.Sprintf("orders.acme.localhost:%d", p.Port)} // the same browser: one jar
	orders.led(t, "/", "/auth/login")
	a := wiki.signIn(t, gatewaytest.Ada)
	if cookie := a.Header.Get("Set-Cookie"); !strings.Contains(cookie, "Domain=acme.localhost;") {
		t.Fatalf("the cookie is %s", cookie)
	}
	wiki.says(t, "/", "The wiki knows ada@example.com.")
	orders.says(t, "/", "The orders of ada@example.com.")
	orders.open(t, http.MethodPost, "/auth/logout", "", "Sec-Fetch-Site", "same-origin").Want(t, http.StatusNoContent)
	wiki.led(t, "/", "/auth/login")
}

func TestAPageAndItsAPIAtAnotherHost(t *testing.T) {
	p := gatewaytest.NewProcess(t, gatewaytest.Site{})
	start(t, p, "api-host.Caddyfile", at(p))
	page := host{p.Browser(t), fmt.Sprintf("app.localhost:%d", p.Port)}
	api := host{p.Browser(t), fmt.Sprintf("api.localhost:%d", p.Port)} // no cookie comes here
	origin := "http://" + page.name
	readable := func(t *testing.T, a gatewaytest.Answer) {
		t.Helper()
		if got := a.Header.Get("Access-Control-Allow-Origin"); got != origin {
			t.Errorf("a browser shows it to %q; want %s", got, origin)
		}
	}
	page.led(t, "/", "/auth/login")
	page.signIn(t, gatewaytest.Ada)
	t.Run("the page asks its own gateway for a token, and the API with it", func(t *testing.T) {
		if body := page.open(t, http.MethodGet, "/", "").Want(t, 200).Body; !strings.Contains(body, `fetch("/auth/session")`) || !strings.Contains(body, "http://"+api.name+"/orders") {
			t.Errorf("got %s", body)
		}
	})
	token := page.open(t, http.MethodGet, "/auth/session", "").Want(t, 200).Session(t).Token
	t.Run("a browser that asks first is told that the page may", func(t *testing.T) {
		a := api.open(t, http.MethodOptions, "/orders", "", "Origin", origin, "Access-Control-Request-Method", "GET",
			"Access-Control-Request-Headers", "authorization").Want(t, http.StatusNoContent)
		if readable(t, a); a.Header.Get("Access-Control-Allow-Headers") != "Authorization" {
			t.Errorf("got %v", a.Header)
		}
	})
	t.Run("with the token the API answers", func(t *testing.T) {
		a := api.open(t, http.MethodGet, "/orders", "", "Origin", origin, "Authorization", "Bearer "+token).Want(t, http.StatusOK)
		if readable(t, a); !strings.Contains(a.Body, `"of": "ada@example.com"`) {
			t.Errorf("got %s", a.Body)
		}
	})
	t.Run("without one it refuses, which the page may read", func(t *testing.T) {
		readable(t, api.open(t, http.MethodGet, "/orders", "", "Origin", origin).Want(t, http.StatusUnauthorized))
	})
}
