package faults_test

import (
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestWhatIsOpenEndsWithItsSessionWhateverKeepsIt(t *testing.T) {
	for name, store := range gatewaytest.Stores(t) {
		for _, cache := range []string{"cache 1h", "cache off"} {
			t.Run("store "+name+", "+cache, func(t *testing.T) {
				a := newStreamApp(t)
				site := a.site("")
				site.Options = store.Options + "\n" + cache
				s := gatewaytest.Start(t, site)
				c := s.Client(t)
				c.SignIn(gatewaytest.Ada)
				open := a.openAll(t, s, "app", c.Cookie)
				c.Post("/auth/logout").Want(t, http.StatusNoContent)
				for _, o := range open {
					o.wantEnd(t)
				}
			})
		}
	}
}

func TestSignedOutAtOneGatewayIsCutOffAtTheOther(t *testing.T) {
	srv := redistest.Start(t)
	for _, cache := range []string{"cache 1h", "cache off"} {
		t.Run(cache, func(t *testing.T) {
			a := newStreamApp(t)
			site := a.site("").OnRedis(srv, gatewaytest.PresentSecret)
			site.Options += cache
			one, other := gatewaytest.StartProcess(t, site), gatewaytest.StartProcess(t, site)
			own, somebody := one.Client(t), one.Client(t)
			own.SignIn(gatewaytest.Ada)
			somebody.SignIn(gatewaytest.Grace)
			open := append(a.openAll(t, other.Server, "app", own.Cookie), a.openAll(t, one.Server, "app", own.Cookie)...)
			stays := a.openAll(t, other.Server, "app", somebody.Cookie)
			own.Post("/auth/logout").Want(t, http.StatusNoContent)
			for _, o := range open {
				o.wantEnd(t)
			}
			for _, o := range stays {
				o.wantOpen(t)
			}
			other.AwaitSample(`streams_closed_total{why="revoked"}`, float64(len(streamClients)))
			other.AwaitSample("open_streams", float64(len(stays)))
		})
	}
}
