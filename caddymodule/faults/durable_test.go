package faults_test

import (
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// A session is on disk before its cookie is answered, so the moment after the
// answer is a good one to kill the gateway.
func TestEmbeddedSessionsSurviveRestartAndKill(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	var everybody []*gatewaytest.Client
	for round := range gatewaytest.Rounds(10, 200) {
		c := p.Client(t)
		u := c.SignIn(gatewaytest.Ada)
		if round%5 == 4 {
			p.Terminate()
		} else {
			p.Kill()
		}
		everybody = append(everybody, c)
		p.Start()
		for i, known := range everybody {
			if a := known.Get("/auth/session"); a.StatusCode != http.StatusOK {
				t.Fatalf("round %d: the session of round %d is answered with %s %s", round, i, a.Status, a.Body)
			}
		}
		byToken := p.Client(t)
		byToken.Bearer = u.Token
		byToken.Get("/app").Want(t, http.StatusOK)
	}
}

func TestSignedOutStaysSignedOutAfterAKill(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	c := p.Client(t)
	c.SignIn(gatewaytest.Ada)
	stolen := p.Client(t)
	stolen.Cookie = c.Cookie
	c.Post("/auth/logout").Want(t, http.StatusNoContent)
	p.Kill()
	p.Start()
	stolen.Get("/auth/session").Want(t, http.StatusUnauthorized)
}

func TestMemoryStoreSurvivesReloadAndNotRestart(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "store memory"})
	c := p.Client(t)
	c.SignIn(gatewaytest.Ada)
	p.Site.Options += "\nlifetime 11h"
	p.Reload()
	c.Get("/auth/session").Want(t, http.StatusOK)
	p.Terminate()
	p.Start()
	c.Get("/auth/session").Want(t, http.StatusUnauthorized)
}
