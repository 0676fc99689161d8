package faults_test

import (
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// TestExpiryEndsStreamsAndNoPlainAnswer: what goes on until one side has enough ends
// with the session's time. A file that is under way is fetched or sent to its end.
func TestExpiryEndsStreamsAndNoPlainAnswer(t *testing.T) {
	a := newStreamApp(t)
	site := a.site("")
	site.Options = "lifetime " + idleTimeout.String()
	s := gatewaytest.Start(t, site)
	var ends, stays []*opened
	for name, client := range streamClients {
		for _, area := range []string{"app", "public", "kept"} {
			if name == nodesSocket && area != "app" {
				continue
			}
			c := s.Client(t) // each has the whole time to begin
			c.SignIn(gatewaytest.Ada)
			o := a.open(t, s, name, area, c.Cookie)
			if area == "kept" || client.kind == "long" || client.kind == "upload" {
				stays = append(stays, o)
			} else {
				ends = append(ends, o)
			}
		}
	}
	for _, o := range ends {
		o.wantEnd(t)
	}
	for _, o := range stays {
		o.wantOpen(t)
	}
}
