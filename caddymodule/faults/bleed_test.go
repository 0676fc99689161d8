package faults_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// Connections, streams, buffers and cache entries pass from one person to the
// next; people who go away in the midst of a request bring the moment about in
// which one could get what was another's. All in this process, so that the
// race detector sees both ends.
func TestFaultNobodyGetsTheAnswerOfAnother(t *testing.T) {
	const count = 200
	s := gatewaytest.Site{Dir: t.TempDir(), Upstream: gatewaytest.NewEcho(t).Address(), Options: faultOptions(redistest.Start(t).URL(), "")}
	gatewaytest.WriteFile(t, filepath.Join(s.Dir, "users.yaml"), gatewaytest.UsersFileOf(count))
	secure := gatewaytest.StartSecure(t, s)
	var people []*loadCaller
	for id := range count {
		people = append(people, callerOf(t, secure.Server, id+1))
	}
	for _, protocol := range []struct {
		name, url string
		transport *http.Transport
		major     int
	}{
		{"HTTP/1.1", secure.URL, &http.Transport{MaxIdleConnsPerHost: count}, 1},
		{"HTTP/2 over TLS", "https://" + gatewaytest.SecureHost, h2(secure), 2},
	} {
		t.Run(protocol.name, func(t *testing.T) {
			client := &http.Client{Transport: &speaks{protocol.transport, protocol.major, t}, CheckRedirect: gatewaytest.NoRedirects.CheckRedirect}
			defer protocol.transport.CloseIdleConnections()
			y := newTally()
			// In the long form 100,000 requests in all.
			each := gatewaytest.Rounds(10, 500)
			var asking sync.WaitGroup
			for _, p := range people {
				asking.Go(func() {
					for range each {
						y.note(asked{}, p.hastily(client, protocol.url), time.Now())
					}
				})
			}
			asking.Wait()
			for _, v := range []verdict{wrong, signedOut, letIn, odd} {
				if n := y.count(v); n != 0 {
					t.Errorf("%d requests were %s; want none", n, v)
				}
			}
			gone := y.count(unanswered) + y.count(torn)
			if gone == 0 {
				t.Error("no request was aborted")
			}
			y.wantMostServed(t, 20)
			figure(t, "identity bleed, "+protocol.name, fmt.Sprintf("%d people, %d requests at once and all mixed, race detector", count, count*each),
				"wrong identities: %d; served %d, aborted by the client %d, told to come again %d; 401s: %d",
				y.count(wrong), y.count(right), gone, y.count(unavailable), y.count(signedOut))
		})
	}
}

// hastily makes a request; for an answer to a third of them one does not wait.
func (p *loadCaller) hastily(client *http.Client, url string) verdict {
	ctx, cancel := context.WithTimeout(context.Background(), gatewaytest.Patience)
	defer cancel()
	if rand.IntN(3) == 0 {
		var hasty context.CancelFunc
		ctx, hasty = context.WithTimeout(ctx, rand.N(20*time.Millisecond))
		defer hasty()
	}
	return p.ask(ctx, client, url, false)
}

// h2 is a transport that has one connection to the site, for all streams.
func h2(s *gatewaytest.Secure) *http.Transport {
	return &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{ServerName: gatewaytest.SecureHost, RootCAs: s.Roots, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.Address)
		},
	}
}

// speaks checks that answers come by the protocol that is meant.
type speaks struct {
	http.RoundTripper
	major int
	t     *testing.T
}

func (s *speaks) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.RoundTripper.RoundTrip(r)
	if err == nil && resp.ProtoMajor != s.major {
		s.t.Errorf("answered by %s", resp.Proto)
	}
	return resp, err
}
