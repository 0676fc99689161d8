package redis_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// meddler does something just before the first script is sent, which is when
// an update has read its session and is about to write it.
type meddler struct{ meddle func() }

func (m *meddler) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (m *meddler) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

func (m *meddler) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		if meddle := m.meddle; meddle != nil && strings.EqualFold(cmd.Name(), "evalsha") {
			m.meddle = nil
			meddle()
		}
		return next(ctx, cmd)
	}
}

func TestUpdateWhoseSessionChangesWhileItWrites(t *testing.T) {
	later := time.Now().Add(time.Minute).UTC().Truncate(time.Millisecond)
	tests := []struct {
		name   string
		meddle func(*testing.T, *redistest.Server, *redis.Store, *sessionstore.Session)
		want   error
	}{
		{"a person who is seen meanwhile was seen", func(t *testing.T, _ *redistest.Server, st *redis.Store, s *sessionstore.Session) {
			must(t, st.Touch(t.Context(), s, later))
		}, nil},
		{"a session that is revoked meanwhile stays revoked", func(t *testing.T, _ *redistest.Server, st *redis.Store, s *sessionstore.Session) {
			must(t, storetest.End(t.Context(), st, s.Key))
		}, sessionstore.ErrNotFound},
		{"a session that is updated meanwhile is a conflict", func(t *testing.T, _ *redistest.Server, st *redis.Store, s *sessionstore.Session) {
			_, err := st.Update(t.Context(), s)
			must(t, err)
		}, sessionstore.ErrConflict},
		{"a session that is cut short meanwhile cannot be read", func(t *testing.T, srv *redistest.Server, _ *redis.Store, _ *sessionstore.Session) {
			client, key := srv.Client(), only(t, srv, "*:s:*")
			must(t, client.Set(t.Context(), key, client.GetRange(t.Context(), key, 0, 11).Val(), time.Hour).Err())
		}, sessionstore.ErrCorrupt},
		{"a session that becomes something else meanwhile cannot be read", func(t *testing.T, srv *redistest.Server, _ *redis.Store, _ *sessionstore.Session) {
			client, key := srv.Client(), only(t, srv, "*:s:*")
			client.Del(t.Context(), key)
			must(t, client.LPush(t.Context(), key, "x").Err())
		}, sessionstore.ErrCorrupt},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			srv := redistest.Start(t)
			other := store(t, srv.URL())
			s := create(t, other, ada)
			client := open(t, redis.Config{URL: srv.URL()})
			client.AddHook(&meddler{meddle: func() { test.meddle(t, srv, other, s) }})
			st := redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience})

			got, err := st.Update(t.Context(), s)
			if !errors.Is(err, test.want) {
				t.Fatalf("Update answers %v; want %v", err, test.want)
			}
			if test.want == nil && (!got.LastSeenAt.Equal(later) || !get(t, other, s.Key).LastSeenAt.Equal(later)) {
				t.Fatalf("last seen is %v; want %v", got.LastSeenAt, later)
			}
		})
	}
}
