package redis_test

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// TestANewSecretSealsAnewWhatIsWritten: once everything was written or has
// expired, the former secret can be taken away.
func TestANewSecretSealsAnewWhatIsWritten(t *testing.T) {
	srv := redistest.Start(t)
	with := func(secrets ...string) *redis.Store {
		var keys [][]byte
		for _, secret := range secrets {
			key := sha256.Sum256([]byte(secret))
			keys = append(keys, key[:])
		}
		sl, err := sessionstore.NewSealer(keys...)
		must(t, err)
		return redis.New(open(t, redis.Config{URL: srv.URL()}), sl, redis.Options{Timeout: patience})
	}
	former, both, present := with("former"), with("present", "former"), with("present")
	s := create(t, former, ada)

	t.Run("to read a session and to touch it leave its seal as it is", func(t *testing.T) {
		get(t, both, s.Key)
		must(t, both.Touch(t.Context(), s, time.Now().Add(time.Minute)))
		if _, err := present.Get(t.Context(), s.Key); !errors.Is(err, sessionstore.ErrUnknownKey) {
			t.Errorf("without the former secret Get answers %v; want ErrUnknownKey", err)
		}
	})
	t.Run("to write it seals it with the present secret, and the former one is not needed", func(t *testing.T) {
		_, err := both.Update(t.Context(), get(t, both, s.Key))
		must(t, err)
		get(t, present, s.Key)
		if _, err := former.Get(t.Context(), s.Key); !errors.Is(err, sessionstore.ErrUnknownKey) {
			t.Errorf("with the former secret alone Get answers %v; want ErrUnknownKey", err)
		}
	})
}
