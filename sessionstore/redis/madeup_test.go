package redis_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// called counts what the server was sent since the statistics were reset, but for
// greetings and what asks for them.
func called(t *testing.T, srv *redistest.Server) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for line := range strings.Lines(srv.Client().Info(t.Context(), "commandstats").Val()) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		var n int
		if _, err := fmt.Sscanf(rest, "%d,", &n); err == nil && name != "info" && name != "hello" && !strings.HasPrefix(name, "config") {
			counts[name] = n
		}
	}
	return counts
}

// Anybody can make a cookie up, as many as they like.
func TestAMadeUpSecretCostsOneReadAndNoWrite(t *testing.T) {
	const many = 200
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	must(t, st.Touch(t.Context(), create(t, st, ada), time.Now())) // connected, and the script is known
	for _, c := range []struct {
		name string
		do   func(key sessionstore.Key) error
		want map[string]int
	}{
		{"looked up", func(key sessionstore.Key) error {
			_, err := st.Get(sessionstore.Guess(t.Context()), key)
			return err
		}, map[string]int{"get": many}},
		{"noted as active", func(key sessionstore.Key) error {
			s := session(ada, time.Hour, time.Hour)
			s.Key = key
			return st.Touch(t.Context(), s, time.Now())
		}, map[string]int{"evalsha": many, "pttl": many}},
	} {
		t.Run("when it is "+c.name, func(t *testing.T) {
			must(t, srv.Client().ConfigResetStat(t.Context()).Err())
			for range many {
				if err := c.do(sessionstore.NewSecret(ada).Key()); !errors.Is(err, sessionstore.ErrNotFound) {
					t.Fatalf("answered with %v", err)
				}
			}
			if got := called(t, srv); !maps.Equal(got, c.want) {
				t.Errorf("%d of them cost %v; want %v", many, got, c.want)
			}
		})
	}
}

// A guess may be right: secrets of older gateways bear no mark.
func TestAGuessIsAnsweredLikeAnyOtherQuestion(t *testing.T) {
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	guess := sessionstore.Guess(t.Context())
	s := create(t, st, ada)
	if got, err := st.Get(guess, s.Key); err != nil || got.User.ID != ada {
		t.Errorf("Get answers %v, %v", got, err)
	}
	endIdle(t, srv, 5*time.Minute)
	if _, err := st.Get(guess, s.Key); !errors.Is(err, sessionstore.ErrNotFound) {
		t.Errorf("of one that has ended idle Get answers %v", err)
	}
	must(t, storetest.End(t.Context(), st, s.Key))
	srv.Kill()
	_, err := st.Get(guess, s.Key)
	cannotTell(t, err)
}
