package redistest_test

import (
	"strings"
	"testing"

	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestSentinelsPutTheReplicaInPlaceOfAKilledPrimary(t *testing.T) {
	t.Parallel()
	g := redistest.StartSentinel(t)
	former, replica := g.Primary(), g.Replica()
	if err := former.Client().Set(t.Context(), "key", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n := former.Client().Wait(t.Context(), 1, 0).Val(); n != 1 {
		t.Fatalf("%d replicas have the key; want 1", n)
	}
	former.Kill()
	g.AwaitFailover(former)
	if g.Primary() != replica || g.Replica() != former {
		t.Fatal("the sentinels name another server than the replica")
	}
	if got := replica.Client().Get(t.Context(), "key").Val(); got != "value" {
		t.Fatalf("the key holds %q; want the value", got)
	}
	g.Rejoin(former)
	if err := former.Client().Set(t.Context(), "key", "other", 0).Err(); err == nil || !strings.Contains(err.Error(), "READONLY") {
		t.Fatalf("a write to the former primary answers %v; want READONLY", err)
	}
}

func TestClusterOfSixHasThreePrimariesAndMovesSlots(t *testing.T) {
	t.Parallel()
	n := redistest.StartCluster(t)
	if got := len(n.Primaries()); got != 3 {
		t.Fatalf("there are %d primaries; want 3", got)
	}
	const key = "{x}key"
	before := n.PrimaryOf(key)
	if err := before.Client().Set(t.Context(), key, "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	n.MoveSlot(key)
	after := n.PrimaryOf(key)
	if after == before {
		t.Fatal("the slot has not moved")
	}
	if got := after.Client().Get(t.Context(), key).Val(); got != "value" {
		t.Fatalf("the key holds %q; want the value", got)
	}
}

func TestServerWithTLSRefusesWhoShowsNoCertificate(t *testing.T) {
	srv := redistest.Start(t, redistest.TLS())
	if !strings.HasPrefix(srv.URL(), "rediss://") || srv.Files().Key == "" {
		t.Fatalf("URL is %s, files are %+v", srv.URL(), srv.Files())
	}
	client := srv.Client()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatalf("the server refuses its own certificate: %v", err)
	}
	stranger := srv.Client()
	stranger.Options().TLSConfig.Certificates = nil
	if err := stranger.Ping(t.Context()).Err(); err == nil {
		t.Fatal("the server lets in who shows no certificate")
	}
}
