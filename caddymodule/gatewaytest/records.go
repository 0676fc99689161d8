package gatewaytest

import (
	"testing"
	"time"

	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// Records are a person's sessions as the store holds them, opened with the
// gateways' secrets. Default: PresentSecret.
func Records(t testing.TB, srv *redistest.Server, userID int64, secrets ...string) []*sessionstore.Session {
	t.Helper()
	if len(secrets) == 0 {
		secrets = []string{PresentSecret}
	}
	ring, err := token.NewRing(token.Config{Secrets: secrets, Issuer: "sidegate", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := sessionstore.NewSealer(ring.SealingKeys()...)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := redis.New(srv.Client(), sealer, redis.Options{Timeout: Patience}).List(t.Context(), userID)
	if err != nil {
		t.Fatal(err)
	}
	return sessions
}
