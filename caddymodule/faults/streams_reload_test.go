package faults_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// delayed has Caddy leave websockets open at a reload.
func delayed(site gatewaytest.Site) gatewaytest.Site {
	site.Routes = strings.Replace(site.Routes, "reverse_proxy {upstream}", "reverse_proxy {upstream} {\nstream_close_delay 1h\n}", 1)
	return site
}

func TestWhatIsOpenStaysOverAReloadAndEndsWithItsSession(t *testing.T) {
	for name, store := range gatewaytest.Stores(t) {
		t.Run("store "+name, func(t *testing.T) {
			t.Parallel()
			a := newStreamApp(t)
			site := delayed(a.site(""))
			site.Options = store.Options
			p := gatewaytest.StartProcess(t, site)
			own, somebody := p.Client(t), p.Client(t)
			own.SignIn(gatewaytest.Ada)
			somebody.SignIn(gatewaytest.Grace)
			open := a.openAll(t, p.Server, "app", own.Cookie)
			stays := a.openAll(t, p.Server, "app", somebody.Cookie)
			options := p.Site.Options
			for _, lifetime := range []string{"11h", "10h"} {
				p.Site.Options = options + "\nlifetime " + lifetime
				p.Reload()
				for _, o := range open {
					o.wantOpen(t)
				}
			}
			own.Post("/auth/logout").Want(t, http.StatusNoContent)
			for _, o := range open {
				o.wantEnd(t)
			}
			for _, o := range stays {
				o.wantOpen(t)
			}
		})
	}
}

func TestWhatIsOpenEndsWithAReloadThatVouchesForNobody(t *testing.T) {
	for name, edit := range map[string]func(t *testing.T, site *gatewaytest.Site){
		"without the login": func(t *testing.T, site *gatewaytest.Site) {
			site.Bare = true
			site.Options += "\nrole admin\n" + gatewaytest.NewIDP(t).Login("sso", "")
		},
		"with another store": func(_ *testing.T, site *gatewaytest.Site) { site.Options = "store memory" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newStreamApp(t)
			p := gatewaytest.StartProcess(t, delayed(a.site("")))
			c := p.Client(t)
			c.SignIn(gatewaytest.Ada)
			open, anonymous := a.openAll(t, p.Server, "app", c.Cookie), a.openAll(t, p.Server, "public", "")
			kept := a.openAll(t, p.Server, "kept", c.Cookie)
			edit(t, &p.Site)
			p.Reload()
			for _, o := range open {
				o.wantEnd(t)
			}
			for _, o := range append(kept, anonymous...) {
				o.wantOpen(t)
			}
		})
	}
}
