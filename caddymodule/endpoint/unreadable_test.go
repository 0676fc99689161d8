package endpoint_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// deviceList is the answer of GET /auth/sessions.
type deviceList struct {
	Sessions   []gatewaytest.Device `json:"sessions"`
	Unreadable []string             `json:"unreadable"`
}

func listedOf(c *gatewaytest.Client) (list deviceList) {
	c.T.Helper()
	a := c.Get("/auth/sessions").Want(c.T, http.StatusOK)
	a.Decode(c.T, &list)
	if hasField := strings.Contains(a.Body, "unreadable"); hasField != (len(list.Unreadable) > 0) {
		c.T.Errorf("the list is %s", a.Body)
	}
	return list
}

// startWithFormer starts a gateway on a store of that kind, with the former secret.
func startWithFormer(t *testing.T, store string) *gatewaytest.Process {
	t.Helper()
	site := gatewaytest.Site{Options: fmt.Sprintf("secret %q\n", gatewaytest.FormerSecret)}
	if store == "redis" {
		site = gatewaytest.Site{}.OnRedis(redistest.Start(t), gatewaytest.FormerSecret)
	}
	return gatewaytest.StartProcess(t, site)
}

// giveSecrets gives the running gateway those instead, the first of which seals.
func giveSecrets(p *gatewaytest.Process, secrets ...string) {
	given := strings.Trim(fmt.Sprintf("%q", secrets), "[]")
	p.Site.Options = secretLine.ReplaceAllLiteralString(p.Site.Options, "secret "+given)
	p.Reload()
}

var secretLine = regexp.MustCompile("(?m)^secret .*$")

func TestDevicesThatCannotBeReadHideNoOthersAndCanBeSignedOut(t *testing.T) {
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			g := startWithFormer(t, store)
			phone, tablet, theirs := g.WithCookie(t, gatewaytest.Ada), g.WithCookie(t, gatewaytest.Ada), g.WithCookie(t, gatewaytest.Grace)
			ids := []string{gatewaytest.IDOf(t, phone), gatewaytest.IDOf(t, tablet)}
			theirID := gatewaytest.IDOf(t, theirs)
			giveSecrets(g, gatewaytest.PresentSecret)
			laptop, desk := g.WithCookie(t, gatewaytest.Ada), g.WithCookie(t, gatewaytest.Ada)

			list := listedOf(laptop)
			if len(list.Sessions) != 2 || !list.Sessions[1].Current {
				t.Errorf("listed are %+v; want those that can be read", list.Sessions)
			}
			slices.Sort(ids)
			slices.Sort(list.Unreadable)
			if !slices.Equal(list.Unreadable, ids) {
				t.Errorf("said not to be readable are %v; want %v", list.Unreadable, ids)
			}
			laptop.Do(http.MethodDelete, "/auth/sessions/"+theirID, "").WantError(t, http.StatusNotFound, "not_found")
			laptop.Do(http.MethodDelete, "/auth/sessions/"+ids[0], "").Want(t, http.StatusNoContent)
			laptop.Do(http.MethodDelete, "/auth/sessions/"+ids[0], "").WantError(t, http.StatusNotFound, "not_found")
			if list := listedOf(laptop); len(list.Unreadable) != 1 || list.Unreadable[0] != ids[1] {
				t.Errorf("after one was signed out %v are left", list.Unreadable)
			}
			laptop.Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusNoContent)
			desk.Get("/auth/session").Want(t, http.StatusUnauthorized)
			if list := listedOf(laptop); len(list.Sessions) != 1 || len(list.Unreadable) != 0 {
				t.Errorf("after all others were signed out %+v are left", list)
			}

			giveSecrets(g, gatewaytest.PresentSecret, gatewaytest.FormerSecret)
			g.WantDead(t, phone.Cookie, "")
			g.WantDead(t, tablet.Cookie, "")
			theirs.Get("/auth/session").Want(t, http.StatusOK)
		})
	}
}

// The end of somebody's access must not wait until a secret is found again.
func TestWhoIsDisabledIsSignedOutOfSessionsThatCannotBeRead(t *testing.T) {
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			g := startWithFormer(t, store)
			phone, theirs := g.WithCookie(t, gatewaytest.Ada), g.WithCookie(t, gatewaytest.Grace)
			giveSecrets(g, gatewaytest.PresentSecret)
			laptop := g.WithCookie(t, gatewaytest.Ada)
			gatewaytest.WriteFile(t, g.Users, disabledAda)
			gatewaytest.Await(t, "ada is signed out", func() bool {
				return laptop.Get("/auth/session").StatusCode == http.StatusUnauthorized
			})
			// Both ended in one round, in whichever order: wait for the phone too.
			giveSecrets(g, gatewaytest.PresentSecret, gatewaytest.FormerSecret)
			gatewaytest.Await(t, "ada is signed out of what could not be read", func() bool {
				return phone.Get("/auth/session").StatusCode == http.StatusUnauthorized
			})
			theirs.Get("/auth/session").Want(t, http.StatusOK)
		})
	}
}

var disabledAda = strings.Replace(gatewaytest.UsersFile, "email: ada@example.com", "email: ada@example.com\n    disabled: true", 1)
